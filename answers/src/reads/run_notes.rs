//! Reads what uploads say of their runs beside the results, and which runs a page of the CI belongs to.

use std::collections::BTreeSet;

use clickhouse::Row;
use schema::ids::{CommitKey, ConfigId};
use serde::Deserialize;

use super::selection::{RunPlace, UPLOAD};
use super::statement::Fragment;
use crate::error::AnswerError;
use crate::store::Store;

/// Notes that one question reads at most: parts of runs, reruns and retries of a few commits.
const MAX_NOTES: u64 = 20_000;
/// Runs that a page of the CI leads to at most.
const MAX_LINKED: u64 = 1000;

/// What an upload says of its run, as JSON.
#[derive(Debug, Row, Deserialize)]
pub(crate) struct StoredNotes {
    pub(crate) config_id: ConfigId,
    pub(crate) uuid: CommitKey,
    pub(crate) sdk: String,
    pub(crate) start_time: u32,
    pub(crate) notes: String,
}

impl StoredNotes {
    /// Where the run stands.
    pub(crate) fn place(&self) -> RunPlace {
        RunPlace { config_id: self.config_id, uuid: self.uuid, sdk: self.sdk.clone(), start_time: self.start_time }
    }
}

/// The notes of all runs of a suite under a branch key on some commits and configurations, whenever they started. What an
/// upload said that was replaced is not among them.
pub(crate) async fn of_commits(
    store: &Store,
    suite: &str,
    branch: &str,
    configurations: &BTreeSet<ConfigId>,
    commits: &BTreeSet<CommitKey>,
) -> Result<Vec<StoredNotes>, AnswerError> {
    let (Some(first), Some(last)) = (commits.first(), commits.last()) else { return Ok(Vec::new()) };
    let meant = Fragment::new(
        "suite = {suite} AND branch = {branch} AND config_id IN {config_ids} AND uuid BETWEEN {first} AND {last} \
         AND uuid IN {keys}",
    )
    .value("suite", suite)
    .value("branch", branch)
    .list("config_ids", configurations.iter().copied())
    .value("first", *first)
    .value("last", *last)
    .list("keys", commits.iter().copied());
    Fragment::new(
        "SELECT ?fields FROM run_notes WHERE {meant} AND ({upload}) IN (SELECT {upload} FROM runs WHERE {meant}) \
         ORDER BY uuid DESC, start_time DESC, config_id, sdk LIMIT {most}",
    )
    .text("upload", UPLOAD)
    .part("meant", &meant)
    .value("most", MAX_NOTES)
    .all(&store.client)
    .await
}

/// A run that a page of the CI belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Row, Deserialize)]
pub(crate) struct LinkedRun {
    pub(crate) suite: String,
    pub(crate) branch: String,
    pub(crate) config_id: ConfigId,
    pub(crate) uuid: CommitKey,
    pub(crate) sdk: String,
    pub(crate) start_time: u32,
    version: u64,
}

impl LinkedRun {
    /// Where it stands.
    pub(crate) fn place(&self) -> RunPlace {
        RunPlace { config_id: self.config_id, uuid: self.uuid, sdk: self.sdk.clone(), start_time: self.start_time }
    }
}

/// The runs of a page of the CI, the newest first. A run whose upload was replaced is not among them: the newer upload has a
/// page of its own, or none.
pub(crate) async fn linked(store: &Store, link: &str) -> Result<Vec<LinkedRun>, AnswerError> {
    let mut rows: Vec<LinkedRun> = Fragment::new(
        "SELECT ?fields FROM linked_runs WHERE link = {link} \
         ORDER BY start_time DESC, suite, branch, config_id, uuid, sdk LIMIT {most}",
    )
    .value("link", link)
    .value("most", MAX_LINKED)
    .all(&store.client)
    .await?;
    let groups: BTreeSet<(String, String)> = rows.iter().map(|row| (row.suite.clone(), row.branch.clone())).collect();
    for (suite, branch) in groups {
        let of_group = || rows.iter().filter(|row| row.suite == suite && row.branch == branch);
        let newest = newest_uploads(store, &suite, &branch, of_group()).await?;
        let is_newest = |row: &LinkedRun| newest.contains(&(row.config_id, row.uuid, row.version));
        rows.retain(|row| row.suite != suite || row.branch != branch || is_newest(row));
    }
    Ok(rows)
}

#[derive(Row, Deserialize)]
struct UploadOfRun {
    config_id: ConfigId,
    uuid: CommitKey,
    version: u64,
}

/// The newest uploads of the commits and configurations of some runs of a suite under a branch key.
async fn newest_uploads<'a>(
    store: &Store,
    suite: &str,
    branch: &str,
    runs: impl Iterator<Item = &'a LinkedRun> + Clone,
) -> Result<BTreeSet<(ConfigId, CommitKey, u64)>, AnswerError> {
    let commits: BTreeSet<CommitKey> = runs.clone().map(|run| run.uuid).collect();
    let configurations: BTreeSet<ConfigId> = runs.map(|run| run.config_id).collect();
    let (Some(first), Some(last)) = (commits.first(), commits.last()) else { return Ok(BTreeSet::new()) };
    let uploads: Vec<UploadOfRun> = Fragment::new(
        "SELECT config_id, uuid, version FROM runs WHERE suite = {suite} AND branch = {branch} \
         AND config_id IN {config_ids} AND uuid BETWEEN {first} AND {last} AND uuid IN {keys} LIMIT {most}",
    )
    .value("suite", suite)
    .value("branch", branch)
    .list("config_ids", configurations)
    .value("first", *first)
    .value("last", *last)
    .list("keys", commits.iter().copied())
    .value("most", MAX_NOTES)
    .all(&store.client)
    .await?;
    Ok(uploads.into_iter().map(|upload| (upload.config_id, upload.uuid, upload.version)).collect())
}

/// Starts of all runs of a suite under a branch key on a commit and a configuration, whatever their SDK.
pub(crate) async fn places_of_commit(
    store: &Store,
    suite: &str,
    branch: &str,
    run: &RunPlace,
) -> Result<Vec<RunPlace>, AnswerError> {
    Fragment::new(
        "SELECT config_id, uuid, sdk, start_time FROM runs WHERE suite = {suite} AND branch = {branch} \
         AND config_id = {config_id} AND uuid = {key} ORDER BY start_time DESC, sdk LIMIT {most}",
    )
    .value("suite", suite)
    .value("branch", branch)
    .value("config_id", run.config_id)
    .value("key", run.uuid)
    .value("most", MAX_LINKED)
    .all(&store.client)
    .await
}
