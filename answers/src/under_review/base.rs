//! The commit that a change is based on: what its runs say, else where its commits say that their branch left the trunk,
//! else the newest commit of the trunk that was tested before the change.

use schema::commit::{Commit, DEFAULT_BRANCHES};
use schema::ids::CommitKey;
use schema::run_notes::CHANGE_BRANCHES;
use schemars::JsonSchema;
use serde::Serialize;

use crate::changes::NamedCommit;
use crate::commits::{self, CommitNames};
use crate::error::AnswerError;
use crate::late_runs::LateRuns;
use crate::store::Store;

/// Commits of one name that are looked at.
const MAX_NAMED: u64 = 10;

/// How the base of a change is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BaseSource {
    /// The runs of the change say it.
    Told,
    /// The identifier of the change's commit says where its branch left the trunk.
    BranchPoint,
    /// Nobody says it: it is the newest commit of the trunk that was tested before the change.
    NewestTested,
}

/// The base of a change.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ReviewBase {
    /// The commit.
    pub commit: NamedCommit,
    /// How it is known.
    pub source: BaseSource,
}

/// The base of a change whose newest commit is `commit`; none if nothing is known of before.
pub(super) async fn of(
    store: &Store,
    told: Option<&str>,
    commit: CommitKey,
    names: &CommitNames,
    trunk: &LateRuns<'_>,
) -> Result<Option<(CommitKey, BaseSource)>, AnswerError> {
    if let Some(told) = told
        && let Some(base) = on_trunk(store, told).await?
    {
        return Ok(Some((base, BaseSource::Told)));
    }
    for name in names.get(commit).and_then(branch_point).into_iter().flatten() {
        if let Some(base) = on_trunk(store, &name).await? {
            return Ok(Some((base, BaseSource::BranchPoint)));
        }
    }
    let tested = trunk.sessions.commits().into_iter().filter(|tested| *tested <= commit);
    Ok(tested.max().map(|base| (base, BaseSource::NewestTested)))
}

/// The newest commit of a name that is on no branch of a change.
async fn on_trunk(store: &Store, name: &str) -> Result<Option<CommitKey>, AnswerError> {
    if name.is_empty() {
        return Ok(None);
    }
    let found = commits::named(store, &[], &[name.to_owned()], MAX_NAMED).await?;
    let found = found.iter().filter(|commit| !commit.branch.starts_with(CHANGE_BRANCHES));
    Ok(found.map(Commit::key).max())
}

/// What the branch point of a commit may be called, from its identifier `P.N@branch`.
fn branch_point(commit: &Commit) -> Option<[String; 3]> {
    let (place, _) = commit.identifier.as_deref()?.split_once('@')?;
    let (point, _) = place.split_once('.')?;
    Some(DEFAULT_BRANCHES.map(|branch| format!("{point}@{branch}")))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_of_branches_say_where_they_left_the_trunk() {
        let point = |identifier: &str| {
            let text = format!(r#"{{"repository_id":"w","branch":"b","timestamp":1,"identifier":"{identifier}"}}"#);
            branch_point(&serde_json::from_str(&text).unwrap()).map(|names| names[0].clone())
        };
        assert_eq!(point("270100.3@change/5").as_deref(), Some("270100@main"));
        assert_eq!((point("270100@main"), point("270100")), (None, None));
    }
}
