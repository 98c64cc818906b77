//! Reads which repositories runs are of: a run names a commit of each, and stands at the newest of them.

use std::collections::BTreeSet;

use clickhouse::Row;
use schema::ids::{CommitKey, ConfigId};
use serde::Deserialize;

use super::newest_uploads::Upload;
use super::run_outcomes::of_commits;
use super::selection::Selection;
use super::statement::Fragment;
use crate::error::AnswerError;
use crate::store::Store;

/// Repositories that a question about commits is narrowed to at most.
const MAX_REPOSITORIES: u64 = 100;

/// The branches of which a run names commits.
#[derive(Debug, Row, Deserialize)]
pub(crate) struct RunBranches {
    config_id: ConfigId,
    uuid: CommitKey,
    version: u64,
    /// Each as repository and branch, sorted.
    pub(crate) named: Vec<(String, String)>,
}

impl RunBranches {
    /// The upload that names them.
    pub(crate) fn upload(&self) -> Upload {
        Upload { config_id: self.config_id, uuid: self.uuid, version: self.version }
    }
}

/// The branches that the selected runs of some commits name.
pub(crate) async fn branches(
    store: &Store,
    suite: &str,
    selection: &Selection,
    commits: &BTreeSet<CommitKey>,
) -> Result<Vec<RunBranches>, AnswerError> {
    let statement = Fragment::new(
        "SELECT config_id, uuid, version, arraySort(arrayDistinct(arrayMap(\
           commit -> (JSONExtractString(commit, 'repository_id'), JSONExtractString(commit, 'branch')), \
           JSONExtractArrayRaw(commits)))) AS named FROM runs WHERE suite = {suite} AND {selected}",
    )
    .part("selected", &selection.condition_of(suite))
    .value("suite", suite);
    of_commits(statement, Some(commits)).all(&store.client).await
}

/// Ids of the repositories that the selected runs name, sorted.
pub(crate) async fn repositories(
    store: &Store,
    suite: &str,
    selection: &Selection,
) -> Result<Vec<String>, AnswerError> {
    Fragment::new(
        "SELECT DISTINCT arrayJoin(arrayMap(commit -> JSONExtractString(commit, 'repository_id'), \
           JSONExtractArrayRaw(commits))) AS repository FROM runs WHERE suite = {suite} AND {selected} \
         ORDER BY repository LIMIT {most}",
    )
    .part("selected", &selection.condition_of(suite))
    .value("suite", suite)
    .value("most", MAX_REPOSITORIES)
    .all(&store.client)
    .await
}
