//! `GET /api/bugs`: which bugs explain the failures of which tests.

use answers::bugs::{self, LinkedBug, MAX_LINKS};
use answers::table::schema_of;
use axum::Json;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use web::openapi::Operation;

use crate::error::ApiError;
use crate::parameters::Parameters;
use crate::service::Shared;
use crate::warning;

pub(crate) const BUGS: Operation = Operation::get(
    "/api/bugs",
    "Bugs that explain failures of tests, the newest link first",
    &[&["suite", "test", "limit"]],
    schema_of::<Vec<LinkedBug>>,
);

/// The open links; `test` names a test that is explained, not a pattern.
pub(crate) async fn find(State(service): Shared, RawQuery(query): RawQuery) -> Result<Response, ApiError> {
    let parameters = Parameters::of(query.as_deref(), &BUGS)?;
    let limit = parameters.limit(MAX_LINKS)?;
    let (suite, test) = (parameters.chosen("suite"), parameters.chosen("test"));
    let found = bugs::find(&service.store, suite, test, limit).await?;
    Ok(warning::beside(&service.store, suite, Json(found)).await?)
}
