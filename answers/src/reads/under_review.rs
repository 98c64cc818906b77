//! Reads changes under review: which of them ran lately, and the runs of one.

use std::collections::HashMap;

use clickhouse::Row;
use schema::ids::{CommitKey, ConfigId};
use schema::run_notes::CHANGE_BRANCHES;
use schema::seconds::{WEEK, monday};
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
    /// On how many configurations it ran.
    pub(crate) configurations: u64,
}

/// The changes of which a run started in the hour of a time or later, seconds since 1970: `most`, and all others that ran last in
/// the same hour as the last of these.
pub(crate) async fn recent(store: &Store, since: u64, most: u64) -> Result<Vec<ChangeBranch>, AnswerError> {
    Fragment::new(
        "SELECT branch, count() AS configurations FROM configurations \
         WHERE startsWith(branch, {begin}) GROUP BY branch HAVING max(last_start_time) >= {since} \
         ORDER BY max(last_start_time) DESC LIMIT {most} WITH TIES",
    )
    .value("begin", CHANGE_BRANCHES)
    .value("since", since)
    .value("most", most)
    .all(&store.client)
    .await
}

/// When the newest run of a branch started, seconds since 1970.
#[derive(Debug, Row, Deserialize)]
struct LastStart {
    branch: String,
    last_start: u32,
}

/// The commits that some branches tested in the weeks from a time on.
#[derive(Debug, Row, Deserialize)]
struct TestedWeeks {
    /// The suites, sorted.
    suites: Vec<String>,
    /// Beginnings of the first and the last week of commits, seconds since 1970.
    first: u32,
    last: u32,
}

/// When the newest run of each branch started, seconds since 1970, of those that started at a time or later.
pub(crate) async fn last_starts(
    store: &Store,
    branches: &[&str],
    since: u64,
) -> Result<HashMap<String, u32>, AnswerError> {
    if branches.is_empty() {
        return Ok(HashMap::new());
    }
    let week = monday(i64::try_from(since).unwrap_or(i64::MAX)).max(0) as u64;
    let tested: Vec<TestedWeeks> = Fragment::new(
        "SELECT arraySort(groupUniqArray(toString(suite))) AS suites, min(commit_week) AS first, max(commit_week) AS last \
         FROM tested_weeks WHERE suite IN (SELECT suite FROM suites WHERE branch IN {branches}) AND branch IN {branches} \
         AND start_week >= {week}",
    )
    .list("branches", branches.iter().copied())
    .value("week", week)
    .all(&store.client)
    .await?;
    let Some(TestedWeeks { suites, first, last }) = tested.into_iter().find(|tested| !tested.suites.is_empty()) else {
        return Ok(HashMap::new());
    };
    let starts: Vec<LastStart> = Fragment::new(
        "SELECT branch, max(start_time) AS last_start FROM runs \
         WHERE suite IN {suites} AND branch IN {branches} AND uuid BETWEEN {begin} AND {end} AND start_time >= {since} \
         GROUP BY branch",
    )
    .list("suites", &suites)
    .list("branches", branches.iter().copied())
    .value("begin", CommitKey::start_of(first.into()))
    .value("end", CommitKey::start_of(u64::from(last) + WEEK).previous())
    .value("since", since)
    .all(&store.client)
    .await?;
    Ok(starts.into_iter().map(|start| (start.branch, start.last_start)).collect())
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
