//! `GET /api/bugs`: which bugs explain the failures of which tests.

use answers::bugs::{self, LinkedBug, MAX_LINKS};
use answers::table::schema_of;
use axum::Json;
use axum::extract::{RawQuery, State};
use web::openapi::Operation;

use crate::error::ApiError;
use crate::parameters::Parameters;
use crate::service::Shared;

pub(crate) const BUGS: Operation = Operation::get(
    "/api/bugs",
    "Bugs that explain failures of tests, the newest link first",
    &[&["suite", "test", "limit"]],
    schema_of::<Vec<LinkedBug>>,
);

/// The open links; `test` names a test that is explained, not a pattern.
pub(crate) async fn find(State(service): Shared, RawQuery(query): RawQuery) -> Result<Json<Vec<LinkedBug>>, ApiError> {
    let parameters = Parameters::read(query.as_deref(), BUGS.parameters)?;
    let limit = parameters.limit(MAX_LINKS)?;
    let (suite, test) = (parameters.chosen("suite"), parameters.chosen("test"));
    Ok(Json(bugs::find(&service.store, suite, test, limit).await?))
}
