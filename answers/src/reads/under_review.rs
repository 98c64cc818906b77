//! Reads changes under review: which of them ran lately, and the runs of one.

use clickhouse::Row;
use schema::ids::{CommitKey, ConfigId};
use schema::run_notes::CHANGE_BRANCHES;
use serde::Deserialize;

use super::runs::is_broken;
use super::selection::{RunPlace, Selection};
use super::statement::Fragment;
use crate::error::AnswerError;
use crate::store::Store;

/// Runs of a change in one suite, the newest.
const MAX_RUNS: u64 = 1000;

/// A change under review that ran.
#[derive(Debug, Row, Deserialize)]
pub(crate) struct ChangeBranch {
    pub(crate) branch: String,
    /// Start of its newest run, seconds since 1970.
    pub(crate) last_start: u32,
    /// On how many configurations it ran.
    pub(crate) configurations: u64,
}

/// The changes of which a run started since a time, seconds since 1970; those that ran last first, `most` at most.
pub(crate) async fn recent(store: &Store, since: u64, most: u64) -> Result<Vec<ChangeBranch>, AnswerError> {
    Fragment::new(
        "SELECT branch, max(last_start_time) AS last_start, count() AS configurations FROM configurations \
         WHERE startsWith(branch, {begin}) GROUP BY branch HAVING last_start >= {since} \
         ORDER BY last_start DESC, branch LIMIT {most}",
    )
    .value("begin", CHANGE_BRANCHES)
    .value("since", since)
    .value("most", most)
    .all(&store.client)
    .await
}

/// A run of a change.
#[derive(Debug, Clone, Row, Deserialize)]
pub(crate) struct RunOfChange {
    pub(crate) config_id: ConfigId,
    pub(crate) uuid: CommitKey,
    pub(crate) sdk: String,
    /// Start of the run, seconds since 1970.
    pub(crate) start_time: u32,
    pub(crate) tests_run: u32,
    pub(crate) tests_unexpected_failed: u32,
    /// Whether more of its tests failed than a sound run can have.
    pub(crate) is_broken: bool,
}

impl RunOfChange {
    /// Where it stands.
    pub(crate) fn place(&self) -> RunPlace {
        RunPlace { config_id: self.config_id, uuid: self.uuid, sdk: self.sdk.clone(), start_time: self.start_time }
    }
}

/// The runs of a suite in a selection, those that started last first.
pub(crate) async fn runs(store: &Store, suite: &str, selection: &Selection) -> Result<Vec<RunOfChange>, AnswerError> {
    Fragment::new(
        "SELECT config_id, uuid, sdk, start_time, tests_run, tests_unexpected_failed, {is_broken} AS is_broken FROM runs \
         WHERE suite = {suite} AND {selected} ORDER BY start_time DESC, uuid DESC, config_id, sdk LIMIT {most}",
    )
    .text("is_broken", &is_broken())
    .part("selected", &selection.condition_of(suite))
    .value("suite", suite)
    .value("most", MAX_RUNS)
    .all(&store.client)
    .await
}
