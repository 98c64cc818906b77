//! Headers that keep a browser from doing with an answer what its page does not mean.

use axum::http::{HeaderValue, header};
use axum::response::Response;

/// Adds to every answer that its type is as it says, and that other sites are not told which page led to them.
///
/// Forms of the site itself still say where they come from, which `same_site` relies on.
pub async fn protect(mut answer: Response) -> Response {
    let headers = answer.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    answer
}
