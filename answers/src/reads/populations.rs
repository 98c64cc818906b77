//! Reads what tests did in a population of runs: how often each failed, and what the attempts on each commit were.

use clickhouse::Row;
use schema::ids::TestId;
use schema::state::ERROR;
use serde::Deserialize;

use super::failures::state_column;
use super::runs::is_broken;
use super::selection::{Selection, UPLOAD};
use super::statement::Fragment;
use crate::error::AnswerError;
use crate::store::Store;

/// Tests of one statement: their numbers are sent with it.
const TESTS_AT_ONCE: usize = 1000;

/// The condition that a row was written by a run of the population that did not break as a whole.
fn of_sound_runs(suite: &str, selection: &Selection) -> Fragment {
    Fragment::new(
        "{selected} AND ({upload}) IN \
         (SELECT {upload} FROM runs WHERE suite = {suite} AND {selected} AND NOT ({is_broken}))",
    )
    .text("upload", UPLOAD)
    .text("is_broken", &is_broken())
    .part("selected", &selection.condition_of(suite))
    .value("suite", suite)
}

/// How much a population has.
#[derive(Debug, Clone, Copy, Default, Row, Deserialize)]
pub(crate) struct PopulationSize {
    /// Runs that did not break as a whole.
    pub(crate) runs: u64,
    /// Runs that did, which are left out.
    pub(crate) broken: u64,
    /// Configurations.
    pub(crate) configurations: u64,
}

/// How many runs there are.
pub(crate) async fn size(store: &Store, suite: &str, selection: &Selection) -> Result<PopulationSize, AnswerError> {
    let size = Fragment::new(
        "SELECT countIf(NOT ({is_broken})) AS runs, countIf({is_broken}) AS broken, uniqExact(config_id) AS configurations \
         FROM runs WHERE suite = {suite} AND {selected}",
    )
    .text("is_broken", &is_broken())
    .part("selected", &selection.condition_of(suite))
    .value("suite", suite)
    .optional(&store.client)
    .await?;
    Ok(size.unwrap_or_default())
}

/// Names of the tests that failed on the most commits, at most `limit`.
pub(crate) async fn most_failed(
    store: &Store,
    suite: &str,
    selection: &Selection,
    unexpected: bool,
    limit: u64,
) -> Result<Vec<String>, AnswerError> {
    Fragment::new(
        "SELECT test FROM failures WHERE suite = {suite} AND {state} <= {mildest} AND {of_sound_runs} \
         GROUP BY test ORDER BY uniqExact(config_id, uuid) DESC, test LIMIT {limit}",
    )
    .text("state", state_column(unexpected))
    .part("of_sound_runs", &of_sound_runs(suite, selection))
    .value("suite", suite)
    .value("mildest", u64::from(ERROR))
    .value("limit", limit)
    .all(&store.client)
    .await
}

/// How many tests of a suite were uploaded since a time, seconds since 1970.
pub(crate) async fn tests_since(store: &Store, suite: &str, since: u64) -> Result<u64, AnswerError> {
    let count = Fragment::new("SELECT count() FROM tests WHERE suite = {suite} AND last_upload >= {since}")
        .value("suite", suite)
        .value("since", since)
        .optional(&store.client)
        .await?;
    Ok(count.unwrap_or_default())
}

/// What the attempts of a test on one commit and one configuration were, and on how many such places they were the same.
#[derive(Debug, Row, Deserialize)]
pub(crate) struct AttemptCount {
    pub(crate) test_id: TestId,
    /// Bits of states that a run had, and of those that were expected.
    pub(crate) attempts: Vec<(u16, u16)>,
    pub(crate) places: u64,
}

/// What some tests did, all runs of a commit on a configuration together.
pub(crate) async fn attempts(
    store: &Store,
    suite: &str,
    selection: &Selection,
    tests: &[TestId],
) -> Result<Vec<AttemptCount>, AnswerError> {
    let statement = Fragment::new(
        "SELECT test_id, attempts, count() AS places FROM (\
           SELECT test_id, arraySort(groupUniqArray((actual, expected))) AS attempts FROM results \
           WHERE suite = {suite} AND test_id IN {tests} AND {of_sound_runs} GROUP BY test_id, config_id, uuid) \
         GROUP BY test_id, attempts",
    )
    .part("of_sound_runs", &of_sound_runs(suite, selection))
    .value("suite", suite);
    let mut counts: Vec<AttemptCount> = Vec::new();
    for some in tests.chunks(TESTS_AT_ONCE) {
        counts.extend(statement.clone().list("tests", some.iter().copied()).all::<AttemptCount>(&store.client).await?);
    }
    Ok(counts)
}
