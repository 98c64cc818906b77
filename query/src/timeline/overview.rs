//! `GET /api/timeline-overview/<suite>[/<test>]`: how long a timeline is, in which windows it can be asked for, and where
//! along it the failures are.

use std::collections::BTreeMap;

use axum::Json;
use axum::response::{IntoResponse, Response};
use clickhouse::Row;
use schema::configuration::Configuration;
use schema::state::{ERROR, States};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use web::openapi::{Operation, list_of, object, shared, text, whole};

use super::OF_TEST;
use crate::error::ApiError;
use crate::parameters::Parameters;
use crate::routes::Service;
use crate::selection::{Place, Selection};

/// Columns of a window; the last one has the rest.
const WINDOW: usize = 500;
/// Parts of the strip.
const STRIP: usize = 240;
/// The columns of the longest timeline.
const MAX_COLUMNS: usize = 250_000;

/// What happened on one commit, or in one configuration.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
struct Tally {
    runs: u64,
    /// Those that failed unexpectedly.
    unexpected: u64,
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.runs += other.runs;
        self.unexpected += other.unexpected;
    }
}

/// Neighbouring columns.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Part {
    newest: u64,
    oldest: u64,
    columns: usize,
    #[serde(flatten)]
    tally: Tally,
}

/// A configuration over the whole time.
#[derive(Debug, Serialize)]
struct Line {
    configuration: Configuration,
    name: String,
    query: String,
    newest: u64,
    #[serde(flatten)]
    tally: Tally,
}

fn answer() -> Value {
    let part = || {
        object(&[
            ("newest", whole()),
            ("oldest", whole()),
            ("columns", whole()),
            ("runs", whole()),
            ("unexpected", whole()),
        ])
    };
    let row = object(&[
        ("configuration", shared("Configuration")),
        ("name", text()),
        ("query", text()),
        ("newest", whole()),
        ("runs", whole()),
        ("unexpected", whole()),
    ]);
    object(&[("columns", whole()), ("windows", list_of(part())), ("strip", list_of(part())), ("rows", list_of(row))])
}

/// What it offers.
pub(crate) const OF_A_TEST: Operation = Operation::get(
    "/api/timeline-overview/{suite}/{test}",
    "The length of a test's timeline, its windows, newest first, and where its failures are",
    OF_TEST.parameters,
    answer,
);

/// What it offers.
pub(crate) const OF_A_SUITE: Operation = Operation::get(
    "/api/timeline-overview/{suite}",
    "The length of a suite's timeline, its windows, newest first, and where its failures are",
    OF_TEST.parameters,
    answer,
);

#[derive(Row, Deserialize)]
struct OfCommit {
    uuid: u64,
    actual: u16,
    expected: u16,
    runs: u64,
}

#[derive(Row, Deserialize)]
struct OfConfiguration {
    config_id: u64,
    sdk: String,
    newest: u64,
    actual: u16,
    expected: u16,
    runs: u64,
}

/// Answers in JSON.
pub(crate) async fn endpoint(
    service: &Service,
    query: Option<&str>,
    suite: &str,
    test: Option<&str>,
) -> Result<Response, ApiError> {
    let parameters = Parameters::read_of(query, test.is_some(), OF_TEST.parameters)?;
    let selection = Selection::read(service, &parameters, 1).await?;
    let (commits, lines) = if selection.is_empty() {
        Default::default()
    } else {
        tokio::try_join!(commits(service, suite, test, &selection), configurations(service, suite, test, &selection))?
    };
    let shown = json!({
        "columns": commits.len(),
        "windows": parts(&commits, WINDOW),
        "strip": parts(&commits, commits.len().div_ceil(STRIP).max(1)),
        "rows": lines,
    });
    Ok(Json(shown).into_response())
}

/// A run's state is expected if no test failed unexpectedly: in the terms of results, 0 is CRASH and 256 PASS.
const RUNS: &str =
    "SELECT uuid, config_id, sdk, if(tests_unexpected_failed > 0, 1, 256) AS actual, 256 AS expected FROM runs";
const RESULTS: &str = "SELECT uuid, config_id, sdk, actual, expected FROM results";

/// Each commit, newest first.
async fn commits(
    service: &Service,
    suite: &str,
    test: Option<&str>,
    selection: &Selection<'_>,
) -> Result<Vec<(u64, Tally)>, ApiError> {
    let asked = (
        "uuid, toUInt16(actual) AS actual, toUInt16(expected) AS expected, count() AS runs",
        "GROUP BY uuid, actual, expected ORDER BY uuid DESC LIMIT 1000000",
    );
    let rows: Vec<OfCommit> = selection.question(service, suite, test, (RUNS, RESULTS), asked).fetch_all().await?;
    let mut commits: Vec<(u64, Tally)> = Vec::new();
    for row in rows {
        let tally = tally(row.actual, row.expected, row.runs);
        let count = commits.len();
        match commits.last_mut() {
            Some((uuid, known)) if *uuid == row.uuid => known.add(tally),
            _ if count == MAX_COLUMNS => break,
            _ => commits.push((row.uuid, tally)),
        }
    }
    Ok(commits)
}

/// Each configuration, in the order of windows.
async fn configurations(
    service: &Service,
    suite: &str,
    test: Option<&str>,
    selection: &Selection<'_>,
) -> Result<Vec<Line>, ApiError> {
    let asked = (
        "config_id, sdk, max(uuid) AS newest, toUInt16(actual) AS actual, toUInt16(expected) AS expected, count() AS runs",
        "GROUP BY config_id, sdk, actual, expected",
    );
    let rows: Vec<OfConfiguration> =
        selection.question(service, suite, test, (RUNS, RESULTS), asked).fetch_all().await?;
    let mut found: BTreeMap<Configuration, (u64, Tally)> = BTreeMap::new();
    for row in rows {
        let place = Place { config_id: row.config_id, uuid: row.newest, sdk: row.sdk, start_time: 0 };
        let Some(configuration) = selection.configuration(&place) else { continue };
        let (newest, known) = found.entry(configuration).or_default();
        *newest = row.newest.max(*newest);
        known.add(tally(row.actual, row.expected, row.runs));
    }
    let names = Configuration::short_names(found.keys());
    let line = |((configuration, (newest, tally)), name): ((Configuration, (u64, Tally)), String)| Line {
        name,
        query: configuration.query(),
        configuration,
        newest,
        tally,
    };
    Ok(found.into_iter().zip(names).map(line).collect())
}

fn tally(actual: u16, expected: u16, runs: u64) -> Tally {
    let is_failing = States::from_bits(actual).worst_unexpected(States::from_bits(expected)) <= ERROR;
    Tally { runs, unexpected: if is_failing { runs } else { 0 } }
}

fn parts(commits: &[(u64, Tally)], size: usize) -> Vec<Part> {
    let part = |commits: &[(u64, Tally)]| {
        let mut sum = Tally::default();
        commits.iter().for_each(|(_, tally)| sum.add(*tally));
        let uuid = |commit: Option<&(u64, Tally)>| commit.map_or(0, |(uuid, _)| *uuid);
        Part { newest: uuid(commits.first()), oldest: uuid(commits.last()), columns: commits.len(), tally: sum }
    };
    commits.chunks(size).map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_cover_every_commit_once() {
        let commits: Vec<(u64, Tally)> =
            (0..1203u64).rev().map(|uuid| (uuid, Tally { runs: 2, unexpected: uuid % 2 })).collect();
        let parts = parts(&commits, WINDOW);
        assert_eq!(parts.iter().map(|part| part.columns).collect::<Vec<_>>(), [500, 500, 203]);
        assert_eq!((parts[0].newest, parts[0].oldest, parts[1].newest), (1202, 703, 702));
        assert_eq!(parts.iter().map(|part| part.tally.runs).sum::<u64>(), 2406);
        assert_eq!(parts.iter().map(|part| part.tally.unexpected).sum::<u64>(), 601);
    }
}
