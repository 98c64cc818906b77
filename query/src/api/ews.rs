//! Results of changes under review: `/api/results-ews` and the names of their tests.

use answers::ews::{self, EwsQuestion, EwsResults};
use answers::table::schema_of;
use axum::Json;
use axum::extract::{RawQuery, State};
use web::openapi::{Operation, texts};

use crate::error::{ApiError, bad};
use crate::parameters::{CONFIGURATION, Parameters, TIMES, runs};
use crate::service::Shared;

pub(crate) const RESULTS: Operation = Operation::get(
    "/api/results-ews",
    "Results of changes under review",
    &[&CONFIGURATION, &["suite", "tests", "flaky", "recent", "branch", "limit"], &TIMES],
    schema_of::<Vec<EwsResults>>,
)
.of_reference();

pub(crate) const NAMES: Operation = Operation::get(
    "/api/results-ews/tests",
    "Names of tests that have results of changes under review",
    &[&["suite", "prefixes", "flaky", "limit"]],
    texts,
)
.of_reference();

/// Names that are answered if the question names no limit.
const NAMED: u64 = 100;

fn suite_of(parameters: &Parameters) -> Result<&str, ApiError> {
    let suite = parameters.first("suite").filter(|suite| !suite.trim().is_empty());
    suite.ok_or_else(|| bad("No valid test suite specified"))
}

/// Results of some tests.
pub(crate) async fn find(State(service): Shared, RawQuery(query): RawQuery) -> Result<Json<Vec<EwsResults>>, ApiError> {
    let parameters = Parameters::of(query.as_deref(), &RESULTS)?;
    let mut tests = parameters.texts("tests");
    tests.retain(|test| !test.trim().is_empty());
    let started = runs::started(&parameters)?;
    let question = EwsQuestion {
        suite: suite_of(&parameters)?.to_owned(),
        tests,
        flaky: parameters.flag("flaky", false),
        runs: answers::ask::RunFilter { started, ..runs::lately(&parameters)? },
    };
    Ok(Json(ews::find(&service.store, &question).await?))
}

/// Names of tests that have such results.
pub(crate) async fn names(State(service): Shared, RawQuery(query): RawQuery) -> Result<Json<Vec<String>>, ApiError> {
    let parameters = Parameters::of(query.as_deref(), &NAMES)?;
    let suite = suite_of(&parameters)?;
    let limit = parameters.limit(NAMED)?;
    let mut prefixes = parameters.texts("prefixes");
    if prefixes.is_empty() {
        prefixes.push(String::new());
    }
    let flaky = parameters.flag("flaky", false);
    Ok(Json(ews::test_names(&service.store, suite, flaky, &prefixes, limit).await?))
}
