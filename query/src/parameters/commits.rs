//! Questions about commits: points and ranges, section 4 of the wire contract.

use answers::ask::{CommitRange, CommitSelector};
use answers::commit_search::CommitQuestion;
use schema::ids::CommitKey;

use super::Parameters;
use crate::error::{ApiError, bad};

/// What the parameters with a prefix name: one kind of `ref`/`id`, `uuid` and `timestamp` at most.
fn selector(parameters: &Parameters, prefix: &str) -> Result<Option<CommitSelector>, ApiError> {
    let named = |member: &str| format!("{prefix}{member}");
    let keys = parameters.numbers(&named("uuid"))?;
    let times = parameters.numbers(&named("timestamp"))?;
    let names = [parameters.texts(&named("ref")), parameters.texts(&named("id"))].concat();
    let repositories = parameters.texts(&named("repository_id"));
    match (names.is_empty(), keys.is_empty(), times.is_empty()) {
        (true, true, true) if repositories.is_empty() => Ok(None),
        (true, true, true) => {
            let branch = parameters.first(&named("branch")).map(str::to_owned);
            Ok(Some(CommitSelector::Newest { repositories, branch }))
        }
        (false, true, true) => Ok(Some(CommitSelector::Names { repositories, names })),
        (true, false, true) => Ok(Some(CommitSelector::Keys(keys.into_iter().map(CommitKey).collect()))),
        (true, true, false) => Ok(Some(CommitSelector::Times(times))),
        _ => Err(bad("Can only search by one of [commit id/ref, commit uuid, timestamp] in a single request")),
    }
}

/// The commits that bound a question.
pub(crate) fn range(parameters: &Parameters) -> Result<CommitRange, ApiError> {
    Ok(CommitRange {
        after: selector(parameters, "after_")?,
        before: selector(parameters, "before_")?,
        at: selector(parameters, "")?,
    })
}

/// A question about commits themselves.
pub(crate) fn question(parameters: &Parameters) -> Result<CommitQuestion, ApiError> {
    Ok(CommitQuestion {
        repositories: parameters.texts("repository_id"),
        branches: parameters.texts("branch"),
        range: range(parameters)?,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::parameters::{POINT, RANGE};

    fn read(query: &str) -> Result<CommitRange, ApiError> {
        range(&Parameters::read(Some(query), &[&POINT, &RANGE]).unwrap())
    }

    #[test]
    fn a_point_is_named_in_one_way() {
        let at = |query| read(query).unwrap().at;
        assert_eq!(at(""), None);
        assert_eq!(at("branch=safari"), None);
        assert_eq!(at("uuid=12.5&uuid=7"), Some(CommitSelector::Keys(vec![CommitKey(12), CommitKey(7)])));
        assert_eq!(at("timestamp=9"), Some(CommitSelector::Times(vec![9])));
        let names = CommitSelector::Names { repositories: vec!["webkit".into()], names: vec!["a".into(), "b".into()] };
        assert_eq!(at("id=b&ref=a&repository_id=webkit"), Some(names));
        let newest = CommitSelector::Newest { repositories: vec!["webkit".into()], branch: Some("safari".into()) };
        assert_eq!(at("repository_id=webkit&branch=safari"), Some(newest));
        assert!(read("uuid=1&timestamp=1").is_err() && read("uuid=x").is_err());
    }

    #[test]
    fn both_ends_of_a_range_are_read() {
        let range = read("after_timestamp=1&before_uuid=900").unwrap();
        assert_eq!(range.after, Some(CommitSelector::Times(vec![1])));
        assert_eq!(range.before, Some(CommitSelector::Keys(vec![CommitKey(900)])));
    }
}
