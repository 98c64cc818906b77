//! What is said of single tests, or of lists of them: triage, flaky tests, failures, summaries, comparisons, names.

use answers::compare::{self, Comparison};
use answers::failures::{self, Failures};
use answers::flaky::{self, FlakyTests};
use answers::summary::{self, Summary, SummaryQuestion};
use answers::table::schema_of;
use answers::test_names::{self, TestSearch};
use answers::triage::{self, Triage};
use axum::Json;
use axum::extract::{RawQuery, State};
use web::openapi::{Operation, texts};

use crate::error::{ApiError, bad};
use crate::layers::format::Rows;
use crate::layers::paths::{Rest, Suite, SuiteAndTest};
use crate::parameters::lists::{self, NO_SUITE};
use crate::parameters::{CONFIGURATION, POINT, Parameters, RANGE, TIMES, name, runs};
use crate::service::Shared;

pub(crate) const TRIAGE: Operation = Operation::get(
    "/api/triage",
    "Tests that began to fail, still fail, were fixed or are flaky, by impact",
    &[&CONFIGURATION, &["suite", "days", "group", "q", "recent", "branch", "limit", "format"]],
    schema_of::<Triage>,
);

/// What broke lately, what still fails, what was fixed, what is flaky.
pub(crate) async fn triage(State(service): Shared, RawQuery(query): RawQuery) -> Result<Rows<Triage>, ApiError> {
    let parameters = Parameters::read(query.as_deref(), TRIAGE.parameters)?;
    let suite = parameters.first("suite").ok_or_else(|| bad(NO_SUITE))?;
    let question = lists::triage(&parameters, suite, &service.store.clock)?;
    Ok(Rows(triage::find(&service.store, &question).await?))
}

pub(crate) const FLAKY: Operation = Operation::get(
    "/api/flaky",
    "Tests ranked by how unreliable they were",
    &[&CONFIGURATION, &["suite", "weeks", "q", "recent", "branch", "limit", "format"]],
    schema_of::<FlakyTests>,
);

/// The most unreliable tests.
pub(crate) async fn flaky(State(service): Shared, RawQuery(query): RawQuery) -> Result<Rows<FlakyTests>, ApiError> {
    let parameters = Parameters::read(query.as_deref(), FLAKY.parameters)?;
    let suite = parameters.chosen("suite").ok_or_else(|| bad(NO_SUITE))?;
    let question = lists::flaky(&parameters, suite, &service.store.clock)?;
    Ok(Rows(flaky::find(&service.store, &question).await?))
}

pub(crate) const FAILURES: Operation = Operation::get(
    "/api/failures/{suite}",
    "Tests that failed: their names, or run by run",
    &[&CONFIGURATION, &["recent", "limit", "unexpected", "collapsed", "format"], &POINT, &RANGE, &TIMES],
    schema_of::<Failures>,
);

/// The tests that failed.
pub(crate) async fn failures(
    State(service): Shared,
    Suite(suite): Suite,
    RawQuery(query): RawQuery,
) -> Result<Rows<Failures>, ApiError> {
    let parameters = Parameters::read_beside_path(query.as_deref(), &["suite"], FAILURES.parameters)?;
    Ok(Rows(failures::find(&service.store, &lists::failures(&parameters, &suite)?).await?))
}

pub(crate) const SUMMARY: Operation = Operation::get(
    "/api/results-summary/{suite}/{test}",
    "How a test did lately, in percent; newer commits weigh more",
    &[&CONFIGURATION, &["recent", "limit", "include_expectations"], &POINT],
    schema_of::<Summary>,
);

/// How a test did lately.
pub(crate) async fn summary(
    State(service): Shared,
    SuiteAndTest { suite, test }: SuiteAndTest,
    RawQuery(query): RawQuery,
) -> Result<Json<Summary>, ApiError> {
    let test = test.unwrap_or_default();
    let parameters = Parameters::read_beside_path(query.as_deref(), &["suite", "test"], SUMMARY.parameters)?;
    let by_expectation = parameters.flag("include_expectations", false);
    let question = SummaryQuestion { suite, test, runs: runs::filter(&parameters)?, by_expectation };
    Ok(Json(summary::find(&service.store, &question).await?))
}

pub(crate) const COMPARE: Operation = Operation::get(
    "/api/compare",
    "What changed for a suite between two commits: failures, and for one configuration also what ran and how long it took",
    &[
        &CONFIGURATION,
        &["suite", "before", "after", "unexpected", "recent", "branch", "before_branch", "limit", "format"],
    ],
    schema_of::<Comparison>,
);

/// What changed between two commits.
pub(crate) async fn compare(State(service): Shared, RawQuery(query): RawQuery) -> Result<Rows<Comparison>, ApiError> {
    let parameters = Parameters::read(query.as_deref(), COMPARE.parameters)?;
    let suite = parameters.first("suite").ok_or_else(|| bad(NO_SUITE))?;
    Ok(Rows(compare::find(&service.store, &lists::compare(&parameters, suite)?).await?))
}

pub(crate) const SEARCH: Operation = Operation::get(
    "/api/search",
    "Tests whose name holds a text, or matches a pattern with * and ?, or is in a pasted list",
    &[&["q", "suite", "limit"]],
    schema_of::<TestSearch>,
);
/// Tests that a search answers if it names no limit.
const SEARCHED: u64 = 20;

/// Tests by a part of their name, a pattern or a list.
pub(crate) async fn search(State(service): Shared, RawQuery(query): RawQuery) -> Result<Json<TestSearch>, ApiError> {
    let parameters = Parameters::read(query.as_deref(), SEARCH.parameters)?;
    let suites: Vec<&str> = parameters.all("suite").filter(|suite| !suite.is_empty()).collect();
    let text = parameters.first("q").unwrap_or_default();
    Ok(Json(test_names::find(&service.store, &suites, text, parameters.limit(SEARCHED)?).await?))
}

pub(crate) const NAMES: Operation =
    Operation::get("/api/{suite}/tests", "Names of a suite's tests, by prefix", &[&["test", "limit"]], texts);
/// Names that are answered if the question names no limit.
const NAMED: u64 = 1000;

/// Names of a suite's tests: every path below `/api` that ends in `/tests` and is nothing else.
pub(crate) async fn names(
    State(service): Shared,
    Rest(rest): Rest,
    RawQuery(query): RawQuery,
) -> Result<Json<Vec<String>>, ApiError> {
    let suite = rest.strip_suffix("/tests").filter(|suite| !suite.is_empty()).ok_or_else(ApiError::unknown_path)?;
    let parameters = Parameters::read_beside_path(query.as_deref(), &["suite"], NAMES.parameters)?;
    let mut prefixes: Vec<String> = parameters.all("test").map(name).collect();
    if prefixes.is_empty() {
        prefixes.push(String::new());
    }
    let limit = parameters.limit(NAMED)?;
    Ok(Json(test_names::with_prefixes(&service.store, &name(suite), &prefixes, limit).await?))
}
