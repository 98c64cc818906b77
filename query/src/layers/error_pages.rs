//! Errors of pages as pages.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;

use crate::error::Failure;
use crate::pages;
use crate::service::Service;

/// Puts a page in the place of the JSON of an error.
pub(crate) async fn show(State(service): State<Arc<Service>>, request: Request, next: Next) -> Response {
    let (path, query) = (request.uri().path().to_owned(), request.uri().query().map(str::to_owned));
    let response = next.run(request).await;
    match response.extensions().get::<Failure>() {
        Some(Failure(error)) => pages::error_page(&service, &Arc::clone(error), &path, query.as_deref()).await,
        None => response,
    }
}
