//! Timelines: of tests, and of suites.

use std::collections::{BTreeSet, VecDeque};

use axum::http::StatusCode;
use axum::response::Response;
use minijinja::{Value, context};
use schema::configuration::Configuration;

use super::status::symbol;
use super::{dashboards, time};
use crate::bugs::known::{self, Known};
use crate::error::{ApiError, bad};
use crate::parameters::{CONFIGURATION, POINT, Parameters, RANGE, TIMES};
use crate::routes::Service;
use crate::search::{self, Kind, TestFound};
use crate::selection::{Selection, branch_key};
use crate::timeline::verdict::{self, Verdict};
use crate::timeline::{self, Outcome, Row, Window};
use crate::{commits, configurations, suites, test_names};

/// Runs of each configuration that a timeline on first sight, and its verdicts, are made of.
const COLUMNS: u64 = 100;
/// Columns that are drawn where no `limit` is asked for: what fits a wide screen. Each further one makes the first sight
/// later; the script fetches them as it scrolls, and who has none asks for a `limit`.
const DRAWN: usize = 60;
/// How a timeline is shown, for the script that takes it over.
const SHOWN: [&str; 4] = ["density", "times", "group", "at"];
/// Names shown of a suite, and of those that a search found.
const BROWSED: u64 = 200;
const CHOICES: u64 = 50;
/// Timelines shown of a pasted list.
const LISTED: usize = 20;

pub(super) async fn tests(service: &Service, query: Option<&str>) -> Result<Response, ApiError> {
    let own = ["suite", "test", "recent", "limit", "expected"];
    let parameters = Parameters::read(query, &[&CONFIGURATION, &own, &SHOWN, &POINT, &RANGE, &TIMES])?;
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
        let window = timeline::of_test(service, &suite, &test, &selection).await?;
        if window.rows.is_empty() && tests.len() == 1 && timelines.is_empty() {
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
        timelines.push(timeline(service, &suite, Some(&test), window, hide_expected, drawn(&parameters)).await?);
    }
    let test = tests.first().copied().unwrap_or_default();
    let dashboards = if suites.is_empty() { dashboards::summary(service).await? } else { Vec::new() };
    let values = context! {
        page => "/", dashboards, known, chosen, test, choices, timelines, hide_expected, toggle => toggled(&parameters, "hide", hide_expected),
        export_query => exported(&parameters), more => more(&parameters),
    };
    service.pages.render(StatusCode::OK, "timeline.html", None, values)
}

pub(super) async fn suites(service: &Service, query: Option<&str>) -> Result<Response, ApiError> {
    let own = ["suite", "recent", "limit", "expected"];
    let parameters = Parameters::read(query, &[&CONFIGURATION, &own, &SHOWN, &POINT, &RANGE, &TIMES])?;
    // Suites always have expected failures; they show on request.
    let hide_expected = parameters.first("expected") != Some("show");
    let selection = Selection::read(service, &parameters, COLUMNS).await?;
    let known = known_suites(service, &selection).await?;
    let asked: Vec<String> = parameters.all("suite").map(str::to_owned).collect();
    let shown = if asked.is_empty() { known.iter().cloned().collect() } else { asked };
    let mut timelines = Vec::new();
    for suite in &shown {
        let window = timeline::of_suite(service, suite, &selection).await?;
        timelines.push(timeline(service, suite, None, window, hide_expected, drawn(&parameters)).await?);
    }
    let values = context! {
        page => "/suites", known, chosen => "", test => "", choices => Vec::<TestFound>::new(), timelines, hide_expected,
        toggle => toggled(&parameters, "show", !hide_expected), export_query => exported(&parameters), more => more(&parameters),
    };
    service.pages.render(StatusCode::OK, "timeline.html", None, values)
}

fn drawn(parameters: &Parameters) -> usize {
    if parameters.first("limit").is_some() { usize::MAX } else { DRAWN }
}

/// The same page with all that it is made of.
fn more(parameters: &Parameters) -> String {
    parameters.with(&["limit"], &[("limit", &COLUMNS.to_string())])
}

/// What a template shows of a timeline.
async fn timeline(
    service: &Service,
    suite: &str,
    test: Option<&str>,
    mut window: Window,
    hide_expected: bool,
    drawn: usize,
) -> Result<Value, ApiError> {
    let verdicts = verdict::of_rows(&window);
    let more = window.columns.len() > drawn;
    window.columns.truncate(drawn);
    let uuids = window.columns.iter().copied().collect();
    let known = async {
        match test {
            Some(_) => known::of_suite(service, suite).await,
            None => Ok(Known::default()),
        }
    };
    let (commits, known) = futures_util::try_join!(commits::by_uuid(service, &uuids), known)?;
    let head = |uuid: &u64| {
        let message = commits.get(*uuid).and_then(|commit| commit.message.as_deref()).unwrap_or_default();
        let (subject, seconds) = (message.lines().next().unwrap_or_default(), (*uuid / 100) as i64);
        context! { uuid, name => commits.name(*uuid), subject, time => time::minutes(seconds), seconds }
    };
    let mut days: Vec<(String, usize)> = Vec::new();
    for uuid in &window.columns {
        let day = time::day((uuid / 100) as i64);
        match days.last_mut() {
            Some((last, count)) if *last == day => *count += 1,
            _ => days.push((day, 1)),
        }
    }
    let count = |kind: fn(&Verdict) -> bool| verdicts.iter().filter(|verdict| kind(verdict)).count();
    let failing = count(|verdict| matches!(verdict, Verdict::Failing { .. }));
    let flaky = count(|verdict| matches!(verdict, Verdict::Flaky { .. }));
    let stale = count(|verdict| matches!(verdict, Verdict::Stale));
    let passing = verdicts.len() - failing - flaky - stale;
    let newest = window.columns.first().map(|uuid| uuid / 100);
    let names = Configuration::short_names(window.rows.iter().map(|row| &row.configuration));
    let row = |((row, verdict), short): ((Row, Verdict), String)| {
        let cells: Vec<Value> = row.cells.into_iter().take(drawn).map(|found| cell(found, hide_expected)).collect();
        let json = serde_json::to_string(&row.configuration).unwrap_or_default();
        context! { short, name => row.configuration.name(), query => row.configuration.query(), json, verdict, cells }
    };
    let bugs: Vec<Value> = match test {
        Some(test) => known.of(test, &[]).into_iter().map(known::shown).collect(),
        None => Vec::new(),
    };
    let rows: Vec<Value> = window.rows.into_iter().zip(verdicts).zip(names).map(row).collect();
    let columns: Vec<Value> = window.columns.iter().map(head).collect();
    Ok(context! { suite, test, columns, days, rows, more, failing, flaky, stale, passing, newest, bugs })
}

/// What a template shows of a cell.
fn cell(outcome: Option<Outcome>, hide_expected: bool) -> Value {
    let Some(outcome) = outcome else { return Value::from(()) };
    let (class, symbol) = symbol(if hide_expected { outcome.unexpected } else { outcome.actual });
    let count = outcome.failed.map(|(all, unexpected)| if hide_expected { unexpected } else { all });
    let count = count.filter(|count| *count > 0);
    context! { uuid => outcome.uuid, class, symbol, label => outcome.label, count }
}

/// What the API is asked for the same rows.
fn exported(parameters: &Parameters) -> String {
    parameters.with(&[&["suite", "test", "expected"][..], &SHOWN].concat(), &[])
}

/// The same question with expected failures shown or hidden.
fn toggled(parameters: &Parameters, value: &str, is_set: bool) -> String {
    let added = [("expected", value)];
    parameters.with(&["expected"], if is_set { &[] } else { &added })
}

/// Suites that ran lately on the default branch, sorted.
pub(crate) async fn known_suites_of(service: &Service) -> Result<Vec<String>, ApiError> {
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
