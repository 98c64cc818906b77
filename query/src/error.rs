//! Errors as the API answers them.

use std::sync::Arc;

use access::Denied;
use answers::AnswerError;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use web::error_body::error_response;

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// The question is wrong, nothing is there, or the store did not answer.
    #[error(transparent)]
    Answer(#[from] AnswerError),
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
    /// As many as can be served are.
    #[error("{0}")]
    Busy(String),
    /// The blob store did not answer, or a blob is gone.
    #[error("{0}")]
    Blob(#[from] schema::blobs::BlobError),
    /// Whoever asks may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// Several requests waited for one answer, and that failed.
    #[error("{0}")]
    Shared(Arc<ApiError>),
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
            Self::Answer(error) => status_of(error),
            Self::Bad(_) => StatusCode::BAD_REQUEST,
            Self::Ambiguous(_) => StatusCode::FORBIDDEN,
            Self::NotFound(_) | Self::Blob(schema::blobs::BlobError::Missing(_)) => StatusCode::NOT_FOUND,
            Self::Gone(_) => StatusCode::GONE,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Busy(_) | Self::Blob(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Denied(denied) => denied.status(),
            Self::Shared(error) => error.status(),
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

fn status_of(error: &AnswerError) -> StatusCode {
    match error {
        AnswerError::Invalid(_) => StatusCode::BAD_REQUEST,
        AnswerError::NotFound(_) | AnswerError::SeveralCommits(_) | AnswerError::UnknownSuite(_) => {
            StatusCode::NOT_FOUND
        }
        AnswerError::TooLarge => StatusCode::UNPROCESSABLE_ENTITY,
        AnswerError::TooLong | AnswerError::Busy | AnswerError::Closed(_) | AnswerError::Store(_) => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        AnswerError::Broken(_) => StatusCode::INTERNAL_SERVER_ERROR,
        AnswerError::Shared(error) => status_of(error),
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

/// The error of a response, for the layers around the handler that failed: a page tells it in HTML, nothing keeps it.
#[derive(Debug, Clone)]
pub(crate) struct Failure(pub(crate) Arc<ApiError>);

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = self.status();
        if status.is_server_error() && !matches!(self, Self::Shared(_)) {
            tracing::error!(error = %self, "a query failed");
        }
        let mut response = error_response(status, &self.to_string());
        response.extensions_mut().insert(Failure(Arc::new(self)));
        response
    }
}
