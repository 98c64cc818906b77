//! The commits that a comparison names.

use std::collections::BTreeSet;

use schema::commit::Commit;
use schema::ids::CommitKey;

use super::ComparedCommit;
use super::sides::SideRuns;
use crate::error::{AnswerError, invalid, not_found};
use crate::store::Store;
use crate::{commit_names, commits};

/// One end of a comparison.
#[derive(Debug)]
pub(super) struct End {
    /// The commit.
    pub(super) commit: ComparedCommit,
    /// The newest commit whose runs are runs of this one: runs of several repositories are stored under their newest commit.
    pub(super) until: CommitKey,
    /// Whether it was named. The runs that are the newest now stand in for no commit.
    is_named: bool,
}

impl End {
    /// The commit of some runs, if they stand in for the one that was named.
    pub(super) fn stand_in(&self, runs: &SideRuns) -> Option<CommitKey> {
        (self.is_named && runs.commit < self.commit.uuid).then_some(runs.commit)
    }
}

/// The commit of a name, or now.
pub(super) async fn end(store: &Store, name: Option<&str>) -> Result<End, AnswerError> {
    let Some(name) = name.map(str::trim) else {
        let uuid = store.clock.commit_key();
        return Ok(End { commit: ComparedCommit { uuid, name: "now".to_owned() }, until: uuid, is_named: false });
    };
    if let Some(uuid) = name.parse::<u64>().ok().filter(|key| *key >= CommitKey::SMALLEST).map(CommitKey) {
        let commits = commit_names::by_key(store, &BTreeSet::from([uuid])).await?;
        return Ok(End { commit: ComparedCommit { uuid, name: commits.name(uuid) }, until: uuid, is_named: true });
    }
    let found = commits::named(store, &[], &[name.to_owned()], 2).await?;
    match found.as_slice() {
        [] => Err(not_found(format!(
            "No commit is named {name}; give an identifier, a revision or the beginning of a hash"
        ))),
        [commit] => {
            let siblings = commits::siblings(store, commit).await?;
            let until = siblings.values().flatten().map(Commit::key).fold(commit.key(), CommitKey::max);
            let commit = ComparedCommit { uuid: commit.key(), name: commit.short_name() };
            Ok(End { commit, until, is_named: true })
        }
        _ => Err(invalid(format!("More than one commit is named {name}; give more of its name"))),
    }
}
