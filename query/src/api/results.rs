//! `GET /api/results/<suite>[/<test>]`: runs of a suite, results of one test.

use answers::results::{self, SuiteRuns, TestResults};
use answers::table::schema_of;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use web::openapi::Operation;

use crate::error::ApiError;
use crate::layers::format::Rows;
use crate::layers::paths::SuiteAndTest;
use crate::parameters::{CONFIGURATION, POINT, Parameters, RANGE, TIMES, named_by_path, runs};
use crate::service::Shared;

pub(crate) const RUNS_OF_SUITE: Operation = Operation::get(
    "/api/results/{suite}",
    "Runs of a suite, by configuration, oldest first",
    &[&CONFIGURATION, &["recent", "limit", "format"], &POINT, &RANGE, &TIMES],
    schema_of::<SuiteRuns>,
)
.of_reference();

pub(crate) const RESULTS_OF_TEST: Operation = Operation::get(
    "/api/results/{suite}/{test}",
    "Results of one test, by configuration, oldest first",
    RUNS_OF_SUITE.parameters,
    schema_of::<TestResults>,
)
.of_reference();

/// Runs of a suite, or results of a test of it.
pub(crate) async fn find(
    State(service): Shared,
    SuiteAndTest { suite, test }: SuiteAndTest,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let parameters = Parameters::of_beside_path(query.as_deref(), named_by_path(test.is_some()), &RUNS_OF_SUITE)?;
    let filter = runs::filter(&parameters)?;
    Ok(match test {
        None => Rows(results::runs_of_suite(&service.store, &suite, &filter).await?).into_response(),
        Some(test) => Rows(results::results_of_test(&service.store, &suite, &test, &filter).await?).into_response(),
    })
}
