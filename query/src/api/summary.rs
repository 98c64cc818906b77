//! How a test did lately, in percent: `GET /api/results-summary/<suite>/<test>`.

use answers::summary::{self, Summary, SummaryQuestion};
use answers::table::schema_of;
use axum::Json;
use axum::extract::{RawQuery, State};
use web::openapi::Operation;

use crate::error::ApiError;
use crate::layers::paths::SuiteAndTest;
use crate::parameters::{CONFIGURATION, POINT, Parameters, runs};
use crate::service::Shared;

pub(crate) const OPERATION: Operation = Operation::get(
    "/api/results-summary/{suite}/{test}",
    "How a test did lately, in percent; newer commits weigh more",
    &[&CONFIGURATION, &["recent", "limit", "include_expectations"], &POINT],
    schema_of::<Summary>,
)
.of_reference();

/// How a test did lately.
pub(crate) async fn find(
    State(service): Shared,
    SuiteAndTest { suite, test }: SuiteAndTest,
    RawQuery(query): RawQuery,
) -> Result<Json<Summary>, ApiError> {
    let test = test.unwrap_or_default();
    let parameters = Parameters::of_beside_path(query.as_deref(), &["suite", "test"], &OPERATION)?;
    let by_expectation = parameters.flag("include_expectations", false);
    let question = SummaryQuestion { suite, test, runs: runs::filter(&parameters)?, by_expectation };
    Ok(Json(summary::find(&service.store, &question).await?))
}
