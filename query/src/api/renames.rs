//! `GET /api/renames`: which tests have new names.

use answers::renames::{self, ListedRename, MAX_RENAMES};
use answers::table::schema_of;
use axum::Json;
use axum::extract::{RawQuery, State};
use web::openapi::Operation;

use crate::error::ApiError;
use crate::parameters::Parameters;
use crate::service::Shared;

pub(crate) const RENAMES: Operation = Operation::get(
    "/api/renames",
    "Tests that have new names, the rename that was said last first",
    &[&["suite", "limit"]],
    schema_of::<Vec<ListedRename>>,
);

/// The open renames.
pub(crate) async fn find(
    State(service): Shared,
    RawQuery(query): RawQuery,
) -> Result<Json<Vec<ListedRename>>, ApiError> {
    let parameters = Parameters::read(query.as_deref(), RENAMES.parameters)?;
    let limit = parameters.limit(MAX_RENAMES)?;
    Ok(Json(renames::find(&service.store, parameters.chosen("suite"), limit).await?))
}
