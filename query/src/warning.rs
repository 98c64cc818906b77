//! What an answer to a pipeline cannot say itself, as a header that the commands print.

use answers::{AnswerError, Store, suites};
use axum::http::{HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};

/// The header.
pub(crate) const WARNING: HeaderName = HeaderName::from_static("resultsdb-warning");
/// The longest warning, characters.
const MAX_WARNING: usize = 1000;

/// A text as the header can say it: a line of plain letters.
pub(crate) fn header(text: &str) -> Option<(HeaderName, HeaderValue)> {
    let plain = |one: char| if one == ' ' || one.is_ascii_graphic() { one } else { '?' };
    let plain: String = text.chars().take(MAX_WARNING).map(plain).collect();
    Some((WARNING, HeaderValue::from_str(&plain).ok()?))
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_warning_is_a_line_of_plain_letters() {
        let said = header("left out: 'a\n\u{e9}'").and_then(|(_, value)| value.to_str().map(str::to_owned).ok());
        assert_eq!(said.as_deref(), Some("left out: 'a??'"));
        assert_eq!(header(&"a".repeat(2 * MAX_WARNING)).map(|(_, value)| value.len()), Some(MAX_WARNING));
    }
}
