//! Reads what histories of tests are made of: the runs of a suite, the tests that are worth a look, and their outcomes.

use std::collections::BTreeSet;

use clickhouse::Row;
use schema::ids::{CommitKey, ConfigId, TestId};
use schema::outcomes::roster::RosterId;
use schema::outcomes::{Outcome, attempts};
use schema::state::{ERROR, PASS, State, States};
use serde::Deserialize;

use super::newest_uploads::Upload;
use super::runs::is_broken;
use super::selection::{Selection, UPLOAD};
use super::statement::Fragment;
use crate::error::AnswerError;
use crate::store::Store;

/// Runs of each configuration that one question looks at.
const MAX_RUNS: u64 = 20_000;
/// Outcomes that one question reads.
const MAX_OUTCOMES: u64 = 4_000_000;
/// Bytes that say in a result how often a retried test passed.
const PASSED_ON_RETRY: &str = "JSONExtractInt(extra, 'flakiness_num_passes') > 0";
/// How long all attempts of a test took, as its result lists them, else the time of the result: what
/// [`schema::outcomes::attempts::time`] says of whole runs.
const TOOK: &str = "greatest(toUInt64(if(time_and_one > 0, time_and_one - 1, 0)), if(position(extra, '\"attempts\"') > 0, \
     arraySum(attempt -> if(JSONType(attempt, 'time') IN ('Int64', 'UInt64', 'Double'), least(JSONExtractUInt(attempt, 'time'), {max_time}), 0), \
              JSONExtractArrayRaw(extra, 'attempts')), 0))";

/// A run of a suite.
#[derive(Debug, Row, Deserialize)]
pub(crate) struct HistoricRun {
    pub(crate) config_id: ConfigId,
    pub(crate) uuid: CommitKey,
    /// Start of the run, seconds since 1970.
    pub(crate) start_time: u32,
    /// Tests that ran.
    pub(crate) tests_run: u32,
    /// How many of them failed unexpectedly.
    pub(crate) tests_unexpected_failed: u32,
    /// Whether more of its tests failed than a sound run can have.
    pub(crate) is_broken: bool,
    /// The list of its tests, if that is known.
    pub(crate) roster: RosterId,
    /// The place of its newest upload in the log.
    pub(crate) version: u64,
}

/// The newest runs of a suite, in no order.
pub(crate) async fn runs(store: &Store, suite: &str, selection: &Selection) -> Result<Vec<HistoricRun>, AnswerError> {
    Fragment::new(
        "SELECT config_id, uuid, start_time, tests_run, tests_unexpected_failed, {is_broken} AS is_broken, roster, version FROM runs WHERE suite = {suite} AND {selected} \
         ORDER BY uuid DESC, start_time DESC LIMIT {most} BY config_id",
    )
    .text("is_broken", &is_broken())
    .part("selected", &selection.condition_of_runs(suite))
    .value("suite", suite)
    .value("most", MAX_RUNS)
    .all(&store.client)
    .await
}

/// A commit that has an identifier.
#[derive(Debug, Row, Deserialize)]
pub(crate) struct IdentifiedCommit {
    pub(crate) uuid: CommitKey,
    pub(crate) repository: String,
    /// `N@branch` or `P.N@branch`.
    pub(crate) identifier: String,
}

/// The commits of the selected runs of a suite that have an identifier.
pub(crate) async fn identified_commits(
    store: &Store,
    suite: &str,
    selection: &Selection,
) -> Result<Vec<IdentifiedCommit>, AnswerError> {
    Fragment::new(
        "SELECT uuid, repository, identifier FROM commits WHERE uuid BETWEEN {oldest} AND {newest} AND identifier != '' \
         AND uuid IN (SELECT uuid FROM runs WHERE suite = {suite} AND {selected})",
    )
    .value("oldest", selection.bounds.begin)
    .value("newest", selection.bounds.end)
    .part("selected", &selection.condition_of_runs(suite))
    .value("suite", suite)
    .all(&store.client)
    .await
}

/// Names of tests that failed unexpectedly or passed unexpectedly, those that did so last first; `most` at most. Broken runs
/// count on the configurations `broken_now` alone, where nothing sound came after them.
pub(crate) async fn candidates(
    store: &Store,
    suite: &str,
    selection: &Selection,
    broken_now: &BTreeSet<ConfigId>,
    most: u64,
) -> Result<Vec<String>, AnswerError> {
    Fragment::new(
        "SELECT test FROM failures WHERE suite = {suite} AND {selected} \
         AND (worst_unexpected <= {mildest} OR worst = {pass}) AND ({upload}) IN \
         (SELECT {upload} FROM runs WHERE suite = {suite} AND {ran} \
          AND (NOT ({is_broken}) OR config_id IN {broken_now})) \
         GROUP BY test ORDER BY max(uuid) DESC, test LIMIT {most}",
    )
    .text("upload", UPLOAD)
    .text("is_broken", &is_broken())
    .part("selected", &selection.condition_of(suite))
    .part("ran", &selection.condition_of_runs(suite))
    .value("suite", suite)
    .value("mildest", u64::from(ERROR))
    .value("pass", u64::from(PASS))
    .list("broken_now", broken_now.iter().copied())
    .value("most", most)
    .all(&store.client)
    .await
}

/// What a test did in one run.
#[derive(Debug, Clone, Row, Deserialize)]
pub(crate) struct RunOutcome {
    pub(crate) test_id: TestId,
    pub(crate) config_id: ConfigId,
    pub(crate) uuid: CommitKey,
    /// Start of the run, seconds since 1970.
    pub(crate) start_time: u32,
    /// Bits of states.
    actual: u16,
    /// The same of what was expected.
    expected: u16,
    /// Whether an attempt passed, as the uploader counted them.
    has_passed: bool,
    /// How long all attempts took, milliseconds.
    took: u64,
    version: u64,
}

impl RunOutcome {
    /// The upload that wrote it.
    pub(crate) fn upload(&self) -> Upload {
        Upload { config_id: self.config_id, uuid: self.uuid, version: self.version }
    }

    /// What the test did.
    pub(crate) fn outcome(&self) -> Outcome {
        Outcome {
            actual: States::from_bits(self.actual),
            expected: States::from_bits(self.expected),
            has_passed: self.has_passed,
            time: u32::try_from(self.took).unwrap_or(u32::MAX),
        }
    }
}

/// What failed unexpectedly in a run.
#[derive(Debug, Row, Deserialize)]
pub(crate) struct RunFailures {
    pub(crate) config_id: ConfigId,
    pub(crate) uuid: CommitKey,
    /// Start of the run, seconds since 1970.
    pub(crate) start_time: u32,
    /// The worst state.
    pub(crate) worst: State,
    /// How many tests failed.
    pub(crate) count: u64,
    /// Their names; some of them, where there are many.
    pub(crate) tests: Vec<String>,
}

/// What failed in the selected runs, with up to `few` names of each run.
pub(crate) async fn run_failures(
    store: &Store,
    suite: &str,
    selection: &Selection,
    few: u64,
) -> Result<Vec<RunFailures>, AnswerError> {
    Fragment::new(
        "SELECT config_id, uuid, start_time, min(worst_unexpected) AS worst, count() AS count, \
                if(count > {few}, [], groupUniqArray(test)) AS tests FROM failures \
         WHERE suite = {suite} AND {selected} AND worst_unexpected <= {mildest} \
         AND ({upload}) IN (SELECT {upload} FROM runs WHERE suite = {suite} AND {selected}) \
         GROUP BY config_id, uuid, start_time LIMIT {most}",
    )
    .text("upload", UPLOAD)
    .part("selected", &selection.condition_of(suite))
    .value("few", few)
    .value("mildest", u64::from(ERROR))
    .value("most", MAX_OUTCOMES)
    .value("suite", suite)
    .all(&store.client)
    .await
}

/// What some tests did in the selected runs of some commits, in no order. Outcomes of uploads that were replaced are among
/// them: whoever asks knows the runs, and which upload of each is the newest.
pub(crate) async fn outcomes_on(
    store: &Store,
    suite: &str,
    selection: &Selection,
    tests: impl IntoIterator<Item = TestId>,
    commits: &BTreeSet<CommitKey>,
) -> Result<Vec<RunOutcome>, AnswerError> {
    outcomes_where(
        store,
        suite,
        selection,
        tests,
        Fragment::new(" AND uuid IN {commits}").list("commits", commits.iter().copied()),
    )
    .await
}

/// The same of all commits.
pub(crate) async fn outcomes(
    store: &Store,
    suite: &str,
    selection: &Selection,
    tests: impl IntoIterator<Item = TestId>,
) -> Result<Vec<RunOutcome>, AnswerError> {
    outcomes_where(store, suite, selection, tests, Fragment::default()).await
}

async fn outcomes_where(
    store: &Store,
    suite: &str,
    selection: &Selection,
    tests: impl IntoIterator<Item = TestId>,
    condition: Fragment,
) -> Result<Vec<RunOutcome>, AnswerError> {
    Fragment::new(
        "SELECT test_id, config_id, uuid, start_time, actual, expected, {has_passed} AS has_passed, {took} AS took, \
         version FROM results \
         WHERE suite = {suite} AND test_id IN {tests} AND {selected}{condition} LIMIT {most}",
    )
    .text("has_passed", PASSED_ON_RETRY)
    .part("took", &Fragment::new(TOOK).value("max_time", attempts::MAX_TIME))
    .part("condition", &condition)
    .part("selected", &selection.condition_of(suite))
    .value("suite", suite)
    .list("tests", tests)
    .value("most", MAX_OUTCOMES)
    .all(&store.client)
    .await
}
