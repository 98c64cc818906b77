//! `GET /api/search`: tests by a part of their name, by a pattern, or by a list that was pasted.
//!
//! Reads names, of which there are as many as tests, and no history.

use axum::Json;
use axum::response::{IntoResponse, Response};
use clickhouse::Row;
use serde::{Deserialize, Serialize};
use serde_json::json;
use web::openapi::{Operation, list_of, object, text};

use crate::error::ApiError;
use crate::parameters::Parameters;
use crate::routes::Service;

/// Names answered if the question names no limit.
const LIMIT: u64 = 20;
/// Names of a pasted list that are looked up.
const LISTED: usize = 200;
/// Seconds after which a test that was not uploaded comes behind those that were.
const LATELY: u64 = 14 * 86_400;

/// What it offers.
pub(crate) const OPERATION: Operation = Operation::get(
    "/api/search",
    "Tests whose name holds a text, or matches a pattern with * and ?, or is in a pasted list",
    &[&["q", "suite", "limit"]],
    || {
        let test = object(&[("suite", text()), ("test", text())]);
        object(&[("kind", json!({ "enum": ["text", "pattern", "list"] })), ("tests", list_of(test))])
    },
);

/// What a text asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// Names that hold it.
    Text,
    /// Names that it describes.
    Pattern,
    /// Names that it lists.
    List,
}

/// Which tests were found.
#[derive(Debug, Serialize)]
pub(crate) struct Found {
    pub(crate) kind: Kind,
    pub(crate) tests: Vec<TestFound>,
}

/// A test of a suite.
#[derive(Debug, Clone, PartialEq, Eq, Row, Serialize, Deserialize)]
pub(crate) struct TestFound {
    pub(crate) suite: String,
    pub(crate) test: String,
}

/// Tests by `q`, in one suite or in all.
pub(crate) async fn endpoint(service: &Service, query: Option<&str>) -> Result<Response, ApiError> {
    let parameters = Parameters::read(query, OPERATION.parameters)?;
    let suites: Vec<&str> = parameters.all("suite").filter(|suite| !suite.is_empty()).collect();
    let text = parameters.first("q").unwrap_or_default();
    Ok(Json(find(service, &suites, text, parameters.limit(LIMIT)?).await?).into_response())
}

/// At most `limit` tests of the suites (of all if none is named): those that ran lately first, then those whose name
/// starts with the text, then the shortest. A text that no name holds may be a list of names, in whose order they come.
pub(crate) async fn find(service: &Service, suites: &[&str], text: &str, limit: u64) -> Result<Found, ApiError> {
    let text = text.trim();
    let kind = if text.contains(['*', '?']) { Kind::Pattern } else { Kind::Text };
    let condition = match kind {
        Kind::Pattern => "test ILIKE ?",
        Kind::Text | Kind::List => "positionCaseInsensitiveUTF8(test, ?) > 0",
    };
    let asked = if kind == Kind::Pattern { pattern(text) } else { text.to_owned() };
    let sql = format!(
        "SELECT suite, test FROM tests WHERE {condition}{} \
         ORDER BY last_upload < toUnixTimestamp(now()) - {LATELY}, startsWith(lowerUTF8(test), lowerUTF8(?)) DESC, length(test), test, suite LIMIT ?",
        in_suites(suites)
    );
    let mut query = service.client.query(&sql).bind(asked);
    if !suites.is_empty() {
        query = query.bind(suites);
    }
    let tests: Vec<TestFound> = query.bind(text).bind(limit).fetch_all().await?;
    let names = listed(text);
    if tests.is_empty() && names.len() > 1 {
        return Ok(Found { kind: Kind::List, tests: in_list(service, suites, &names, limit).await? });
    }
    Ok(Found { kind, tests })
}

async fn in_list(service: &Service, suites: &[&str], names: &[&str], limit: u64) -> Result<Vec<TestFound>, ApiError> {
    let sql = format!("SELECT suite, test FROM tests WHERE test IN ?{} ORDER BY suite LIMIT ?", in_suites(suites));
    let mut query = service.client.query(&sql).bind(names);
    if !suites.is_empty() {
        query = query.bind(suites);
    }
    let mut tests: Vec<TestFound> = query.bind(limit).fetch_all().await?;
    tests.sort_by_key(|found| names.iter().position(|name| *name == found.test));
    Ok(tests)
}

fn in_suites(suites: &[&str]) -> &'static str {
    if suites.is_empty() { "" } else { " AND suite IN ?" }
}

/// `*` stands for any characters, `?` for one, everything else for itself.
fn pattern(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        match character {
            '*' => pattern.push('%'),
            '?' => pattern.push('_'),
            '%' | '_' | '\\' => pattern.extend(['\\', character]),
            _ => pattern.push(character),
        }
    }
    pattern
}

/// The names in a text, each once; groups in brackets, as files of expectations have them, are none.
fn listed(text: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let mut depth = 0_usize;
    for word in text.split_whitespace() {
        if word.starts_with('[') {
            depth += 1;
        }
        if depth == 0 && !names.contains(&word) && names.len() < LISTED {
            names.push(word);
        }
        if word.ends_with(']') {
            depth = depth.saturating_sub(1);
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_expectations_are_lists_of_names() {
        let lines = "webkit.org/b/1 [ Debug arm64 ] fast/a.html [ Failure Pass ]\nfast/b.html [ Crash ]\nfast/a.html";
        assert_eq!(listed(lines), ["webkit.org/b/1", "fast/a.html", "fast/b.html"]);
        assert_eq!(listed("] a ["), ["]", "a"]);
    }

    #[test]
    fn only_stars_and_question_marks_stand_for_others() {
        assert_eq!(pattern("fast/*-10%_?.html"), r"fast/%-10\%\__.html");
        assert_eq!(pattern(r"\"), r"\\");
    }
}
