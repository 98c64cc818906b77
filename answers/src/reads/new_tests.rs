//! Reads what tells when tests came, and how long they take: lists of tests by when they first ran.

use clickhouse::Row;
use schema::ids::{CommitKey, ConfigId, TestId};
use schema::outcomes::roster::RosterId;
use serde::Deserialize;

use super::selection::Selection;
use super::statement::Fragment;
use crate::error::AnswerError;
use crate::store::Store;

/// Lists of tests on configurations that one question looks at, those that came last.
const MAX_ROSTERS: u64 = 20_000;

/// A list of tests, and the first run on a configuration that had it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Row, Deserialize)]
pub(crate) struct FirstRun {
    /// The list; none in runs that an earlier version stored.
    pub(crate) roster: RosterId,
    /// Start of the run, seconds since 1970.
    pub(crate) first_start: u32,
    /// Start of the last run on this configuration that had it, seconds since 1970.
    pub(crate) last_start: u32,
    pub(crate) first_commit: CommitKey,
    pub(crate) config_id: ConfigId,
}

/// The lists of tests of the selected runs of a suite on each configuration, that which came last first.
pub(crate) async fn rosters(store: &Store, suite: &str, selection: &Selection) -> Result<Vec<FirstRun>, AnswerError> {
    Fragment::new(
        "SELECT roster, min(start_time) AS first_start, max(start_time) AS last_start, \
         argMin(uuid, (start_time, uuid)) AS first_commit, config_id \
         FROM runs WHERE suite = {suite} AND {selected} GROUP BY roster, config_id \
         ORDER BY first_start DESC, config_id, roster LIMIT {most}",
    )
    .part("selected", &selection.condition_of(suite))
    .value("suite", suite)
    .value("most", MAX_ROSTERS)
    .all(&store.client)
    .await
}

/// How long a test takes.
#[derive(Debug, Row, Deserialize)]
pub(crate) struct MedianTime {
    pub(crate) test_id: TestId,
    /// Milliseconds.
    pub(crate) median: u32,
}

/// The medians of what some tests took in the selected runs; nothing of those that were never timed.
pub(crate) async fn medians(
    store: &Store,
    suite: &str,
    selection: &Selection,
    tests: impl IntoIterator<Item = TestId>,
) -> Result<Vec<MedianTime>, AnswerError> {
    Fragment::new(
        "SELECT test_id, quantileExact(0.5)(toUInt32(time_and_one - 1)) AS median FROM results \
         WHERE suite = {suite} AND test_id IN {tests} AND {selected} AND time_and_one > 0 GROUP BY test_id",
    )
    .part("selected", &selection.condition_of(suite))
    .list("tests", tests)
    .value("suite", suite)
    .all(&store.client)
    .await
}
