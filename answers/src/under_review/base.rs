//! The commit that a change is based on: what its runs say, else where its commits say that their branch left the trunk,
//! else the newest commit of the trunk that was tested before the change.

use schema::commit::{Commit, DEFAULT_BRANCHES};
use schema::ids::CommitKey;
use schema::run_notes::CHANGE_BRANCHES;
use schemars::JsonSchema;
use serde::Serialize;

use crate::changes::{NamedCommit, named};
use crate::commit_names::{self, CommitNames};
use crate::error::AnswerError;
use crate::late_runs::LateRuns;

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
    told: Option<&str>,
    commit: CommitKey,
    names: &CommitNames,
    trunk: &LateRuns<'_>,
) -> Result<Option<ReviewBase>, AnswerError> {
    if let Some(told) = told
        && let Some(commit) = on_trunk(trunk, told).await?
    {
        return Ok(Some(ReviewBase { commit, source: BaseSource::Told }));
    }
    for name in names.get(commit).and_then(branch_point).into_iter().flatten() {
        if let Some(commit) = on_trunk(trunk, &name).await? {
            return Ok(Some(ReviewBase { commit, source: BaseSource::BranchPoint }));
        }
    }
    let tested = trunk.sessions.commits().into_iter().filter(|tested| *tested <= commit);
    let Some(newest) = tested.max() else { return Ok(None) };
    let names =
        commit_names::as_tested(trunk.store, trunk.suite, trunk.filter.branch.as_deref(), &[newest].into()).await?;
    Ok(Some(ReviewBase { commit: named(newest, &names), source: BaseSource::NewestTested }))
}

/// The newest commit of a name that is on no branch of a change; none if it may be of several repositories.
async fn on_trunk(trunk: &LateRuns<'_>, name: &str) -> Result<Option<NamedCommit>, AnswerError> {
    if name.is_empty() {
        return Ok(None);
    }
    let mut found = commit_names::meant_by(trunk, name).await?;
    found.retain(|commit| !commit.branch.starts_with(CHANGE_BRANCHES));
    if !commit_names::are_alike(&found) {
        return Ok(None);
    }
    let Some(newest) = found.into_iter().max_by_key(Commit::key) else { return Ok(None) };
    let key = newest.key();
    Ok(Some(named(key, &commit_names::of_one(trunk.store, newest).await?)))
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
