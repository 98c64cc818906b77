//! Tests that failed: `GET /api/failures/<suite>`.

use answers::failures::{self, Failures};
use answers::table::schema_of;
use axum::extract::{RawQuery, State};
use web::openapi::Operation;

use crate::error::ApiError;
use crate::layers::format::Rows;
use crate::layers::paths::Suite;
use crate::parameters::{CONFIGURATION, POINT, Parameters, RANGE, TIMES, lists};
use crate::service::Shared;

pub(crate) const OPERATION: Operation = Operation::get(
    "/api/failures/{suite}",
    "Tests that failed: their names, or run by run",
    &[&CONFIGURATION, &["recent", "limit", "unexpected", "collapsed", "format"], &POINT, &RANGE, &TIMES],
    schema_of::<Failures>,
)
.of_reference();

/// The tests that failed.
pub(crate) async fn find(
    State(service): Shared,
    Suite(suite): Suite,
    RawQuery(query): RawQuery,
) -> Result<Rows<Failures>, ApiError> {
    let parameters = Parameters::of_beside_path(query.as_deref(), &["suite"], &OPERATION)?;
    Ok(Rows(failures::find(&service.store, &lists::failures(&parameters, &suite)?).await?))
}
