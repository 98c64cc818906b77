//! Errors of pages as pages.

use std::sync::Arc;

use access::Denied;
use axum::extract::{Request, State};
use axum::http::header;
use axum::middleware::Next;
use axum::response::Response;

use crate::error::Failure;
use crate::layers::paths::redirect;
use crate::pages;
use crate::service::Service;

/// Puts a page in the place of the JSON of an error.
pub(crate) async fn show(State(service): State<Arc<Service>>, request: Request, next: Next) -> Response {
    let (path, query) = (request.uri().path().to_owned(), request.uri().query().map(str::to_owned));
    let response = next.run(request).await;
    if let Some(denied) = response.extensions().get::<Denied>().cloned() {
        return denied_page(&service, denied, response, &path, query.as_deref()).await;
    }
    match response.extensions().get::<Failure>() {
        Some(Failure(error)) => pages::error_page(&service, &Arc::clone(error), &path, query.as_deref()).await,
        None => response,
    }
}

/// Leads whoever did not say who they are to where they can; others are told.
async fn denied_page(
    service: &Service,
    denied: Denied,
    response: Response,
    path: &str,
    query: Option<&str>,
) -> Response {
    // Programs read feeds and browsers badges, in whose place no page can stand.
    if path.ends_with(".atom") || path.starts_with("/badge/") {
        return response;
    }
    if denied != Denied::NoKey {
        let mut page = pages::error_page(service, &denied.into(), path, query).await;
        for name in [header::WWW_AUTHENTICATE, header::RETRY_AFTER] {
            if let Some(value) = response.headers().get(&name) {
                page.headers_mut().insert(name, value.clone());
            }
        }
        return page;
    }
    let to = query.map_or_else(|| path.to_owned(), |query| format!("{path}?{query}"));
    let to: String = form_urlencoded::byte_serialize(to.as_bytes()).collect();
    redirect(&format!("/sign-in?to={to}"))
}
