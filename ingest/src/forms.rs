//! What the forms of our own pages need beside what programs do: that no other site's page posts them, and a page as answer.

use axum::Json;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Redirect, Response};
use serde_json::Value;

use crate::error::{IntakeError, bad};

/// A page of another site must not act in the name of whoever reads it; browsers say where a request comes from, and
/// others need not.
pub(crate) fn from_own_page(headers: &HeaderMap) -> Result<(), IntakeError> {
    match headers.get("sec-fetch-site").map(HeaderValue::as_bytes) {
        None | Some(b"same-origin" | b"none") => Ok(()),
        Some(_) => Err(bad("A page of another site asked for this; open the page here and do it there")),
    }
}

/// Leads a browser to a page; tells programs.
pub(crate) fn answered(headers: &HeaderMap, page: &str, answer: Value) -> Response {
    let accepted = headers.get(header::ACCEPT).and_then(|kinds| kinds.to_str().ok());
    if accepted.is_some_and(|kinds| kinds.contains("text/html")) {
        Redirect::to(page).into_response()
    } else {
        Json(answer).into_response()
    }
}
