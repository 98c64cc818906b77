//! `GET /api/uploads/recent`: what became of the uploads of the last day.

use answers::recent_uploads::{self, RecentUploads};
use answers::table::schema_of;
use axum::Json;
use axum::extract::{RawQuery, State};
use web::openapi::Operation;

use crate::error::ApiError;
use crate::parameters::Parameters;
use crate::service::Shared;

pub(crate) const OPERATION: Operation = Operation::get(
    "/api/uploads/recent",
    "What became of the uploads of the last 24 hours, as intakes report it each minute: taken, refused, dead, slow, and what was wrong with them",
    &[],
    schema_of::<RecentUploads>,
);

/// What became of them.
pub(crate) async fn find(State(service): Shared, RawQuery(query): RawQuery) -> Result<Json<RecentUploads>, ApiError> {
    Parameters::of(query.as_deref(), &OPERATION)?;
    Ok(Json(recent_uploads::find(&service.store).await?))
}
