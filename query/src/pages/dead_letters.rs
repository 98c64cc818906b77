//! What was taken in and could not be processed.

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use minijinja::{Value, context};

use super::time::minutes;
use crate::api::dead_letters::listed;
use crate::error::ApiError;
use crate::service::Shared;

/// The page.
pub(crate) async fn page(State(service): Shared, RawQuery(query): RawQuery) -> Result<Response, ApiError> {
    let letters = listed(&service, query.as_deref()).await?;
    let row = |letter: &answers::dead_letters::DeadLetterSummary| {
        context! {
            id => letter.id, cause => letter.cause, state => letter.state, size => letter.size,
            time => minutes(i64::from(letter.found_at)), waits => letter.state == "waiting",
        }
    };
    let rows: Vec<Value> = letters.iter().map(row).collect();
    let values = context! { page => "/dead-letters", rows };
    service.pages.render(StatusCode::OK, "dead_letters.html", Some("Dead letters"), values)
}
