//! How a test is doing now: `GET /api/standing`.

use answers::standing::{self, StandingQuestion, TestStanding};
use answers::table::schema_of;
use axum::Json;
use axum::extract::{RawQuery, State};
use web::openapi::Operation;

use crate::error::{ApiError, bad};
use crate::parameters::lists::NO_SUITE;
use crate::parameters::{CONFIGURATION, Parameters, as_of, runs};
use crate::service::Shared;

pub(crate) const OPERATION: Operation = Operation::get(
    "/api/standing",
    "How a test is doing now on each configuration, and how often it fails there",
    &[&CONFIGURATION, &["suite", "test", "recent", "branch", "as_of"]],
    schema_of::<TestStanding>,
);

/// How a test is doing.
pub(crate) async fn find(State(service): Shared, RawQuery(query): RawQuery) -> Result<Json<TestStanding>, ApiError> {
    let parameters = Parameters::of(query.as_deref(), &OPERATION)?;
    let suite = parameters.chosen("suite").ok_or_else(|| bad(NO_SUITE))?.to_owned();
    let test = parameters.chosen("test").ok_or_else(|| bad("No test specified"))?.to_owned();
    let store = as_of::store(&service.store, &parameters)?;
    let question = StandingQuestion { suite, test, runs: runs::lately(&parameters)? };
    Ok(Json(standing::find(&store, &question).await?))
}
