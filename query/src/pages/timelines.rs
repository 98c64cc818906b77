//! Timelines: of tests, of suites, and the runs that deserve a look.

use std::collections::{BTreeMap, BTreeSet};

use axum::http::StatusCode;
use axum::response::Response;
use minijinja::{Value, context};
use schema::commit::Commit;
use schema::state::{self, States};
use serde::Serialize;

use crate::error::{ApiError, bad, broken};
use crate::parameters::{CONFIGURATION, POINT, Parameters, RANGE, TIMES};
use crate::results;
use crate::routes::Service;
use crate::selection::{Entry, Selection, branch_key};
use crate::{configurations, suites, test_names};

/// Columns of a timeline on first sight; the rest is a larger `limit` away.
const COLUMNS: u64 = 100;
/// One cell of a timeline.
#[derive(Debug, Serialize)]
struct Cell {
    class: &'static str,
    symbol: &'static str,
    label: String,
}

/// One row of a timeline: a configuration; `None` where it did not run.
#[derive(Debug, Serialize)]
struct Row {
    name: String,
    cells: Vec<Option<Cell>>,
}

pub(super) async fn search(service: &Service, query: Option<&str>) -> Result<Response, ApiError> {
    let own = ["suite", "test", "recent", "limit"];
    let parameters = Parameters::read(query, &[&CONFIGURATION, &own, &POINT, &RANGE, &TIMES])?;
    let suites: Vec<&str> = parameters.all("suite").collect();
    let tests: Vec<&str> = parameters.all("test").collect();
    // The form sends its suite with an empty test: that asks for a choice of tests.
    let browsing = suites.len() <= 1 && tests.iter().all(|test| test.is_empty());
    if !browsing && suites.len() != tests.len() {
        return Err(bad("Each test must be paired with a suite"));
    }
    let selection = Selection::read(service, &parameters, COLUMNS).await?;
    let known = known_suites(service, &selection).await?;
    let (mut timelines, mut choices) = (Vec::new(), Vec::new());
    if !browsing {
        for (suite, test) in suites.iter().zip(&tests) {
            let entries = results::of_test(service, suite, test, &selection).await?;
            if entries.is_empty() {
                choices.extend(test_names::named(service, suite, &[(*test).to_owned()], 50).await?);
            }
            let (columns, rows) = grid(entries, |result| {
                let uuid = result.get("uuid").and_then(serde_json::Value::as_u64).unwrap_or_default();
                let text = |name: &str| result.get(name).and_then(serde_json::Value::as_str).unwrap_or_default();
                let (actual, expected) = (text("actual"), text("expected"));
                let worst = States::parse(actual).worst();
                let unexpected = States::parse(actual).worst_unexpected(States::parse(expected)) != state::PASS;
                (uuid, worst, format!("{actual}, expected {expected}{}", if unexpected { ": unexpected" } else { "" }))
            });
            timelines
                .push(context! { name => *test, suite => *suite, columns => names(service, &columns).await?, rows });
        }
    } else if let Some(suite) = suites.first() {
        choices = test_names::named(service, suite, &[String::new()], 200).await?;
    }
    let chosen = suites.first().copied().unwrap_or_default();
    let test = tests.first().copied().unwrap_or_default();
    let values = context! { page => "/", known, chosen, test, choices, timelines };
    service.pages.render(StatusCode::OK, "timeline.html", None, values)
}

pub(super) async fn suites(service: &Service, query: Option<&str>) -> Result<Response, ApiError> {
    let own = ["suite", "recent", "limit"];
    of_suites(service, query, &own, "/suites").await
}

pub(super) async fn investigate(service: &Service, query: Option<&str>) -> Result<Response, ApiError> {
    let own = ["suite", "test", "recent", "limit", "unexpected"];
    of_suites(service, query, &own, "/investigate").await
}

async fn of_suites(service: &Service, query: Option<&str>, own: &[&str], page: &str) -> Result<Response, ApiError> {
    let parameters = Parameters::read(query, &[&CONFIGURATION, own, &POINT, &RANGE, &TIMES])?;
    let selection = Selection::read(service, &parameters, COLUMNS).await?;
    let known = known_suites(service, &selection).await?;
    let asked: Vec<&str> = parameters.all("suite").collect();
    let shown: Vec<String> = if asked.is_empty() {
        known.iter().cloned().collect()
    } else {
        asked.iter().map(|suite| (*suite).to_owned()).collect()
    };
    let mut timelines = Vec::new();
    for suite in &shown {
        let entries = results::of_suite(service, suite, &selection).await?;
        let (columns, rows) = grid(entries, |run| {
            let stats: serde_json::Value = serde_json::from_str(run.stats.get()).unwrap_or_default();
            let count = |name: &str| stats.get(name).and_then(serde_json::Value::as_u64).unwrap_or(0);
            let worst = if count("tests_unexpected_crashed") > 0 {
                state::CRASH
            } else if count("tests_unexpected_timedout") > 0 {
                state::TIMEOUT
            } else if count("tests_unexpected_failed") > 0 {
                state::ERROR
            } else {
                state::PASS
            };
            (
                run.uuid,
                worst,
                format!("{} of {} tests failed unexpectedly", count("tests_unexpected_failed"), count("tests_run")),
            )
        });
        timelines.push(context! { name => suite, suite => "", columns => names(service, &columns).await?, rows });
    }
    let values = context! { page, known, chosen => "", test => "", choices => Vec::<String>::new(), timelines };
    service.pages.render(StatusCode::OK, "timeline.html", None, values)
}

/// Suites that ran lately on the default branch, sorted.
pub(super) async fn known_suites_of(service: &Service) -> Result<Vec<String>, ApiError> {
    let parameters = Parameters::default();
    let matching = configurations::matching(service, &parameters, &branch_key(&parameters)).await?;
    let found = suites::of_configurations(service, &branch_key(&parameters), &matching).await?;
    Ok(found.into_values().flatten().collect::<BTreeSet<_>>().into_iter().collect())
}

async fn known_suites(service: &Service, selection: &Selection<'_>) -> Result<BTreeSet<String>, ApiError> {
    let found = suites::of_configurations(service, &selection.branch, &selection.matching).await?;
    Ok(found.into_values().flatten().collect())
}

/// Columns (uuids, newest first) and rows of a timeline; of several runs in a cell the worst shows.
fn grid<T>(entries: Vec<Entry<T>>, read: impl Fn(&T) -> (u64, u8, String)) -> (Vec<u64>, Vec<Row>) {
    let mut columns = BTreeSet::new();
    let mut found = Vec::new();
    for entry in entries {
        let mut cells: BTreeMap<u64, (u8, String)> = BTreeMap::new();
        for (uuid, worst, label) in entry.results.iter().map(&read) {
            columns.insert(uuid);
            if cells.get(&uuid).is_none_or(|(shown, _)| worst < *shown) {
                cells.insert(uuid, (worst, label));
            }
        }
        found.push((entry.configuration.name(), cells));
    }
    let columns: Vec<u64> = columns.into_iter().rev().collect();
    let rows = found
        .into_iter()
        .map(|(name, mut cells)| Row {
            name,
            cells: columns.iter().map(|uuid| cells.remove(uuid).map(|(worst, label)| cell(worst, label))).collect(),
        })
        .collect();
    (columns, rows)
}

fn cell(worst: u8, label: String) -> Cell {
    let (class, symbol) = match worst {
        state::CRASH => ("crash", "!"),
        state::TIMEOUT => ("timeout", "T"),
        2 => ("image", "I"),
        3..=state::ERROR => ("fail", "✕"),
        7 => ("warning", "?"),
        _ => ("pass", "✓"),
    };
    Cell { class, symbol, label }
}

/// What heads each column: the newest commit of that uuid.
async fn names(service: &Service, uuids: &[u64]) -> Result<Vec<Value>, ApiError> {
    let documents: Vec<(u64, String)> = if uuids.is_empty() {
        Vec::new()
    } else {
        service.client.query("SELECT uuid, document FROM commits WHERE uuid IN ?").bind(uuids).fetch_all().await?
    };
    let mut by_uuid = BTreeMap::new();
    for (uuid, document) in documents {
        let commit: Commit = serde_json::from_str(&document).map_err(broken)?;
        by_uuid.insert(uuid, commit.short_name());
    }
    let head = |uuid: &u64| {
        let name = by_uuid.get(uuid).cloned().unwrap_or_else(|| uuid.to_string());
        context! { uuid, name, time => iso((uuid / 100) as i64) }
    };
    Ok(uuids.iter().map(head).collect())
}

/// `YYYY-MM-DD HH:MM` in UTC; days to dates by Howard Hinnant's `civil_from_days`.
pub(super) fn iso(seconds: i64) -> String {
    let days = seconds.div_euclid(86_400) + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let (day, month) =
        (day_of_year - (153 * shifted + 2) / 5 + 1, if shifted < 10 { shifted + 3 } else { shifted - 9 });
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let minutes = seconds.rem_euclid(86_400) / 60;
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02}", minutes / 60, minutes % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_right_at_their_edges() {
        assert_eq!(iso(0), "1970-01-01 00:00");
        assert_eq!(iso(951_782_399), "2000-02-28 23:59");
        assert_eq!(iso(951_782_400), "2000-02-29 00:00");
        assert_eq!(iso(1_700_000_000), "2023-11-14 22:13");
    }
}
