//! What a sender is told when its request is not taken.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use web::blocking::BlockingError;
use web::error_body::error_response;
use web::same_site::CrossSiteRequest;

/// A refused request.
#[derive(Debug, thiserror::Error)]
pub enum IntakeError {
    /// The request is wrong; the text says where.
    #[error("{0}")]
    Bad(String),
    /// What it names does not exist.
    #[error("{0}")]
    NotFound(String),
    /// It contradicts what the same sender said before.
    #[error("{0}")]
    Conflict(String),
    /// The body is over the limit.
    #[error("The body is larger than {} MiB", crate::MAX_BODY_BYTES >> 20)]
    TooLarge,
    /// The log or the store is away; nothing was taken.
    #[error("{0}")]
    Unavailable(String),
}

/// A 400 with this text.
pub(crate) fn bad(text: impl Into<String>) -> IntakeError {
    IntakeError::Bad(text.into())
}

impl From<BlockingError> for IntakeError {
    fn from(error: BlockingError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

impl From<CrossSiteRequest> for IntakeError {
    fn from(error: CrossSiteRequest) -> Self {
        Self::Bad(error.to_string())
    }
}

impl IntoResponse for IntakeError {
    fn into_response(self) -> Response {
        let status = match self {
            Self::Bad(_) => StatusCode::BAD_REQUEST,
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::Conflict(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
        };
        metrics::counter!("resultsdb_refused_requests_total", "status" => status.as_str().to_owned()).increment(1);
        let mut response = error_response(status, &self.to_string());
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, header::HeaderValue::from_static("5"));
        }
        response
    }
}
