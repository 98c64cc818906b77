//! `GET /api/trends`: runs, failures, durations and flakiness of a suite or a test over weeks, with the change points.

use answers::table::schema_of;
use answers::trends::{self, Trends};
use axum::extract::{RawQuery, State};
use web::openapi::Operation;

use crate::error::{ApiError, bad};
use crate::layers::format::Rows;
use crate::parameters::lists::{self, NO_SUITE};
use crate::parameters::{CONFIGURATION, Parameters};
use crate::service::Shared;

pub(crate) const OPERATION: Operation = Operation::get(
    "/api/trends",
    "How a suite, or a test of it, did over weeks, 12 if none are named: runs and failures by day and week, durations and \
     flakiness by week, and change points, as many as limit says; by the start of runs, in UTC",
    &[&CONFIGURATION, &["suite", "test", "weeks", "recent", "branch", "limit", "format"]],
    schema_of::<Trends>,
);

/// How the suite or the test did.
pub(crate) async fn find(State(service): Shared, RawQuery(query): RawQuery) -> Result<Rows<Trends>, ApiError> {
    let parameters = Parameters::of(query.as_deref(), &OPERATION)?;
    let suite = parameters.chosen("suite").ok_or_else(|| bad(NO_SUITE))?;
    let question = lists::trends(&parameters, suite, parameters.chosen("test"))?;
    Ok(Rows(trends::find(&service.store, &question).await?))
}
