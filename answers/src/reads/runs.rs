//! Reads runs: their statistics, which of them count, and their documents.

use std::collections::BTreeSet;

use analysis::broken_run::{LARGEST_SHARE, LEAST_TESTS};
use clickhouse::Row;
use schema::ids::{CommitKey, ConfigId};
use schema::outcomes::roster::RosterId;
use serde::Deserialize;

use super::newest_uploads::Upload;
use super::selection::{RunPlace, RunRow, Selection};
use super::statement::Fragment;
use crate::error::AnswerError;
use crate::store::Store;

/// Runs of commits that are counted at once.
const MAX_COUNTED: u64 = 10_000;

/// The condition that a row of `runs` broke as a whole, as [`analysis::broken_run::is_broken`] says.
pub(crate) fn is_broken() -> String {
    format!("tests_run >= {LEAST_TESTS} AND tests_unexpected_failed > {LARGEST_SHARE} * tests_run")
}

/// A stored run with its statistics.
#[derive(Debug, Row, Deserialize)]
pub(crate) struct StoredRun {
    pub(crate) config_id: ConfigId,
    pub(crate) uuid: CommitKey,
    pub(crate) sdk: String,
    pub(crate) start_time: u32,
    /// How many tests failed and then passed.
    pub(crate) flaky: u32,
    /// Statistics as JSON.
    pub(crate) stats: String,
}

impl RunRow for StoredRun {
    fn config_id(&self) -> ConfigId {
        self.config_id
    }
}

/// The newest runs of a suite.
pub(crate) async fn newest(store: &Store, suite: &str, selection: &Selection) -> Result<Vec<StoredRun>, AnswerError> {
    let ask = |selection: &Selection| {
        Fragment::new("SELECT ?fields FROM runs WHERE suite = {suite} AND {selected} {newest}")
            .part("selected", &selection.condition_of(suite))
            .part("newest", &selection.newest_of_each("config_id"))
            .value("suite", suite)
    };
    selection.newest(store, &[suite], ask).await
}

/// Where a run stands, and which upload it is of.
#[derive(Debug, Row, Deserialize)]
pub(crate) struct PlacedRun {
    pub(crate) config_id: ConfigId,
    pub(crate) uuid: CommitKey,
    pub(crate) sdk: String,
    /// Start of the run, seconds since 1970.
    pub(crate) start_time: u32,
    /// How many tests failed unexpectedly.
    pub(crate) tests_unexpected_failed: u32,
    /// The list of its tests, if that is known.
    pub(crate) roster: RosterId,
    version: u64,
}

impl PlacedRun {
    /// Its newest upload.
    pub(crate) fn upload(&self) -> Upload {
        Upload { config_id: self.config_id, uuid: self.uuid, version: self.version }
    }
}

impl RunRow for PlacedRun {
    fn config_id(&self) -> ConfigId {
        self.config_id
    }
}

/// Where the newest runs of a suite stand.
pub(crate) async fn newest_places(
    store: &Store,
    suite: &str,
    selection: &Selection,
) -> Result<Vec<PlacedRun>, AnswerError> {
    let ask = |selection: &Selection| {
        Fragment::new("SELECT ?fields FROM runs WHERE suite = {suite} AND {selected} {newest}")
            .part("selected", &selection.condition_of(suite))
            .part("newest", &selection.newest_of_each("config_id"))
            .value("suite", suite)
    };
    selection.newest(store, &[suite], ask).await
}

/// The newest runs of all that did not break as a whole, those of the newest commits first.
pub(crate) async fn newest_sound(
    store: &Store,
    suite: &str,
    selection: &Selection,
    limit: u64,
) -> Result<Vec<RunPlace>, AnswerError> {
    Fragment::new(
        "SELECT config_id, uuid, sdk, start_time FROM runs WHERE suite = {suite} AND {selected} AND NOT ({is_broken}) \
         ORDER BY uuid DESC, start_time DESC, config_id, sdk LIMIT {limit}",
    )
    .text("is_broken", &is_broken())
    .part("selected", &selection.condition_of(suite))
    .value("suite", suite)
    .value("limit", limit)
    .all(&store.client)
    .await
}

/// When a configuration ran last.
#[derive(Debug, Row, Deserialize)]
pub(crate) struct LastStart {
    pub(crate) config_id: ConfigId,
    /// Seconds since 1970.
    pub(crate) last_start_time: u32,
}

/// The start of the newest run of each configuration, seconds since 1970.
pub(crate) async fn last_starts(
    store: &Store,
    suite: &str,
    selection: &Selection,
) -> Result<Vec<LastStart>, AnswerError> {
    Fragment::new(
        "SELECT config_id, max(start_time) AS last_start_time FROM runs WHERE suite = {suite} AND {selected} \
         GROUP BY config_id ORDER BY config_id",
    )
    .part("selected", &selection.condition_of(suite))
    .value("suite", suite)
    .all(&store.client)
    .await
}

/// The runs of one suite on one commit.
#[derive(Debug, Row, Deserialize)]
pub(crate) struct CommitRuns {
    pub(crate) uuid: CommitKey,
    pub(crate) suite: String,
    pub(crate) runs: u64,
    /// Runs with unexpected failures.
    pub(crate) failed: u64,
}

/// Counts the runs that are stored under some commits. `suites`, `branches` and `configurations` are those that ran at all:
/// the sorting key begins with them, and without them every run of these weeks would be read.
pub(crate) async fn of_commits(
    store: &Store,
    keys: &BTreeSet<CommitKey>,
    suites: &BTreeSet<String>,
    branches: &BTreeSet<&str>,
    configurations: &BTreeSet<ConfigId>,
) -> Result<Vec<CommitRuns>, AnswerError> {
    let (Some(first), Some(last)) = (keys.first(), keys.last()) else { return Ok(Vec::new()) };
    if configurations.is_empty() {
        return Ok(Vec::new());
    }
    Fragment::new(
        "SELECT uuid, suite, count() AS runs, countIf(tests_unexpected_failed > 0) AS failed FROM runs \
         WHERE suite IN {suites} AND branch IN {branches} AND config_id IN {config_ids} \
         AND uuid BETWEEN {first} AND {last} AND uuid IN {keys} \
         GROUP BY uuid, suite ORDER BY uuid, suite LIMIT {limit}",
    )
    .list("suites", suites)
    .list("branches", branches.iter().copied())
    .list("config_ids", configurations.iter().copied())
    .value("first", *first)
    .value("last", *last)
    .list("keys", keys.iter().copied())
    .value("limit", MAX_COUNTED)
    .all(&store.client)
    .await
}
