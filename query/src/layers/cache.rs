//! Asks how far the views are, and answers with what was answered before as long as they have not moved
//! ([`crate::kept_answers`]).

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::error::{ApiError, Failure};
use crate::service::Service;

/// Answers with what was answered before, as long as the views have not moved.
pub(crate) async fn keep(State(service): State<Arc<Service>>, request: Request, next: Next) -> Response {
    let watermark = match service.store.watermark.now().await {
        Ok(watermark) => watermark,
        Err(error) => return ApiError::from(error).into_response(),
    };
    let asked = request.uri().path_and_query().map_or_else(String::new, ToString::to_string);
    let asked_headers = request.headers().clone();
    let compute = async {
        let response = next.run(request).await;
        match response.extensions().get::<Failure>() {
            Some(Failure(error)) => Err(ApiError::Shared(Arc::clone(error))),
            None => Ok(response),
        }
    };
    match service.answers.respond(asked, watermark, &asked_headers, compute).await {
        Ok(response) => response,
        Err(error) => error.into_response(),
    }
}

/// Asks how far the views are before a question that is not kept, so that what is remembered of them is as new.
pub(crate) async fn look(State(service): State<Arc<Service>>, request: Request, next: Next) -> Response {
    match service.store.watermark.now().await {
        Ok(_) => next.run(request).await,
        Err(error) => ApiError::from(error).into_response(),
    }
}
