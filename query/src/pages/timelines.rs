//! Timelines: of tests, and of suites.

use std::collections::{BTreeMap, VecDeque};

use answers::ask::RunFilter;
use answers::bugs::{self as answers_bugs, BugIndex, Failure};
use answers::quarantine as answers_quarantine;
use answers::renames::{self, OtherNames};
use answers::test_names::{self, SearchKind, TestName};
use answers::timeline::{self, BlameRange, Judgement, Outcome, Row, Standing, TimelineOf, Window};
use answers::{Selection, commit_names, suites};
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use minijinja::{Value, context};
use schema::configuration::Configuration;
use schema::ids::{CommitKey, ConfigId};
use schema::state::State as TestState;

use super::filters::{self, Form};
use super::states::{Look, look};
use super::{bugs, dashboards, quarantine, segments, time};
use crate::error::{ApiError, bad};
use crate::parameters::{CONFIGURATION, POINT, Parameters, RANGE, TIMES, runs};
use crate::service::{Service, Shared};

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

/// Timelines of tests, or what leads to them.
pub(crate) async fn of_tests(State(service): Shared, RawQuery(query): RawQuery) -> Result<Response, ApiError> {
    let store = &service.store;
    let own = ["suite", "test", "recent", "limit", "expected"];
    let known: [&[&str]; 6] = [&CONFIGURATION, &own, &SHOWN, &POINT, &RANGE, &TIMES];
    let parameters = Parameters::read_as_reference(query.as_deref(), &[], &known)?;
    let asked_suites: Vec<&str> = parameters.all("suite").collect();
    let tests: Vec<&str> = parameters.all("test").collect();
    // The form sends its suite with an empty test: that asks for a choice of tests.
    let browsing = asked_suites.len() <= 1 && tests.iter().all(|test| test.is_empty());
    if !browsing && asked_suites.len() != tests.len() {
        return Err(bad("Each test must be paired with a suite"));
    }
    let chosen = asked_suites.first().copied().unwrap_or_default();
    let in_suite: &[&str] = if chosen.is_empty() { &[] } else { &[chosen] };
    let hide_expected = parameters.first("expected") == Some("hide");
    let filter = runs::filter(&parameters)?;
    let selection = Selection::of(store, &filter, COLUMNS).await?;
    let known = suites::of_selection(store, &selection).await?;
    let (mut timelines, mut choices) = (Vec::new(), Vec::new());
    let mut asked: VecDeque<TestName> = VecDeque::new();
    if browsing && !chosen.is_empty() {
        let named = test_names::with_prefixes(store, chosen, &[String::new()], BROWSED).await?;
        choices.extend(named.into_iter().map(|test| TestName { suite: chosen.to_owned(), test }));
    } else if !browsing {
        let pair = |(suite, test): (&&str, &&str)| TestName { suite: (*suite).to_owned(), test: (*test).to_owned() };
        asked.extend(asked_suites.iter().zip(&tests).map(pair));
    }
    while let Some(TestName { suite, test }) = asked.pop_front() {
        let of = TimelineOf { suite: &suite, test: Some(&test) };
        let window = timeline::window(store, of, &selection).await?;
        let is_gone = window.rows.is_empty() && tests.len() == 1 && timelines.is_empty();
        if is_gone && renames::other_names(store, &suite, &test).await?.successor.is_none() {
            let found = test_names::find(store, in_suite, &test, CHOICES).await?;
            if found.kind == SearchKind::List {
                asked.extend(found.tests.into_iter().take(LISTED));
                continue;
            }
            choices = found.tests;
            if !choices.is_empty() {
                continue;
            }
        }
        timelines.push(to_context(&service, of, &filter, window, hide_expected, drawn(&parameters)).await?);
    }
    let test = tests.first().copied().unwrap_or_default();
    let dashboards = if asked_suites.is_empty() {
        dashboards::summary(&service, &Vec::from_iter(known.iter().cloned())).await?
    } else {
        Vec::new()
    };
    let subject = match (tests.as_slice(), chosen) {
        ([test], suite) if !test.is_empty() => format!("{test} in {suite}"),
        ([], "") => "Tests".to_owned(),
        (_, "") => format!("{} tests", tests.len()),
        (_, suite) => suite.to_owned(),
    };
    let values = context! {
        page => "/", filters => filters::of(&parameters, Form::keeping(&[])), carried => filters::all(&parameters),
        subject, dashboards, configured => !service.options.dashboard_queries.is_empty(), known, chosen, test,
        choices, timelines, hide_expected, failures => TestState::failures().map(TestState::name).collect::<Vec<_>>(), toggled => toggled(&parameters, "hide", hide_expected),
        export_query => exported(&parameters), more => more(&parameters), is_open => service.options.door.is_open(),
    };
    service.pages.render(StatusCode::OK, "timeline.html", None, values)
}

/// Timelines of suites.
pub(crate) async fn of_suites(State(service): Shared, RawQuery(query): RawQuery) -> Result<Response, ApiError> {
    let store = &service.store;
    let own = ["suite", "recent", "limit", "expected"];
    let known: [&[&str]; 6] = [&CONFIGURATION, &own, &SHOWN, &POINT, &RANGE, &TIMES];
    let parameters = Parameters::read_as_reference(query.as_deref(), &[], &known)?;
    // Suites always have expected failures; they show on request.
    let hide_expected = parameters.first("expected") != Some("show");
    let filter = runs::filter(&parameters)?;
    let selection = Selection::of(store, &filter, COLUMNS).await?;
    let known = suites::of_selection(store, &selection).await?;
    let asked: Vec<String> = parameters.all("suite").map(str::to_owned).collect();
    let subject = if asked.is_empty() { "Suites".to_owned() } else { asked.join(", ") };
    let shown = if asked.is_empty() { known.iter().cloned().collect() } else { asked };
    let mut timelines = Vec::new();
    for suite in &shown {
        let of = TimelineOf { suite, test: None };
        let window = timeline::window(store, of, &selection).await?;
        timelines.push(to_context(&service, of, &filter, window, hide_expected, drawn(&parameters)).await?);
    }
    let values = context! {
        page => "/suites", filters => filters::of(&parameters, Form::keeping(&[])),
        subject, known, chosen => "", test => "", choices => Vec::<TestName>::new(), timelines, hide_expected,
        toggled => toggled(&parameters, "show", !hide_expected), export_query => exported(&parameters), more => more(&parameters),
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
async fn to_context(
    service: &Service,
    of: TimelineOf<'_>,
    filter: &RunFilter,
    mut window: Window,
    hide_expected: bool,
    drawn: usize,
) -> Result<Value, ApiError> {
    let TimelineOf { suite, test } = of;
    let more = window.columns.len() > drawn;
    window.columns.truncate(drawn);
    let keys = window.columns.iter().copied().collect();
    let known = async {
        match test {
            Some(_) => answers_bugs::of_suite(&service.store, suite).await,
            None => Ok(BugIndex::default()),
        }
    };
    let names = async {
        match test {
            Some(test) => renames::other_names(&service.store, suite, test).await,
            None => Ok(OtherNames::default()),
        }
    };
    let (commits, known, names_of_test, judged) = futures_util::try_join!(
        commit_names::as_tested(&service.store, suite, filter.branch.as_deref(), &keys),
        known,
        names,
        timeline::verdicts(&service.store, of, filter)
    )?;
    let verdicts: Vec<Option<&Judgement>> =
        window.rows.iter().map(|row| judged.get(&ConfigId(row.configuration.id()))).collect();
    let head = |key: &CommitKey| {
        let message = commits.get(*key).and_then(|commit| commit.message.as_deref()).unwrap_or_default();
        let (subject, seconds) = (message.lines().next().unwrap_or_default(), key.time() as i64);
        context! { uuid => key, name => commits.name(*key), subject, time => time::minutes(seconds), seconds }
    };
    let mut days: Vec<(String, usize)> = Vec::new();
    for key in &window.columns {
        let day = time::day(key.time() as i64);
        match days.last_mut() {
            Some((last, count)) if *last == day => *count += 1,
            _ => days.push((day, 1)),
        }
    }
    let kinds: Vec<&str> = verdicts.iter().map(|judged| kind(*judged)).collect();
    let count = |kind: &str| kinds.iter().filter(|one| **one == kind).count();
    let counts: BTreeMap<&str, usize> = KINDS.iter().map(|kind| (*kind, count(kind))).collect();
    let newest = window.columns.first().map(|key| key.time());
    let names = Configuration::short_names(window.rows.iter().map(|row| &row.configuration));
    let changed = names.iter().zip(&verdicts).filter_map(|(name, judged)| Some((name.as_str(), (*judged)?)));
    let strips = segments::to_context(service, suite, filter.branch.as_deref(), changed).await?;
    let row = |((row, judged), short): ((Row, Option<&Judgement>), String)| {
        let cells: Vec<Value> = row.cells.into_iter().take(drawn).map(|found| cell(found, hide_expected)).collect();
        let json = serde_json::to_string(&row.configuration).unwrap_or_default();
        context! { short, name => row.configuration.name(), query => row.configuration.query(), json, verdict => verdict_of(judged), cells }
    };
    let bugs: Vec<Value> = match test {
        Some(test) => {
            let said = answers_bugs::said_lately(&service.store, suite, filter, &known, test).await?;
            let failure = Failure { state: None, message: said.as_deref() };
            known.links_explaining(test, &[], failure).into_iter().map(bugs::to_context).collect()
        }
        None => Vec::new(),
    };
    let parked = match test {
        Some(test) => quarantine::marks(answers_quarantine::of_suite(&service.store, suite).await?.about(test)),
        None => Vec::new(),
    };
    let rows: Vec<Value> = window.rows.into_iter().zip(verdicts).zip(names).map(row).collect();
    let columns: Vec<Value> = window.columns.iter().map(head).collect();
    let OtherNames { former, successor } = names_of_test;
    Ok(context! { suite, test, former, successor, columns, days, rows, more, counts, newest, bugs, parked, strips })
}

/// What a template shows of a cell.
fn cell(outcome: Option<Outcome>, hide_expected: bool) -> Value {
    let Some(outcome) = outcome else { return Value::from(()) };
    let Look { class, symbol } = look(if hide_expected { outcome.unexpected } else { outcome.actual });
    let count = outcome.failed.map(|(all, unexpected)| if hide_expected { unexpected } else { all });
    let count = count.filter(|count| *count > 0);
    context! { uuid => outcome.commit, class, symbol, label => outcome.label, count }
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

/// The kinds of verdicts that a timeline tells apart.
const KINDS: [&str; 6] = ["failing", "flaky", "passing", "expected", "removed", "stale"];

/// The kind of a verdict; a row without one did not run lately.
fn kind(judged: Option<&Judgement>) -> &'static str {
    match judged.map(|judged| judged.standing) {
        Some(Standing::New | Standing::Failing) => "failing",
        Some(Standing::Flaky) => "flaky",
        Some(Standing::Passing | Standing::Fixed | Standing::SurprisingPass) => "passing",
        Some(Standing::Expected) => "expected",
        Some(Standing::Removed) => "removed",
        Some(Standing::NotRunLately) | None => "stale",
    }
}

/// What a template shows of a verdict.
fn verdict_of(judged: Option<&Judgement>) -> Value {
    let kind = kind(judged);
    match judged.map(|judged| (judged.blame, judged.evidence)) {
        Some((Some(BlameRange { first_bad, last_good }), _)) if kind == "failing" => {
            context! { kind, first_bad, last_good }
        }
        Some((_, evidence)) if kind == "flaky" => {
            context! { kind, flips => evidence.flips, both_ways => evidence.both_ways }
        }
        _ => context! { kind },
    }
}
