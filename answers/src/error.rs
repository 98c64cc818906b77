//! Why a question has no answer.

use std::sync::Arc;

/// Why a question has no answer; each text is a sentence for who asked.
#[derive(Debug, thiserror::Error)]
pub enum AnswerError {
    /// The question is wrong.
    #[error("{0}")]
    Invalid(String),
    /// Nothing is there.
    #[error("{0}")]
    NotFound(String),
    /// The store did not answer.
    #[error("The store is not available, try again: {0}")]
    Store(#[from] clickhouse::error::Error),
    /// A stored document does not read back, or a statement of ours is wrong.
    #[error("{0}")]
    Broken(String),
    /// Several questions waited for one answer, and that failed.
    #[error("{0}")]
    Shared(Arc<AnswerError>),
}

/// The question is wrong in this way.
pub fn invalid(text: impl Into<String>) -> AnswerError {
    AnswerError::Invalid(text.into())
}

/// Nothing is there; the text says what.
pub fn not_found(text: impl Into<String>) -> AnswerError {
    AnswerError::NotFound(text.into())
}

/// A stored document does not read back.
pub fn broken(error: impl std::fmt::Display) -> AnswerError {
    AnswerError::Broken(error.to_string())
}
