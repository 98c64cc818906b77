//! `GET /api/dead-letters[/<id>[/event]]`: what could not be processed; `GET /api/receipts/<receipt>`: what became of an
//! upload.

use answers::dead_letters::{self, DeadLetter, DeadLetterSummary, LETTERS, ReceiptState};
use answers::table::schema_of;
use axum::Json;
use axum::extract::{Path, RawQuery, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use web::openapi::Operation;

use crate::error::ApiError;
use crate::layers::paths::Rest;
use crate::parameters::Parameters;
use crate::service::{Service, Shared};

pub(crate) const LIST: Operation = Operation::get(
    "/api/dead-letters",
    "Events that could not be processed, newest first",
    &[&["state", "limit"]],
    schema_of::<Vec<DeadLetterSummary>>,
)
.with_lists(&["state"]);

pub(crate) const ONE: Operation = Operation::get(
    "/api/dead-letters/{id}",
    "One of them, with the beginning of its text as far as it can be read",
    &[],
    schema_of::<DeadLetter>,
);

pub(crate) const RECEIPT: Operation = Operation::get(
    "/api/receipts/{receipt}",
    "What became of an upload: queued, applied, dead-lettered or expired",
    &[],
    schema_of::<ReceiptState>,
);

/// The dead letters that a query asks for.
pub(crate) async fn listed(service: &Service, query: Option<&str>) -> Result<Vec<DeadLetterSummary>, ApiError> {
    let parameters = Parameters::of(query, &LIST)?;
    Ok(dead_letters::find(&service.store, &parameters.texts("state"), parameters.limit(LETTERS)?).await?)
}

/// The list.
pub(crate) async fn find(
    State(service): Shared,
    RawQuery(query): RawQuery,
) -> Result<Json<Vec<DeadLetterSummary>>, ApiError> {
    Ok(Json(listed(&service, query.as_deref()).await?))
}

/// One letter.
pub(crate) async fn one(
    State(service): Shared,
    Rest(id): Rest,
    RawQuery(query): RawQuery,
) -> Result<Json<DeadLetter>, ApiError> {
    Parameters::of(query.as_deref(), &ONE)?;
    Ok(Json(dead_letters::one(&service.store, &id).await?))
}

/// The bytes of a letter's event as they stood in the log.
pub(crate) async fn event(
    State(service): Shared,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    Parameters::of(query.as_deref(), &ONE)?;
    let letter = dead_letters::stored(&service.store, &id).await?;
    Ok(([(header::CONTENT_TYPE, "application/octet-stream")], letter.event).into_response())
}

/// What became of an upload.
pub(crate) async fn receipt(
    State(service): Shared,
    Rest(receipt): Rest,
    RawQuery(query): RawQuery,
) -> Result<Json<ReceiptState>, ApiError> {
    Parameters::of(query.as_deref(), &RECEIPT)?;
    Ok(Json(dead_letters::of_receipt(&service.store, &receipt).await?))
}
