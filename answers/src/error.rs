//! Why a question has no answer.

use std::sync::Arc;

use clickhouse::error::Error;

use crate::statement_limits::{Excess, excess};

/// Why a question has no answer; each text is a sentence for who asked.
#[derive(Debug, thiserror::Error)]
pub enum AnswerError {
    /// The question is wrong.
    #[error("{0}")]
    Invalid(String),
    /// Nothing is there.
    #[error("{0}")]
    NotFound(String),
    /// One commit is meant, and so many are there: commits of several repositories may have one key.
    #[error("{0} commits found matching the specified criteria")]
    SeveralCommits(usize),
    /// A suite is asked about of which nothing was ever uploaded. An empty list would read as if nothing failed.
    #[error("No suite is called '{0}': nothing was ever uploaded for it; /suites lists those that are known")]
    UnknownSuite(String),
    /// A statement took longer than one may.
    #[error(
        "This question takes longer than the server allows; ask for less of it, such as fewer weeks, one suite or one configuration."
    )]
    TooLong,
    /// A statement needed more memory than one may.
    #[error(
        "This question needs more memory than the server allows; ask for less of it, such as fewer weeks, one suite or one configuration."
    )]
    TooLarge,
    /// The store is short of memory, by whatever it does at the same time.
    #[error("The store is short of memory; try again in a moment.")]
    Busy,
    /// What is asked for is closed; the text says why.
    #[error("SQL is not answered now: {0}.")]
    Closed(String),
    /// The store did not answer.
    #[error("The store is not available, try again: {0}")]
    Store(Error),
    /// A stored document does not read back, or a statement of ours is wrong.
    #[error("{0}")]
    Broken(String),
    /// Several questions waited for one answer, and that failed.
    #[error("{0}")]
    Shared(Arc<AnswerError>),
}

impl From<Error> for AnswerError {
    fn from(error: Error) -> Self {
        match excess(&error) {
            Some(Excess::Time) => Self::TooLong,
            Some(Excess::Memory) => Self::TooLarge,
            Some(Excess::MemoryOfAll) => Self::Busy,
            None => Self::Store(error),
        }
    }
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
