//! What is said beside answers about a suite of which nothing is known.

use answers::{AnswerError, Store, suites};
use axum::response::{IntoResponse, Response};
use web::warning::header;

/// What is said beside an answer about a suite of which nothing is known. The pipeline of a new suite asks for its list and its plan
/// before its first run, and an error would keep that from coming.
///
/// # Errors
/// The store does not answer.
pub(crate) async fn of_suite(store: &Store, suite: &str) -> Result<Option<String>, AnswerError> {
    match suites::expect(store, suite).await {
        Err(unknown @ AnswerError::UnknownSuite(_)) => Ok(Some(unknown.to_string())),
        other => other.map(|()| None),
    }
}

/// An answer about a suite, and what is said beside it where nothing is known of that: what people said of a suite, and verdicts,
/// may come before its first run.
///
/// # Errors
/// The store does not answer.
pub(crate) async fn beside(
    store: &Store,
    suite: Option<&str>,
    answer: impl IntoResponse,
) -> Result<Response, AnswerError> {
    let unknown = match suite {
        Some(suite) => of_suite(store, suite).await?,
        None => None,
    };
    let mut response = answer.into_response();
    response.headers_mut().extend(unknown.as_deref().and_then(header));
    Ok(response)
}
