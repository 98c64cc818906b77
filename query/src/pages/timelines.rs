//! Timelines: of tests, and of suites.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use axum::http::StatusCode;
use axum::response::Response;
use minijinja::{Value, context};
use schema::commit::{Commit, DEFAULT_BRANCHES};
use schema::state::{self, States};

use super::grid::{Outcome, Row, Verdict, grid};
use super::time;
use crate::error::{ApiError, bad, broken};
use crate::parameters::{CONFIGURATION, POINT, Parameters, RANGE, TIMES};
use crate::results;
use crate::routes::Service;
use crate::search::{self, Kind, TestFound};
use crate::selection::{Selection, branch_key};
use crate::{configurations, suites, test_names};

/// Columns of a timeline on first sight; the rest is a larger `limit` away.
const COLUMNS: u64 = 100;
/// Names shown of a suite, and of those that a search found.
const BROWSED: u64 = 200;
const CHOICES: u64 = 50;
/// Timelines shown of a pasted list.
const LISTED: usize = 20;

pub(super) async fn tests(service: &Service, query: Option<&str>) -> Result<Response, ApiError> {
    let own = ["suite", "test", "recent", "limit", "expected"];
    let parameters = Parameters::read(query, &[&CONFIGURATION, &own, &POINT, &RANGE, &TIMES])?;
    let suites: Vec<&str> = parameters.all("suite").collect();
    let tests: Vec<&str> = parameters.all("test").collect();
    // The form sends its suite with an empty test: that asks for a choice of tests.
    let browsing = suites.len() <= 1 && tests.iter().all(|test| test.is_empty());
    if !browsing && suites.len() != tests.len() {
        return Err(bad("Each test must be paired with a suite"));
    }
    let chosen = suites.first().copied().unwrap_or_default();
    let in_suite: &[&str] = if chosen.is_empty() { &[] } else { &[chosen] };
    let hide_expected = parameters.first("expected") == Some("hide");
    let selection = Selection::read(service, &parameters, COLUMNS).await?;
    let known = known_suites(service, &selection).await?;
    let (mut timelines, mut choices) = (Vec::new(), Vec::new());
    let mut asked: VecDeque<TestFound> = VecDeque::new();
    if browsing && !chosen.is_empty() {
        let named = test_names::named(service, chosen, &[String::new()], BROWSED).await?;
        choices.extend(named.into_iter().map(|test| TestFound { suite: chosen.to_owned(), test }));
    } else if !browsing {
        let pair = |(suite, test): (&&str, &&str)| TestFound { suite: (*suite).to_owned(), test: (*test).to_owned() };
        asked.extend(suites.iter().zip(&tests).map(pair));
    }
    while let Some(TestFound { suite, test }) = asked.pop_front() {
        let entries = results::of_test(service, &suite, &test, &selection).await?;
        if entries.is_empty() && tests.len() == 1 && timelines.is_empty() {
            let found = search::find(service, in_suite, &test, CHOICES).await?;
            if found.kind == Kind::List {
                asked.extend(found.tests.into_iter().take(LISTED));
                continue;
            }
            choices = found.tests;
            if !choices.is_empty() {
                continue;
            }
        }
        let (columns, rows) = grid(entries, |result| outcome_of_test(result, hide_expected));
        timelines.push(timeline(service, &suite, Some(&test), &columns, rows).await?);
    }
    let test = tests.first().copied().unwrap_or_default();
    let values = context! {
        page => "/", known, chosen, test, choices, timelines, hide_expected, toggle => toggled(&parameters, "hide", hide_expected),
    };
    service.pages.render(StatusCode::OK, "timeline.html", None, values)
}

fn outcome_of_test(result: &serde_json::Map<String, serde_json::Value>, hide_expected: bool) -> Outcome {
    let text = |name: &str| result.get(name).and_then(serde_json::Value::as_str).unwrap_or_default();
    let (actual, expected) = (States::parse(text("actual")), States::parse(text("expected")));
    let unexpected = actual.worst_unexpected(expected);
    Outcome {
        uuid: result.get("uuid").and_then(serde_json::Value::as_u64).unwrap_or_default(),
        worst: if hide_expected { unexpected } else { actual.worst() },
        failing: unexpected <= state::ERROR,
        label: format!("{actual}, expected {expected}{}", if unexpected == state::PASS { "" } else { ": unexpected" }),
        count: String::new(),
    }
}

pub(super) async fn suites(service: &Service, query: Option<&str>) -> Result<Response, ApiError> {
    let own = ["suite", "recent", "limit", "expected"];
    let parameters = Parameters::read(query, &[&CONFIGURATION, &own, &POINT, &RANGE, &TIMES])?;
    // Suites always have expected failures; they show on request.
    let hide_expected = parameters.first("expected") != Some("show");
    let selection = Selection::read(service, &parameters, COLUMNS).await?;
    let known = known_suites(service, &selection).await?;
    let asked: Vec<String> = parameters.all("suite").map(str::to_owned).collect();
    let shown = if asked.is_empty() { known.iter().cloned().collect() } else { asked };
    let mut timelines = Vec::new();
    for suite in &shown {
        let entries = results::of_suite(service, suite, &selection).await?;
        let (columns, rows) = grid(entries, |run| outcome_of_run(run, hide_expected));
        timelines.push(timeline(service, suite, None, &columns, rows).await?);
    }
    let values = context! {
        page => "/suites", known, chosen => "", test => "", choices => Vec::<TestFound>::new(), timelines, hide_expected,
        toggle => toggled(&parameters, "show", !hide_expected),
    };
    service.pages.render(StatusCode::OK, "timeline.html", None, values)
}

fn outcome_of_run(run: &results::SuiteRun, hide_expected: bool) -> Outcome {
    let stats: serde_json::Value = serde_json::from_str(run.stats.get()).unwrap_or_default();
    let prefix = if hide_expected { "tests_unexpected_" } else { "tests_" };
    let count = |name: &str| stats.get(name).and_then(serde_json::Value::as_u64).unwrap_or(0);
    let bad = |kind: &str| count(&format!("{prefix}{kind}"));
    let failed = bad("failed");
    let worst = if bad("crashed") > 0 {
        state::CRASH
    } else if bad("timedout") > 0 {
        state::TIMEOUT
    } else if failed > 0 {
        state::ERROR
    } else {
        state::PASS
    };
    let how = if hide_expected { "failed unexpectedly" } else { "failed" };
    Outcome {
        uuid: run.uuid,
        worst,
        failing: count("tests_unexpected_failed") > 0,
        label: format!("{failed} of {} tests {how}", count("tests_run")),
        count: if failed > 0 { failed.to_string() } else { String::new() },
    }
}

/// What a template shows of a timeline.
async fn timeline(
    service: &Service,
    suite: &str,
    test: Option<&str>,
    columns: &[u64],
    rows: Vec<Row>,
) -> Result<Value, ApiError> {
    let heads = heads(service, columns).await?;
    let mut days: Vec<(String, usize)> = Vec::new();
    for uuid in columns {
        let day = time::day((uuid / 100) as i64);
        match days.last_mut() {
            Some((last, count)) if *last == day => *count += 1,
            _ => days.push((day, 1)),
        }
    }
    let count = |kind: fn(&Verdict) -> bool| rows.iter().filter(|row| kind(&row.verdict)).count();
    let failing = count(|verdict| matches!(verdict, Verdict::Failing { .. }));
    let flaky = count(|verdict| matches!(verdict, Verdict::Flaky { .. }));
    let stale = count(|verdict| matches!(verdict, Verdict::Stale));
    let passing = rows.len() - failing - flaky - stale;
    Ok(context! { suite, test, columns => heads, days, rows, failing, flaky, stale, passing })
}

/// What heads each column: a commit of that uuid, one of a default branch before others.
async fn heads(service: &Service, uuids: &[u64]) -> Result<Vec<Value>, ApiError> {
    let (Some(newest), Some(oldest)) = (uuids.first(), uuids.last()) else { return Ok(Vec::new()) };
    // Of those with the same uuid the last stays.
    let sql = "SELECT uuid, document FROM commits WHERE uuid BETWEEN ? AND ? AND uuid IN ? \
               ORDER BY branch IN ?, repository DESC, branch DESC";
    let asked = service.client.query(sql).bind(oldest).bind(newest).bind(uuids).bind(DEFAULT_BRANCHES);
    let documents: Vec<(u64, String)> = asked.fetch_all().await?;
    let mut by_uuid = BTreeMap::new();
    for (uuid, document) in documents {
        let commit: Commit = serde_json::from_str(&document).map_err(broken)?;
        let subject = commit.message.as_deref().unwrap_or_default().lines().next().unwrap_or_default().to_owned();
        by_uuid.insert(uuid, (commit.short_name(), subject));
    }
    let head = |uuid: &u64| {
        let (name, subject) = by_uuid.get(uuid).cloned().unwrap_or_else(|| (uuid.to_string(), String::new()));
        let seconds = (uuid / 100) as i64;
        context! { uuid, name, subject, time => time::minutes(seconds), seconds }
    };
    Ok(uuids.iter().map(head).collect())
}

/// The same question with expected failures shown or hidden.
fn toggled(parameters: &Parameters, value: &str, is_set: bool) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(parameters.pairs().filter(|(name, _)| *name != "expected"));
    if !is_set {
        query.append_pair("expected", value);
    }
    query.finish()
}

/// Suites that ran lately on the default branch, sorted.
pub(super) async fn known_suites_of(service: &Service) -> Result<Vec<String>, ApiError> {
    let parameters = Parameters::default();
    let branch = branch_key(&parameters);
    let matching = configurations::matching(service, &parameters, &branch).await?;
    let found = suites::of_configurations(service, &branch, &matching).await?;
    Ok(found.into_values().flatten().collect::<BTreeSet<_>>().into_iter().collect())
}

/// Suites of the selected configurations.
pub(super) async fn known_suites(service: &Service, selection: &Selection<'_>) -> Result<BTreeSet<String>, ApiError> {
    let found = suites::of_configurations(service, &selection.branch, &selection.matching).await?;
    Ok(found.into_values().flatten().collect())
}
