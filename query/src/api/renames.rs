//! `GET /api/renames`: which tests have new names.

use answers::renames::{self, ListedRename, MAX_RENAMES};
use answers::table::schema_of;
use axum::Json;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use web::openapi::Operation;

use crate::error::ApiError;
use crate::parameters::Parameters;
use crate::service::Shared;
use crate::warning;

pub(crate) const RENAMES: Operation = Operation::get(
    "/api/renames",
    "Tests that have new names, the rename that was said last first",
    &[&["suite", "limit"]],
    schema_of::<Vec<ListedRename>>,
);

/// The open renames.
pub(crate) async fn find(State(service): Shared, RawQuery(query): RawQuery) -> Result<Response, ApiError> {
    let parameters = Parameters::of(query.as_deref(), &RENAMES)?;
    let limit = parameters.limit(MAX_RENAMES)?;
    let suite = parameters.chosen("suite");
    let found = renames::find(&service.store, suite, limit).await?;
    Ok(warning::beside(&service.store, suite, Json(found)).await?)
}
