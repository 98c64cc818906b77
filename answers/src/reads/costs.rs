//! Reads how long the attempts of retried tests took.

use std::collections::BTreeSet;

use clickhouse::Row;
use schema::ids::{CommitKey, ConfigId, TestId};
use serde::Deserialize;

use super::selection::Selection;
use super::statement::Fragment;
use crate::error::AnswerError;
use crate::store::Store;

/// Results that one question reads.
const MAX_RESULTS: u64 = 1_000_000;
/// Commits that one statement names; where there are more, those of the selection are read.
const MAX_NAMED: usize = 4000;
/// An attempt takes no longer than a result can, milliseconds: the sum of what an upload says does not overflow.
const MAX_TIME: u64 = 999_999_999;

/// What the attempts of a test in a run took together.
#[derive(Debug, Row, Deserialize)]
pub(crate) struct AttemptsTime {
    pub(crate) test_id: TestId,
    pub(crate) config_id: ConfigId,
    pub(crate) uuid: CommitKey,
    /// Start of the run, seconds since 1970.
    pub(crate) start_time: u32,
    /// Milliseconds.
    pub(crate) time: u64,
}

/// What attempts took in the selected runs of some commits, of those results of some tests that list their attempts.
pub(crate) async fn attempts(
    store: &Store,
    suite: &str,
    selection: &Selection,
    tests: &BTreeSet<TestId>,
    commits: &BTreeSet<CommitKey>,
) -> Result<Vec<AttemptsTime>, AnswerError> {
    if tests.is_empty() || selection.is_empty() {
        return Ok(Vec::new());
    }
    let statement = Fragment::new(
        "SELECT test_id, config_id, uuid, start_time, \
         arraySum(attempt -> least(JSONExtractUInt(attempt, 'time'), {max_time}), JSONExtractArrayRaw(extra, 'attempts')) AS time \
         FROM results WHERE suite = {suite} AND test_id IN {tests} AND {selected} AND position(extra, '\"attempts\"') > 0",
    )
    .part("selected", &selection.condition_of(suite))
    .value("suite", suite)
    .value("max_time", MAX_TIME)
    .list("tests", tests.iter().copied());
    let statement = match commits.len() <= MAX_NAMED {
        true => statement.and("uuid IN {commits}").list("commits", commits.iter().copied()),
        false => statement,
    };
    statement.limit(MAX_RESULTS).all(&store.client).await
}
