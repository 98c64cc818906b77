//! Answers a form of our own pages with a page, and a program with JSON.

use axum::Json;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use minijinja::HtmlEscape;
use serde_json::Value;
use web::warning;

/// Leads a browser, which accepts HTML, to `page`; answers a program with `answer`.
pub(super) fn page_or_json(headers: &HeaderMap, page: &str, answer: Value) -> Response {
    if accepts_page(headers) { Redirect::to(page).into_response() } else { Json(answer).into_response() }
}

/// The same of what was kept although it is odd: a browser shows why, and the way to `page`.
pub(super) fn page_or_json_warning(headers: &HeaderMap, page: &str, mut answer: Value, warning: &str) -> Response {
    let mut response = match accepts_page(headers) {
        true => {
            let mut shown = include_str!("kept.html").to_owned();
            // The page comes first: no text of a sender is in it before it is looked for.
            for (place, text) in [("{page}", page), ("{warning}", warning)] {
                shown = shown.replace(place, &HtmlEscape(text).to_string());
            }
            plain_page(shown)
        }
        false => {
            answer["warning"] = warning.into();
            Json(answer).into_response()
        }
    };
    response.headers_mut().extend(warning::header(warning));
    response
}

/// A page of the intake's own, which loads its style and nothing else.
pub(super) fn plain_page(page: String) -> Response {
    let policy =
        HeaderValue::from_static("default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'");
    ([(HeaderName::from_static("content-security-policy"), policy)], Html(page)).into_response()
}

/// Whether a browser asks, which accepts HTML.
pub(super) fn accepts_page(headers: &HeaderMap) -> bool {
    let accepted = headers.get(header::ACCEPT).and_then(|kinds| kinds.to_str().ok());
    accepted.is_some_and(|kinds| kinds.contains("text/html"))
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;
    use serde_json::json;

    use super::*;

    #[tokio::test]
    async fn a_browser_is_shown_a_warning_as_text() {
        let headers =
            |accepts: &'static str| HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static(accepts))]);
        let told = async |accepts| {
            let warning = "nothing ran as '<b>{page}'";
            let response = page_or_json_warning(&headers(accepts), "/a?b=1&c=%3C", json!({ "status": "ok" }), warning);
            assert_eq!(response.headers()[warning::WARNING], warning);
            let body = to_bytes(response.into_body(), usize::MAX).await.unwrap_or_default();
            String::from_utf8_lossy(&body).into_owned()
        };
        let page = told("text/html").await;
        assert!(page.contains("<p class=\"warning\">nothing ran as &#x27;&lt;b&gt;{page}&#x27;.</p>"), "{page}");
        assert!(page.contains("<a href=\"&#x2f;a?b=1&amp;c=%3C\">"), "{page}");
        let answer = json!({ "status": "ok", "warning": "nothing ran as '<b>{page}'" });
        assert_eq!(told("application/json").await, answer.to_string());
    }
}
