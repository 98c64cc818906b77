//! Reads an upload's document: the checks of the wire contract, in its order.
//!
//! The document is scanned once as a whole and twice in its results; nothing of it is copied but the small members.

use schema::commit::CommitInput;
use schema::configuration::Configuration;
use schema::results::{self, ResultsError};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::error::{IntakeError, bad};

/// An upload whose commits may still be references; borrows from the body.
#[derive(Debug)]
pub(crate) struct Upload<'a> {
    pub(crate) suite: String,
    pub(crate) configuration: Configuration,
    pub(crate) commits: Vec<CommitInput>,
    pub(crate) timestamp: Option<i64>,
    pub(crate) test_results: &'a str,
    /// What the results' own steps say; the upload is kept all the same, as in the reference.
    pub(crate) step_error: Option<String>,
    /// What the uploader says of its CI.
    pub(crate) details: Map<String, Value>,
}

/// The body as the text of a JSON object, or the contract's error.
pub(crate) fn object(body: &[u8]) -> Result<&str, IntakeError> {
    let raw: &RawValue = serde_json::from_slice(body).map_err(|_| bad("Expected uploaded data to be json"))?;
    if results::is_object(raw.get()) { Ok(raw.get()) } else { Err(bad("Expected uploaded data to be a json object")) }
}

/// The members of a small document.
pub(crate) fn members(body: &[u8]) -> Result<Map<String, Value>, IntakeError> {
    serde_json::from_str(object(body)?).map_err(|_| bad("Expected uploaded data to be json"))
}

/// A form as the JSON object it stands for: members that hold JSON keep it, others are texts.
pub(crate) fn form_as_json(body: &[u8]) -> Vec<u8> {
    let mut json = String::from("{");
    for (name, value) in form_urlencoded::parse(body) {
        if json.len() > 1 {
            json.push(',');
        }
        json.push_str(&Value::from(name.as_ref()).to_string());
        json.push(':');
        match serde_json::from_str::<&RawValue>(&value) {
            Ok(raw) if !matches!(name.as_ref(), "suite" | "api_key") => json.push_str(raw.get()),
            _ => json.push_str(&Value::from(value.as_ref()).to_string()),
        }
    }
    json.push('}');
    json.into_bytes()
}

/// A small member as a tree.
fn value(raw: &str) -> Result<Value, IntakeError> {
    serde_json::from_str(raw).map_err(|error| bad(error.to_string()))
}

impl<'a> Upload<'a> {
    /// Checks and borrows; `default_branch` is asked with a repository's id.
    pub(crate) fn read(body: &'a [u8], default_branch: impl Fn(&str) -> String) -> Result<Self, IntakeError> {
        let members = results::members(object(body)?).map_err(|error| bad(error.to_string()))?;
        let member = |name: &str| results::member(&members, name);

        let configuration = member("configuration").map_or(Ok(Value::Object(Map::new())), value)?;
        let configuration = Configuration::from_json(&configuration).map_err(|_| bad("Invalid configuration"))?;
        let suite = suite_name(member("suite").map(value).transpose()?)?;
        let commits = commit_inputs(member("commits").map_or(Ok(Value::Null), value)?, default_branch)?;
        let test_results = member("test_results").filter(|raw| !matches!(*raw, "null" | "{}" | "\"\"" | "[]"));
        let test_results = test_results.ok_or_else(|| bad("No test results specified"))?;
        if commits.is_empty() {
            return Err(bad("Each test result must have at least 1 associated commit"));
        }
        if !configuration.is_complete() {
            return Err(bad("Cannot register a partial configuration"));
        }
        if !results::is_object(test_results) {
            return Err(bad("'test_results' must be an object"));
        }
        let (step_error, details) = check_results(test_results)?;
        let timestamp = match member("timestamp").map(value).transpose()? {
            None | Some(Value::Null) => None,
            Some(Value::Number(number)) => Some(seconds(number.as_f64())?),
            Some(Value::String(text)) => Some(seconds(text.parse().ok())?),
            Some(_) => return Err(bad("'timestamp' must be a number of seconds")),
        };
        Ok(Self { suite, configuration, commits, timestamp, test_results, step_error, details })
    }
}

/// A suite's name, checked.
pub(crate) fn suite_name(value: Option<Value>) -> Result<String, IntakeError> {
    let suite = match value {
        Some(Value::String(suite)) if !suite.is_empty() => suite,
        None | Some(Value::Null | Value::String(_)) => return Err(bad("No test suite specified")),
        Some(_) => return Err(bad("'suite' must be a text")),
    };
    if suite.chars().any(char::is_control) || suite.len() > results::MAX_NAME_BYTES {
        return Err(bad("'suite' must be a short text without control characters"));
    }
    Ok(suite)
}

/// The list of commits, each complete or a reference; `default_branch` is asked with a repository's id.
pub(crate) fn commit_inputs(
    value: Value,
    default_branch: impl Fn(&str) -> String,
) -> Result<Vec<CommitInput>, IntakeError> {
    let commits = match value {
        Value::Array(commits) => commits,
        Value::Null => Vec::new(),
        _ => return Err(bad("'commits' must be a list of commits")),
    };
    let read = |commit: &Value| {
        let repository = commit.get("repository_id").and_then(Value::as_str).unwrap_or_default();
        CommitInput::from_json(commit, &default_branch(repository)).map_err(|error| bad(error.to_string()))
    };
    commits.iter().map(read).collect()
}

/// Seconds since 1970 that the store can count.
pub(crate) fn seconds(number: Option<f64>) -> Result<i64, IntakeError> {
    number
        .filter(|seconds| (0.0..=f64::from(u32::MAX)).contains(seconds))
        .map(|seconds| seconds as i64)
        .ok_or_else(|| bad("'timestamp' must be a number of seconds between 1970 and 2106"))
}

/// Walks the results once at the door. What the reference reports as failed steps is a text here;
/// what it could never have stored is an error.
fn check_results(test_results: &str) -> Result<(Option<String>, Map<String, Value>), IntakeError> {
    let members = results::members(test_results).map_err(|error| bad(error.to_string()))?;
    let member = |name: &str| results::member(&members, name);
    let details = member("details").and_then(|raw| serde_json::from_str(raw).ok()).unwrap_or_default();
    let walked = member("results").map_or(Err(ResultsError::NotAnObject), |tree| results::walk(tree, |_, _| {}));
    match walked {
        Ok(()) => Ok((None, details)),
        Err(error @ (ResultsError::Mixed | ResultsError::NotAnObject | ResultsError::BadLeaf { .. })) => {
            Ok((Some(error.to_string()), details))
        }
        Err(error) => Err(bad(error.to_string())),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn error(body: &str) -> String {
        Upload::read(body.as_bytes(), |_| "main".into()).unwrap_err().to_string()
    }

    const CONFIGURATION: &str =
        r#""configuration":{"platform":"Mac","version":"14","is_simulator":false,"architecture":"arm64"}"#;
    const COMMITS: &str = r#""commits":[{"repository_id":"w","id":"1"}]"#;

    #[test]
    fn checks_come_in_the_contract_s_order() {
        assert_eq!(error("{"), "Expected uploaded data to be json");
        assert_eq!(error(r#"{"configuration":[]}"#), "Invalid configuration");
        assert_eq!(error("{}"), "No test suite specified");
        assert_eq!(error(&format!("{{{CONFIGURATION}}}")), "No test suite specified");
        assert_eq!(
            error(&format!(r#"{{{CONFIGURATION},"suite":"s","commits":[{{}}]}}"#)),
            "'repository_id' required to define commit"
        );
        assert_eq!(error(&format!(r#"{{{CONFIGURATION},"suite":"s",{COMMITS}}}"#)), "No test results specified");
        assert_eq!(
            error(&format!(r#"{{{CONFIGURATION},"suite":"s","test_results":{{"results":{{}}}}}}"#)),
            "Each test result must have at least 1 associated commit"
        );
        assert_eq!(
            error(&format!(r#"{{"configuration":{{}},"suite":"s",{COMMITS},"test_results":{{"results":{{}}}}}}"#)),
            "Cannot register a partial configuration"
        );
    }

    #[test]
    fn hostile_bodies_are_refused() {
        for body in ["[".repeat(1 << 20), "{\"a\":".repeat(1 << 16), "\u{0}".into(), "1e999".into()] {
            error(&body);
        }
        assert!(object(b"{\"a\":\"\xff\"}").is_err());
    }

    #[test]
    fn forms_become_objects() {
        let json = form_as_json(b"suite=5&commits=%5B1%5D&x=a%22b");
        assert_eq!(String::from_utf8(json).unwrap(), r#"{"suite":"5","commits":[1],"x":"a\"b"}"#);
    }
}
