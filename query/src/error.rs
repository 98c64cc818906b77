//! Errors as the API answers them.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// The question is wrong.
    #[error("{0}")]
    Bad(String),
    /// It has more than one answer.
    #[error("{0}")]
    Ambiguous(String),
    /// Nothing is there.
    #[error("{0}")]
    NotFound(String),
    /// It exists, but not in this form.
    #[error("{0}")]
    Gone(String),
    /// The path exists, the method does not.
    #[error("The method is not allowed for the requested URL.")]
    Method,
    /// The store did not answer.
    #[error("The store is not available, try again: {0}")]
    Store(#[from] clickhouse::error::Error),
    /// As many as can be served are.
    #[error("{0}")]
    Busy(String),
    /// The blob store did not answer, or a blob is gone.
    #[error("{0}")]
    Blob(#[from] schema::blobs::BlobError),
    /// Several requests waited for one answer, and that failed.
    #[error("{0}")]
    Shared(std::sync::Arc<ApiError>),
    /// A template or a stored document is broken.
    #[error("{0}")]
    Internal(String),
}

impl ApiError {
    /// The answer to a path that does not exist.
    pub fn unknown_path() -> Self {
        Self::NotFound(
            "The requested URL was not found on the server. If you entered the URL manually please check your \
             spelling and try again."
                .to_owned(),
        )
    }

    /// The status it is answered with.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Bad(_) => StatusCode::BAD_REQUEST,
            Self::Ambiguous(_) => StatusCode::FORBIDDEN,
            Self::NotFound(_) | Self::Blob(schema::blobs::BlobError::Missing(_)) => StatusCode::NOT_FOUND,
            Self::Gone(_) => StatusCode::GONE,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Store(_) | Self::Busy(_) | Self::Blob(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Shared(error) => error.status(),
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

/// A 400 with this text.
pub(crate) fn bad(text: impl Into<String>) -> ApiError {
    ApiError::Bad(text.into())
}

/// A 404 with this text.
pub(crate) fn not_found(text: impl Into<String>) -> ApiError {
    ApiError::NotFound(text.into())
}

/// A stored document does not read back.
pub(crate) fn broken(error: impl std::fmt::Display) -> ApiError {
    ApiError::Internal(error.to_string())
}

impl From<minijinja::Error> for ApiError {
    fn from(error: minijinja::Error) -> Self {
        broken(error)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = self.status();
        if status.is_server_error() {
            tracing::error!(error = %self, "a query failed");
        }
        let body = serde_json::json!({
            "status": "error",
            "error": status.canonical_reason().unwrap_or_default(),
            "description": self.to_string(),
        });
        (status, Json(body)).into_response()
    }
}
