//! `GET /api/suites`: which suites each configuration runs.

use answers::suites;
use answers::table::schema_of;
use axum::Json;
use axum::extract::{RawQuery, State};
use schema::configuration::Configuration;
use web::openapi::Operation;

use crate::error::ApiError;
use crate::parameters::{CONFIGURATION, Parameters, runs};
use crate::service::Shared;

pub(crate) const SUITES: Operation = Operation::get(
    "/api/suites",
    "Which suites each configuration runs",
    &[&CONFIGURATION, &["suite", "recent", "branch"]],
    schema_of::<Vec<(Configuration, Vec<String>)>>,
)
.of_reference();

/// The suites of each configuration.
pub(crate) async fn find(
    State(service): Shared,
    RawQuery(query): RawQuery,
) -> Result<Json<Vec<(Configuration, Vec<String>)>>, ApiError> {
    let parameters = Parameters::of(query.as_deref(), &SUITES)?;
    let found = suites::find(&service.store, &runs::lately(&parameters)?, &parameters.texts("suite")).await?;
    Ok(Json(found))
}
