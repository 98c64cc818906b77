//! Reads failures: the tests that failed in runs.

use clickhouse::Row;
use schema::ids::{CommitKey, ConfigId};
use schema::state::{ERROR, State};
use serde::Deserialize;

use super::runs::is_broken;
use super::selection::{RunPlace, Selection, UPLOAD};
use super::statement::Fragment;
use crate::error::AnswerError;
use crate::store::Store;

/// One failed test of a run.
#[derive(Debug, Row, Deserialize)]
pub struct Failure {
    /// The configuration without its SDK.
    pub config_id: ConfigId,
    /// The commit.
    pub uuid: CommitKey,
    /// The SDK; empty if none is known.
    pub sdk: String,
    /// Start of the run, seconds since 1970.
    pub start_time: u32,
    /// The test.
    pub test: String,
    /// Its worst state, or its worst unexpected one.
    pub state: State,
}

impl Failure {
    /// Where its run stands.
    pub fn place(&self) -> RunPlace {
        RunPlace { config_id: self.config_id, uuid: self.uuid, sdk: self.sdk.clone(), start_time: self.start_time }
    }
}

pub(super) fn state_column(unexpected: bool) -> &'static str {
    if unexpected { "worst_unexpected" } else { "worst" }
}

/// The failures of the newest runs: those that the newest upload of each run wrote.
fn of_newest_runs(columns: &str, suite: &str, selection: &Selection, unexpected: bool, tail: &str) -> Fragment {
    Fragment::new(
        "SELECT {columns} FROM failures WHERE suite = {suite} AND {selected} AND {state} <= {mildest} \
         AND ({upload}) IN (SELECT {upload} FROM runs WHERE suite = {suite} AND {selected} {newest}){tail}",
    )
    .text("columns", columns)
    .text("tail", tail)
    .text("upload", UPLOAD)
    .text("state", state_column(unexpected))
    .part("selected", &selection.condition_of(suite))
    .part("newest", &selection.newest_of_each("config_id"))
    .value("mildest", u64::from(ERROR))
    .value("suite", suite)
}

/// The failures of the newest runs, those of one run together.
pub(crate) async fn by_run(
    store: &Store,
    suite: &str,
    selection: &Selection,
    unexpected: bool,
) -> Result<Vec<Failure>, AnswerError> {
    let columns = format!("config_id, uuid, sdk, start_time, test, {} AS state", state_column(unexpected));
    let tail = " ORDER BY uuid DESC, sdk, start_time, config_id, test";
    of_newest_runs(&columns, suite, selection, unexpected, tail).all(&store.client).await
}

/// Names of the tests that failed in the newest runs, in no order.
pub(crate) async fn names(
    store: &Store,
    suite: &str,
    selection: &Selection,
    unexpected: bool,
) -> Result<Vec<String>, AnswerError> {
    of_newest_runs("DISTINCT test", suite, selection, unexpected, "").all(&store.client).await
}

/// How often a test failed.
#[derive(Debug, Row, Deserialize)]
pub(crate) struct FailedName {
    pub(crate) test: String,
    pub(crate) failed: u64,
    /// In so many runs at most.
    pub(crate) ran: u64,
}

/// Each test that failed unexpectedly in a run that counts: how often, and in how many runs at most. How often it ran is
/// not known here; the runs of the configurations on which it failed (`runs`) stand in for it.
pub(crate) async fn shares(
    store: &Store,
    suite: &str,
    selection: &Selection,
    runs: &[(ConfigId, u64)],
) -> Result<Vec<FailedName>, AnswerError> {
    Fragment::new(
        "SELECT test, sum(f) AS failed, sum(r) AS ran FROM (\
           SELECT test, count() AS f, greatest(f, transform(config_id, {ran_ids}, {ran_counts}, f)) AS r \
           FROM failures WHERE suite = {suite} AND {selected} AND worst_unexpected <= {mildest} AND ({upload}) IN \
           (SELECT {upload} FROM runs WHERE suite = {suite} AND {selected} AND NOT ({is_broken})) \
           GROUP BY test, config_id) \
         GROUP BY test",
    )
    .text("upload", UPLOAD)
    .text("is_broken", &is_broken())
    .part("selected", &selection.condition_of(suite))
    .list("ran_ids", runs.iter().map(|(id, _)| *id))
    .list("ran_counts", runs.iter().map(|(_, count)| *count))
    .value("mildest", u64::from(ERROR))
    .value("suite", suite)
    .all(&store.client)
    .await
}
