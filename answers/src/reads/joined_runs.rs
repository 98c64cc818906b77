//! Reads all runs of a commit together: shards, reruns and retries.

use std::collections::BTreeSet;

use clickhouse::Row;
use schema::ids::{CommitKey, ConfigId, TestId};
use schema::state::ERROR;
use serde::Deserialize;

use super::failures::state_column;
use super::runs::is_broken;
use super::selection::{RunPlace, Selection};
use super::statement::Fragment;
use crate::error::AnswerError;
use crate::store::Store;

/// Runs of one commit on one configuration that are joined at most, the newest.
const MAX_RUNS: u64 = 1000;
/// Failures that one question reads at most.
const MAX_FAILURES: u64 = 1_000_000;
/// Tests of one statement: their numbers are sent with it.
const TESTS_AT_ONCE: usize = 1000;

/// A stored run, with what tells its rows from those of an upload that it replaced.
#[derive(Debug, Clone, PartialEq, Eq, Row, Deserialize)]
pub(crate) struct CommitRun {
    pub(crate) config_id: ConfigId,
    pub(crate) uuid: CommitKey,
    pub(crate) sdk: String,
    pub(crate) start_time: u32,
    pub(crate) version: u64,
}

impl CommitRun {
    /// Where it stands.
    pub(crate) fn place(&self) -> RunPlace {
        RunPlace { config_id: self.config_id, uuid: self.uuid, sdk: self.sdk.clone(), start_time: self.start_time }
    }

    /// What identifies the upload that wrote it, within one suite and branch.
    pub(crate) fn upload(&self) -> (ConfigId, CommitKey, u64) {
        (self.config_id, self.uuid, self.version)
    }
}

/// All runs of the newest commit of each configuration, those that started last first.
pub(crate) async fn of_newest_commits(
    store: &Store,
    suite: &str,
    selection: &Selection,
) -> Result<Vec<CommitRun>, AnswerError> {
    Fragment::new(
        "SELECT config_id, uuid, sdk, start_time, version FROM runs WHERE suite = {suite} AND {selected} \
         AND (config_id, uuid) IN \
             (SELECT config_id, max(uuid) FROM runs WHERE suite = {suite} AND {selected} GROUP BY config_id) \
         ORDER BY start_time DESC, sdk, config_id LIMIT {most} BY config_id",
    )
    .part("selected", &selection.condition_of(suite))
    .value("suite", suite)
    .value("most", MAX_RUNS)
    .all(&store.client)
    .await
}

/// The runs of a run's commit on its configuration and SDK that did not break as a whole, those that started last first.
pub(crate) async fn sound_of_commit(
    store: &Store,
    suite: &str,
    selection: &Selection,
    run: &RunPlace,
) -> Result<Vec<RunPlace>, AnswerError> {
    Fragment::new(
        "SELECT config_id, uuid, sdk, start_time FROM runs WHERE suite = {suite} AND {selected} \
         AND config_id = {config_id} AND sdk = {sdk} AND NOT ({is_broken}) ORDER BY start_time DESC LIMIT {most}",
    )
    .text("is_broken", &is_broken())
    .part("selected", &selection.between(run.uuid, run.uuid).condition_of(suite))
    .value("suite", suite)
    .value("config_id", run.config_id)
    .value("sdk", &run.sdk)
    .value("most", MAX_RUNS)
    .all(&store.client)
    .await
}

/// The condition that a row belongs to an upload among some runs, which [`CommitRun::upload`] tells exactly.
fn of_uploads(suite: &str, selection: &Selection, runs: &[CommitRun]) -> Fragment {
    let keys: BTreeSet<CommitKey> = runs.iter().map(|run| run.uuid).collect();
    let (first, last) = (keys.first().copied().unwrap_or_default(), keys.last().copied().unwrap_or_default());
    selection
        .between(first, last)
        .condition_of(suite)
        .and("uuid IN {keys} AND config_id IN {ran} AND version IN {versions}")
        .list("keys", keys)
        .list("ran", runs.iter().map(|run| run.config_id).collect::<BTreeSet<_>>())
        .list("versions", runs.iter().map(|run| run.version).collect::<BTreeSet<_>>())
}

/// A test that failed in a run.
#[derive(Debug, Row, Deserialize)]
pub(crate) struct FailedInRun {
    pub(crate) config_id: ConfigId,
    uuid: CommitKey,
    version: u64,
    /// Start of the run, seconds since 1970.
    pub(crate) start_time: u32,
    pub(crate) test: String,
}

/// What failed in some runs; once for each run.
pub(crate) async fn failed(
    store: &Store,
    suite: &str,
    selection: &Selection,
    runs: &[CommitRun],
    unexpected: bool,
) -> Result<Vec<FailedInRun>, AnswerError> {
    let uploads: BTreeSet<_> = runs.iter().map(CommitRun::upload).collect();
    let mut rows: Vec<FailedInRun> = Fragment::new(
        "SELECT config_id, uuid, version, start_time, test FROM failures WHERE suite = {suite} AND {of_uploads} \
         AND {state} <= {mildest} LIMIT {most}",
    )
    .text("state", state_column(unexpected))
    .part("of_uploads", &of_uploads(suite, selection, runs))
    .value("suite", suite)
    .value("mildest", u64::from(ERROR))
    .value("most", MAX_FAILURES)
    .all(&store.client)
    .await?;
    rows.retain(|row| uploads.contains(&(row.config_id, row.uuid, row.version)));
    Ok(rows)
}

/// What a test did in a run.
#[derive(Debug, Row, Deserialize)]
pub(crate) struct StatesInRun {
    pub(crate) config_id: ConfigId,
    uuid: CommitKey,
    version: u64,
    /// Start of the run, seconds since 1970.
    pub(crate) start_time: u32,
    pub(crate) test_id: TestId,
    /// Bits of states, the worst in bit 0.
    pub(crate) actual: u16,
    /// The same of what was expected.
    pub(crate) expected: u16,
}

/// What some tests did in some runs; nothing where they did not run.
pub(crate) async fn states(
    store: &Store,
    suite: &str,
    selection: &Selection,
    runs: &[CommitRun],
    tests: &[TestId],
) -> Result<Vec<StatesInRun>, AnswerError> {
    let uploads: BTreeSet<_> = runs.iter().map(CommitRun::upload).collect();
    let statement = Fragment::new(
        "SELECT config_id, uuid, version, start_time, test_id, actual, expected FROM results \
         WHERE suite = {suite} AND test_id IN {tests} AND {of_uploads}",
    )
    .part("of_uploads", &of_uploads(suite, selection, runs))
    .value("suite", suite);
    let mut rows: Vec<StatesInRun> = Vec::new();
    for some in tests.chunks(TESTS_AT_ONCE) {
        rows.extend(statement.clone().list("tests", some.iter().copied()).all::<StatesInRun>(&store.client).await?);
    }
    rows.retain(|row| uploads.contains(&(row.config_id, row.uuid, row.version)));
    Ok(rows)
}
