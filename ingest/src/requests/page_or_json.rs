//! Answers a form of our own pages with a page, and a program with JSON.

use axum::Json;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Redirect, Response};
use serde_json::Value;

/// Leads a browser, which accepts HTML, to `page`; answers a program with `answer`.
pub(super) fn page_or_json(headers: &HeaderMap, page: &str, answer: Value) -> Response {
    if accepts_page(headers) { Redirect::to(page).into_response() } else { Json(answer).into_response() }
}

/// Whether a browser asks, which accepts HTML.
pub(super) fn accepts_page(headers: &HeaderMap) -> bool {
    let accepted = headers.get(header::ACCEPT).and_then(|kinds| kinds.to_str().ok());
    accepted.is_some_and(|kinds| kinds.contains("text/html"))
}
