//! Reads results of tests.

use clickhouse::Row;
use schema::ids::{CommitKey, ConfigId, TestId};
use serde::Deserialize;

use super::newest_uploads::Upload;
use super::selection::{RunPlace, RunRow, Selection};
use super::statement::Fragment;
use super::{renames, replaced};
use crate::error::AnswerError;
use crate::renames::Tenure;
use crate::store::Store;

/// Bytes of a log that are looked at for its first line.
const LOG_BYTES: u64 = 2000;

/// A stored result of a test.
#[derive(Debug, Row, Deserialize)]
pub(crate) struct StoredResult {
    pub(crate) config_id: ConfigId,
    pub(crate) uuid: CommitKey,
    pub(crate) sdk: String,
    pub(crate) start_time: u32,
    /// Bits of states, the worst in bit 0.
    pub(crate) actual: u16,
    /// The same of what was expected.
    pub(crate) expected: u16,
    /// Milliseconds plus one; 0 if the time was not measured.
    time_and_one: u32,
    /// Other members as JSON; may be empty.
    pub(crate) extra: String,
    version: u64,
}

impl StoredResult {
    /// Where its run stands.
    pub(crate) fn place(&self) -> RunPlace {
        RunPlace { config_id: self.config_id, uuid: self.uuid, sdk: self.sdk.clone(), start_time: self.start_time }
    }

    /// The upload that wrote it.
    fn upload(&self) -> Upload {
        Upload { config_id: self.config_id, uuid: self.uuid, version: self.version }
    }

    /// How long the test took, milliseconds.
    pub(crate) fn time(&self) -> Option<u32> {
        self.time_and_one.checked_sub(1)
    }
}

impl RunRow for StoredResult {
    fn config_id(&self) -> ConfigId {
        self.config_id
    }
}

/// The newest results of one test, under its names. What an upload left of one that it replaced is none, but in a store that is
/// [`Store::keeping_replaced_results`].
pub(crate) async fn newest(
    store: &Store,
    suite: &str,
    test: &[Tenure],
    selection: &Selection,
) -> Result<Vec<StoredResult>, AnswerError> {
    let rows = newest_of(store, suite, test, selection, false).await?;
    let uploads: Vec<Upload> = rows.iter().map(StoredResult::upload).collect();
    if store.keeps_replaced_results || replaced::are_newest(store, suite, &selection.branch, &uploads).await? {
        return Ok(rows);
    }
    // A replaced result has taken the place of another within the limit.
    newest_of(store, suite, test, selection, true).await
}

async fn newest_of(
    store: &Store,
    suite: &str,
    test: &[Tenure],
    selection: &Selection,
    without_replaced: bool,
) -> Result<Vec<StoredResult>, AnswerError> {
    let of_test = renames::within(test);
    let ask = |selection: &Selection| {
        let of_newest = if without_replaced { selection.of_newest_uploads(suite) } else { Fragment::default() };
        Fragment::new(
            "SELECT ?fields FROM results WHERE suite = {suite} AND {of_test} AND {selected}{of_newest} {newest}",
        )
        .part("of_test", &of_test)
        .part("of_newest", &of_newest)
        .part("selected", &selection.condition_of(suite))
        .part("newest", &selection.newest_of_each("config_id"))
        .value("suite", suite)
    };
    selection.newest(store, &[suite], ask).await
}

/// The beginning of what a test said when it failed last.
#[derive(Debug, Row, Deserialize)]
pub(crate) struct TestLog {
    pub(crate) test_id: TestId,
    pub(crate) log: String,
}

/// The beginning of the newest log of each test that failed and says something.
pub(crate) async fn newest_logs(
    store: &Store,
    suite: &str,
    selection: &Selection,
    tests: impl IntoIterator<Item = TestId>,
) -> Result<Vec<TestLog>, AnswerError> {
    Fragment::new(
        "SELECT test_id, argMax(leftUTF8(JSONExtractString(extra, 'log'), {log_bytes}), (uuid, start_time)) AS log FROM results \
         WHERE suite = {suite} AND test_id IN {tests} AND {selected} AND bitAnd(actual, {failures}) != 0 \
         AND position(extra, '\"log\"') > 0{not_replaced} GROUP BY test_id",
    )
    .part("not_replaced", &selection.of_newest_uploads(suite))
    .part("selected", &selection.condition_of(suite))
    .value("log_bytes", LOG_BYTES)
    .value("failures", u64::from(schema::state::FAILURES))
    .value("suite", suite)
    .list("tests", tests)
    .all(&store.client)
    .await
}

/// What a test usually takes.
#[derive(Debug, Row, Deserialize)]
pub(crate) struct UsualTime {
    pub(crate) test_id: TestId,
    /// Milliseconds.
    pub(crate) median: u32,
    pub(crate) runs: u64,
}

/// Median in milliseconds and count of what some tests took on a run's configuration before that run.
pub(crate) async fn usual_times(
    store: &Store,
    suite: &str,
    selection: &Selection,
    run: &RunPlace,
    tests: impl IntoIterator<Item = TestId>,
) -> Result<Vec<UsualTime>, AnswerError> {
    Fragment::new(
        "SELECT test_id, quantileExact(0.5)(toUInt32(time_and_one - 1)) AS median, count() AS runs FROM results \
         WHERE suite = {suite} AND test_id IN {tests} AND branch = {branch} AND config_id = {config_id} AND sdk = {sdk} \
         AND uuid >= {begin} AND uuid < {end} AND time_and_one > 0 GROUP BY test_id",
    )
    .value("suite", suite)
    .list("tests", tests)
    .value("branch", &selection.branch)
    .value("config_id", run.config_id)
    .value("sdk", &run.sdk)
    .value("begin", selection.bounds.begin)
    .value("end", run.uuid)
    .all(&store.client)
    .await
}
