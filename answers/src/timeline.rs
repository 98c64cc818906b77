//! A window of a timeline, small enough to scroll through fifty thousand runs.
//!
//! Data flow: rows of runs or results → one [`Outcome`] each → [`Window`]: columns (commits, newest first) by rows
//! (configurations), the worst outcome of each commit in a cell. [`verdicts`] says how each row is doing now.
//! [`crate::overview`] tells which windows there are.

use std::collections::{BTreeMap, BTreeSet};

pub use analysis::evidence::Evidence;
pub use analysis::judge::{BlameRange, Judgement, Segment, Standing};
use schema::configuration::Configuration;
use schema::ids::{CommitKey, ConfigId, TestId};
use schema::state::{State, States};
use schemars::JsonSchema;
use serde::Serialize;

use crate::ask::RunFilter;
use crate::commit_names;
use crate::error::AnswerError;
use crate::late_runs::{LateRuns, NEW_DAYS};
use crate::reads::results::StoredResult;
use crate::reads::selection::{OfConfiguration, Selection};
use crate::results::{SuiteRun, rows_of_test, runs_in};
use crate::statistics::RunCounts;
use crate::store::Store;
use crate::suites;

/// Columns of a window if the question names no limit, and at most.
const COLUMNS: u64 = 200;
const MAX_COLUMNS: u64 = 2000;

/// A suite, or a test of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimelineOf<'a> {
    /// The suite.
    pub suite: &'a str,
    /// The test; none for the suite itself.
    pub test: Option<&'a str>,
}

/// What a configuration did on a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The commit.
    pub commit: CommitKey,
    /// The worst state.
    pub actual: State,
    /// The worst state that was not expected.
    pub unexpected: State,
    /// In words.
    pub label: String,
    /// Of a suite's run: how many tests failed, and how many unexpectedly.
    pub failed: Option<(u64, u64)>,
    /// Of a test: how long it took, milliseconds.
    pub time: Option<u32>,
}

impl Outcome {
    /// Whether it failed unexpectedly.
    pub fn is_failing(&self) -> bool {
        self.unexpected.is_failure()
    }

    fn of_result(row: &StoredResult) -> Self {
        let (actual, expected) = (States::from_bits(row.actual), States::from_bits(row.expected));
        let unexpected = actual.unexpected_state(expected);
        let surprise = if unexpected >= State::PASS { "" } else { ": unexpected" };
        Self {
            commit: row.uuid,
            actual: actual.worst_state(),
            unexpected,
            label: format!("{actual}, expected {expected}{surprise}"),
            failed: None,
            time: row.time(),
        }
    }

    /// What a run of a suite came to.
    pub fn of_run(run: &SuiteRun) -> Self {
        let counts = RunCounts::of(run.stats.get());
        let RunCounts { tests_run, tests_failed, tests_unexpected_failed, .. } = counts;
        Self {
            commit: run.uuid,
            actual: counts.worst(),
            unexpected: counts.worst_unexpected(),
            label: format!("{tests_failed} of {tests_run} tests failed, {tests_unexpected_failed} unexpectedly"),
            failed: Some((tests_failed, tests_unexpected_failed)),
            time: None,
        }
    }
}

/// One configuration of a window; none where it did not run.
#[derive(Debug)]
pub struct Row {
    /// The configuration, with its SDK.
    pub configuration: Configuration,
    /// What it did on the commit of each column.
    pub cells: Vec<Option<Outcome>>,
}

/// A part of a timeline.
#[derive(Debug, Default)]
pub struct Window {
    /// Commits, newest first.
    pub columns: Vec<CommitKey>,
    /// Configurations.
    pub rows: Vec<Row>,
}

impl Window {
    /// The newest `limit` columns of what each configuration did.
    fn of(outcomes: impl IntoIterator<Item = (Configuration, Vec<Outcome>)>, limit: u64) -> Self {
        let mut columns = BTreeSet::new();
        let mut rows = Vec::new();
        for (configuration, outcomes) in outcomes {
            let mut cells: BTreeMap<CommitKey, Outcome> = BTreeMap::new();
            for outcome in outcomes {
                columns.insert(outcome.commit);
                // Of several runs of a commit the worst shows.
                let rank = |outcome: &Outcome| (outcome.unexpected, outcome.actual);
                if cells.get(&outcome.commit).is_none_or(|cell| rank(&outcome) < rank(cell)) {
                    cells.insert(outcome.commit, outcome);
                }
            }
            rows.push((configuration, cells));
        }
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let columns: Vec<CommitKey> = columns.into_iter().rev().take(limit).collect();
        let rows = rows.into_iter().map(|(configuration, mut cells)| {
            let cells = columns.iter().map(|commit| cells.remove(commit)).collect();
            Row { configuration, cells }
        });
        Self { rows: rows.collect(), columns }
    }
}

/// The newest columns of a timeline in a selection.
pub async fn window(store: &Store, of: TimelineOf<'_>, selection: &Selection) -> Result<Window, AnswerError> {
    let outcomes: Vec<(Configuration, Vec<Outcome>)> = match of.test {
        Some(test) => {
            let rows = rows_of_test(store, of.suite, test, selection).await?;
            let entries = selection.group(rows, StoredResult::place, |row| Ok(Outcome::of_result(&row)))?;
            entries.into_iter().map(|OfConfiguration { configuration, results }| (configuration, results)).collect()
        }
        None => {
            let entries = runs_in(store, of.suite, selection).await?.into_iter();
            entries.map(|runs| (runs.configuration, runs.results.iter().map(Outcome::of_run).collect())).collect()
        }
    };
    Ok(Window::of(outcomes, selection.limit))
}

/// How a suite or a test is doing now on each configuration that ran lately, whatever its SDK; whatever part of the timeline
/// is looked at.
pub async fn verdicts(
    store: &Store,
    of: TimelineOf<'_>,
    filter: &RunFilter,
) -> Result<BTreeMap<ConfigId, Judgement>, AnswerError> {
    let Some(test) = of.test else {
        return LateRuns::of(store, of.suite, filter, NEW_DAYS).await?.verdicts().await;
    };
    let test = TestId::of(of.suite, test);
    let late = LateRuns::of(store, of.suite, filter, NEW_DAYS).await?;
    let histories = late.histories(&[test].into()).await?;
    Ok(late.judged(&histories, test))
}

/// A column of a timeline.
#[derive(Debug, Serialize, JsonSchema)]
pub struct TimelineColumn {
    /// The commit.
    pub uuid: CommitKey,
    /// As people name it.
    pub name: String,
}

/// A row of a timeline: one character for each column, the digit of the worst state (`s`, `n` and `u` where the test
/// was skipped, not run, or nobody knows what it did), or a dot where nothing ran.
#[derive(Debug, Serialize, JsonSchema)]
pub struct TimelineRow {
    /// The configuration.
    pub configuration: Configuration,
    /// The query text that selects exactly this configuration.
    pub query: String,
    /// States, whether they were expected or not.
    #[schemars(regex(pattern = "^[0-8snu.]*$"))]
    pub actual: String,
    /// States that were not expected.
    #[schemars(regex(pattern = "^[0-8snu.]*$"))]
    pub unexpected: String,
    /// Of a test: how long it took, milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Vec<Option<u64>>")]
    pub times: Option<Vec<Option<u64>>>,
    /// Of a suite: how many tests failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Vec<Option<u64>>")]
    pub failed: Option<Vec<Option<u64>>>,
    /// Of a suite: how many tests failed unexpectedly.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Vec<Option<u64>>")]
    pub failed_unexpectedly: Option<Vec<Option<u64>>>,
}

/// A window of a timeline as the API answers it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Timeline {
    /// Columns, newest first.
    pub columns: Vec<TimelineColumn>,
    /// Rows by configuration.
    pub rows: Vec<TimelineRow>,
}

/// The newest columns of a timeline.
pub async fn find(store: &Store, of: TimelineOf<'_>, filter: &RunFilter) -> Result<Timeline, AnswerError> {
    suites::expect(store, of.suite).await?;
    let mut selection = Selection::of(store, filter, COLUMNS).await?;
    selection.limit = selection.limit.min(MAX_COLUMNS);
    let window = window(store, of, &selection).await?;
    let keys = window.columns.iter().copied().collect();
    let commits = commit_names::as_tested(store, of.suite, filter.branch.as_deref(), &keys).await?;
    let column = |commit: &CommitKey| TimelineColumn { uuid: *commit, name: commits.name(*commit) };
    let rows = window.rows.iter().map(|row| TimelineRow::of(row, of.test.is_some())).collect();
    Ok(Timeline { columns: window.columns.iter().map(column).collect(), rows })
}

impl TimelineRow {
    fn of(row: &Row, is_of_test: bool) -> Self {
        let states = |state: fn(&Outcome) -> State| -> String {
            row.cells.iter().map(|cell| cell.as_ref().map_or('.', |cell| state(cell).digit())).collect()
        };
        let numbers = |number: &dyn Fn(&Outcome) -> Option<u64>| {
            Some(row.cells.iter().map(|cell| cell.as_ref().and_then(number)).collect::<Vec<_>>())
        };
        let (times, failed, failed_unexpectedly) = if is_of_test {
            (numbers(&|cell| cell.time.map(u64::from)), None, None)
        } else {
            let (all, unexpected) = (numbers(&|cell| Some(cell.failed?.0)), numbers(&|cell| Some(cell.failed?.1)));
            (None, all, unexpected)
        };
        Self {
            configuration: row.configuration.clone(),
            query: row.configuration.query(),
            actual: states(|cell| cell.actual),
            unexpected: states(|cell| cell.unexpected),
            times,
            failed,
            failed_unexpectedly,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_of_a_commit_shows_and_the_newest_columns_stay() {
        let outcome = |commit, unexpected| Outcome {
            commit: CommitKey(commit),
            actual: State::at(unexpected),
            unexpected: State::at(unexpected),
            label: String::new(),
            failed: None,
            time: None,
        };
        let of = |platform: &str| Configuration { platform: Some(platform.to_owned()), ..Configuration::default() };
        let mac = vec![outcome(1, 8), outcome(3, 8), outcome(3, 4), outcome(3, 6)];
        let window = Window::of([(of("mac"), mac), (of("ios"), vec![outcome(2, 8)])], 2);
        assert_eq!(window.columns, [CommitKey(3), CommitKey(2)]);
        let states: Vec<String> = window.rows.iter().map(|row| TimelineRow::of(row, true).unexpected).collect();
        assert_eq!(states, ["4.", ".8"]);
    }
}
