//! `GET /api/timeline/<suite>[/<test>]`: a window of a timeline, small enough to scroll through fifty thousand runs.
//!
//! Data flow: rows of runs or results → one [`Outcome`] each → [`Window`]: columns (commits, newest first) by rows
//! (configurations), the worst outcome of each commit in a cell → JSON with one character per cell, or a page's table.
//! [`overview`] tells which windows there are, [`verdict`] how each configuration is doing.

pub(crate) mod overview;
pub(crate) mod verdict;

use std::collections::{BTreeMap, BTreeSet};

use axum::Json;
use axum::response::{IntoResponse, Response};
use schema::configuration::Configuration;
use schema::state::{self, ERROR, States};
use serde_json::{Value, json};
use web::openapi::{Operation, list_of, object, shared, text, whole};

use crate::commits;
use crate::error::ApiError;
use crate::parameters::{CONFIGURATION, POINT, Parameters, RANGE, TIMES};
use crate::results;
use crate::results::{ResultFound, SuiteRun};
use crate::routes::Service;
use crate::selection::{Entry, Selection};
use crate::statistics::Statistics;

/// Columns of a window if the question names no limit, and at most.
const COLUMNS: u64 = 200;
const MAX_COLUMNS: u64 = 2000;

/// What a configuration did on a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) uuid: u64,
    /// Position of the worst state.
    pub(crate) actual: u8,
    /// Position of the worst state that was not expected.
    pub(crate) unexpected: u8,
    /// In words.
    pub(crate) label: String,
    /// Of a suite's run: how many tests failed, and how many unexpectedly.
    pub(crate) failed: Option<(u64, u64)>,
    /// Of a test: how long it took, milliseconds.
    pub(crate) time: Option<u32>,
}

impl Outcome {
    /// Whether it failed unexpectedly.
    pub(crate) fn is_failing(&self) -> bool {
        self.unexpected <= ERROR
    }

    pub(crate) fn of_result(row: &ResultFound) -> Self {
        let (actual, expected) = (States::from_bits(row.actual), States::from_bits(row.expected));
        let unexpected = actual.worst_unexpected(expected);
        Self {
            uuid: row.uuid,
            actual: actual.worst(),
            unexpected,
            label: format!(
                "{actual}, expected {expected}{}",
                if unexpected == state::PASS { "" } else { ": unexpected" }
            ),
            failed: None,
            time: row.time(),
        }
    }

    pub(crate) fn of_run(run: &SuiteRun) -> Self {
        let Statistics { run: tests, all, unexpected } = Statistics::of(run.stats.get());
        Self {
            uuid: run.uuid,
            actual: all.worst(),
            unexpected: unexpected.worst(),
            label: format!("{} of {tests} tests failed, {} unexpectedly", all.failed, unexpected.failed),
            failed: Some((all.failed, unexpected.failed)),
            time: None,
        }
    }
}

/// One configuration; `None` where it did not run.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) configuration: Configuration,
    pub(crate) cells: Vec<Option<Outcome>>,
}

/// A part of a timeline.
#[derive(Debug)]
pub(crate) struct Window {
    /// Uuids of commits, newest first.
    pub(crate) columns: Vec<u64>,
    pub(crate) rows: Vec<Row>,
}

impl Window {
    /// The newest `limit` columns of what each configuration did.
    fn of(entries: impl IntoIterator<Item = (Configuration, Vec<Outcome>)>, limit: u64) -> Self {
        let mut columns = BTreeSet::new();
        let mut found = Vec::new();
        for (configuration, outcomes) in entries {
            let mut cells: BTreeMap<u64, Outcome> = BTreeMap::new();
            for outcome in outcomes {
                columns.insert(outcome.uuid);
                // Of several runs of a commit the worst shows.
                let rank = |outcome: &Outcome| (outcome.unexpected, outcome.actual);
                if cells.get(&outcome.uuid).is_none_or(|shown| rank(&outcome) < rank(shown)) {
                    cells.insert(outcome.uuid, outcome);
                }
            }
            found.push((configuration, cells));
        }
        let columns: Vec<u64> = columns.into_iter().rev().take(usize::try_from(limit).unwrap_or(usize::MAX)).collect();
        let rows = found.into_iter().map(|(configuration, mut cells)| {
            let cells = columns.iter().map(|uuid| cells.remove(uuid)).collect();
            Row { configuration, cells }
        });
        Self { rows: rows.collect(), columns }
    }
}

/// The newest columns of a test's timeline.
pub(crate) async fn of_test(
    service: &Service,
    suite: &str,
    test: &str,
    selection: &Selection<'_>,
) -> Result<Window, ApiError> {
    let rows = results::rows_of_test(service, suite, test, selection).await?;
    let entries = selection.group(rows, ResultFound::place, |row| Ok(Outcome::of_result(&row)))?;
    Ok(Window::of(
        entries.into_iter().map(|Entry { configuration, results }| (configuration, results)),
        selection.limit,
    ))
}

/// The newest columns of a suite's timeline.
pub(crate) async fn of_suite(service: &Service, suite: &str, selection: &Selection<'_>) -> Result<Window, ApiError> {
    let entries = results::of_suite(service, suite, selection).await?.into_iter();
    let entries = entries.map(|entry| (entry.configuration, entry.results.iter().map(Outcome::of_run).collect()));
    Ok(Window::of(entries, selection.limit))
}

fn answer() -> Value {
    let numbers = || list_of(json!({ "type": ["integer", "null"] }));
    let mut row = object(&[
        ("configuration", shared("Configuration")),
        ("query", text()),
        // One character for each column: the position of the worst state, worst first, or a dot where nothing ran.
        ("actual", json!({ "type": "string", "pattern": "^[0-8.]*$" })),
        ("unexpected", json!({ "type": "string", "pattern": "^[0-8.]*$" })),
    ]);
    // Of a test its times, of a suite's runs how many tests failed.
    for name in ["times", "failed", "failed_unexpectedly"] {
        row["properties"][name] = numbers();
    }
    object(&[("columns", list_of(object(&[("uuid", whole()), ("name", text())]))), ("rows", list_of(row))])
}

/// What it offers.
pub(crate) const OF_TEST: Operation = Operation::get(
    "/api/timeline/{suite}/{test}",
    "The newest columns of a test's timeline, one character for each run",
    &[&CONFIGURATION, &["recent", "limit"], &POINT, &RANGE, &TIMES],
    answer,
);

/// What it offers.
pub(crate) const OF_SUITE: Operation = Operation::get(
    "/api/timeline/{suite}",
    "The newest columns of a suite's timeline, one character for each run",
    OF_TEST.parameters,
    answer,
);

/// Answers in JSON.
pub(crate) async fn endpoint(
    service: &Service,
    query: Option<&str>,
    suite: &str,
    test: Option<&str>,
) -> Result<Response, ApiError> {
    let parameters = Parameters::read_of(query, test.is_some(), OF_TEST.parameters)?;
    let mut selection = Selection::read(service, &parameters, COLUMNS).await?;
    selection.limit = selection.limit.min(MAX_COLUMNS);
    let window = match test {
        Some(test) => of_test(service, suite, test, &selection).await?,
        None => of_suite(service, suite, &selection).await?,
    };
    let commits = commits::by_uuid(service, &window.columns.iter().copied().collect()).await?;
    let columns = window.columns.iter().map(|uuid| json!({ "uuid": uuid, "name": commits.name(*uuid) }));
    let columns: Vec<Value> = columns.collect();
    let rows: Vec<Value> = window.rows.iter().map(|row| shown(row, test.is_some())).collect();
    Ok(Json(json!({ "columns": columns, "rows": rows })).into_response())
}

fn shown(row: &Row, of_test: bool) -> Value {
    let states = |state: fn(&Outcome) -> u8| -> String {
        let letter = |cell: &Option<Outcome>| cell.as_ref().map_or('.', |cell| char::from(b'0' + state(cell)));
        row.cells.iter().map(letter).collect()
    };
    let numbers = |number: &dyn Fn(&Outcome) -> Option<u64>| -> Value {
        row.cells.iter().map(|cell| cell.as_ref().and_then(number)).collect()
    };
    let mut shown = json!({
        "configuration": row.configuration,
        "query": row.configuration.query(),
        "actual": states(|cell| cell.actual),
        "unexpected": states(|cell| cell.unexpected),
    });
    if of_test {
        shown["times"] = numbers(&|cell| cell.time.map(u64::from));
    } else {
        shown["failed"] = numbers(&|cell| cell.failed.map(|(all, _)| all));
        shown["failed_unexpectedly"] = numbers(&|cell| cell.failed.map(|(_, unexpectedly)| unexpectedly));
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_of_a_commit_shows_and_the_newest_columns_stay() {
        let outcome = |uuid, unexpected| Outcome {
            uuid,
            actual: unexpected,
            unexpected,
            label: String::new(),
            failed: None,
            time: None,
        };
        let of = |platform: &str| Configuration { platform: Some(platform.to_owned()), ..Configuration::default() };
        let mac = vec![outcome(1, 8), outcome(3, 8), outcome(3, 4), outcome(3, 6)];
        let window = Window::of([(of("mac"), mac), (of("ios"), vec![outcome(2, 8)])], 2);
        assert_eq!(window.columns, [3, 2]);
        let states = |row: &Row| shown(row, true)["unexpected"].clone();
        assert_eq!(window.rows.iter().map(states).collect::<Vec<_>>(), ["4.", ".8"]);
    }
}
