//! Reads how many runs there were on each day, and how many of their results failed unexpectedly.

use clickhouse::Row;
use schema::seconds::DAY;
use schema::store::states::{is_unexpected, ran};
use serde::Deserialize;

use super::runs::is_broken;
use super::selection::{Selection, Sources, UPLOAD};
use super::statement::Fragment;
use crate::error::AnswerError;
use crate::renames::Tenure;
use crate::store::Store;

/// When a run was, whether it broke as a whole, how many results it has, and how many of these failed unexpectedly. Of a
/// test, each result stands for its run, unless the test did not run in it.
const ROWS: Sources = Sources {
    runs: "SELECT start_time AS at, 1 AS has_run, {is_broken} AS broke, \
           tests_run - least(tests_not_run, tests_run) AS ran, \
           tests_unexpected_failed AS failed FROM runs",
    results: "SELECT start_time AS at, {has_run} AS has_run, ({upload}) IN ({broken_runs}) AS broke, 1 AS ran, \
              {is_unexpected} AS failed FROM results",
};
/// Days of one answer: those of 52 weeks, and some.
const MAX_DAYS: u64 = 400;

/// What started on one day in UTC.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Row, Deserialize)]
pub(crate) struct DayCounts {
    /// The day's first second, seconds since 1970.
    pub(crate) from: u64,
    /// Runs; of a test, those in which it ran.
    pub(crate) runs: u64,
    /// Of these, runs that broke as a whole.
    pub(crate) broken: u64,
    /// Results of the others.
    pub(crate) results: u64,
    /// Of these, results that failed unexpectedly.
    pub(crate) unexpected: u64,
}

/// Days on which something started, oldest first.
pub(crate) async fn by_day(
    store: &Store,
    suite: &str,
    test: Option<&[Tenure]>,
    selection: &Selection,
) -> Result<Vec<DayCounts>, AnswerError> {
    let fields = "toUInt64(intDiv(at, {day}) * {day}) AS from, count() AS runs, countIf(broke) AS broken, \
                  toUInt64(sumIf(ran, NOT broke)) AS results, toUInt64(sumIf(failed, NOT broke)) AS unexpected";
    let broken_runs = Fragment::new("SELECT {upload} FROM runs WHERE suite = {suite} AND {selected} AND {is_broken}")
        .part("selected", &selection.condition_of(suite));
    selection
        .over(store, suite, test, ROWS, fields, "WHERE has_run GROUP BY from ORDER BY from")
        .limit(MAX_DAYS)
        .part("broken_runs", &broken_runs)
        .text("upload", UPLOAD)
        .text("is_broken", &format!("({})", is_broken()))
        .text("is_unexpected", &is_unexpected("actual", "expected"))
        .text("has_run", &ran("actual"))
        .value("day", DAY)
        .all(&store.client)
        .await
}
