//! How the runs of commits went, for lists of commits.

use std::collections::{BTreeMap, BTreeSet};

use schema::commit::{Commit, branch_key};
use schema::ids::CommitKey;

use crate::error::AnswerError;
use crate::reads::{configurations, runs};
use crate::store::Store;

/// The runs of one suite on one commit.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct SuiteOnCommit {
    /// The suite.
    pub suite: String,
    /// Its runs.
    pub runs: u64,
    /// Those with unexpected failures.
    pub failed: u64,
}

/// The runs that are stored under the keys of these commits, by suite. Branches are those of the commits.
pub async fn find(store: &Store, commits: &[Commit]) -> Result<BTreeMap<CommitKey, Vec<SuiteOnCommit>>, AnswerError> {
    let keys: BTreeSet<CommitKey> = commits.iter().map(Commit::key).collect();
    let branches: BTreeSet<&str> = commits.iter().map(|commit| branch_key(Some(&commit.branch))).collect();
    let (mut suites, mut ids) = (BTreeSet::new(), BTreeSet::new());
    for branch in &branches {
        for stored in configurations::stored(store, branch).await?.all.iter() {
            ids.insert(stored.id);
            suites.extend(stored.suites.iter().cloned());
        }
    }
    let now = store.clock.now() as i64;
    let mut found: BTreeMap<CommitKey, Vec<SuiteOnCommit>> = BTreeMap::new();
    for row in runs::of_commits(store, &keys, &suites, &branches, &ids).await? {
        let runs::CommitRuns { uuid, suite, runs, failed } = row;
        let is_over = |branch: &&str| store.retention.is_expired(&suite, branch, uuid.time() as i64, now);
        if branches.iter().all(is_over) {
            continue;
        }
        found.entry(uuid).or_default().push(SuiteOnCommit { suite, runs, failed });
    }
    Ok(found)
}
