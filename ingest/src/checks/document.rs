//! What the documents of several requests share: the form of the whole, and the members that mean the same in each.

use schema::commit::{CommitError, CommitInput};
use schema::intake_report::UploadFault;
use schema::results;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::error::{IntakeError, bad, faulty};

/// The body as the text of a JSON object, or the contract's error.
pub(crate) fn object(body: &[u8]) -> Result<&str, IntakeError> {
    let raw: &RawValue = serde_json::from_slice(body)
        .map_err(|error| bad("Expected uploaded data to be json").with_detail(error.to_string()))?;
    if results::is_object(raw.get()) { Ok(raw.get()) } else { Err(bad("Expected uploaded data to be a json object")) }
}

/// The members of a small document, each as a tree.
pub(crate) fn members(body: &[u8]) -> Result<Map<String, Value>, IntakeError> {
    serde_json::from_str(object(body)?).map_err(|_| bad("Expected uploaded data to be json"))
}

/// Refuses a document with a member that is not among the `properties` of its schema: passed over, a misspelt one would leave what is
/// said about more than was meant. Documents that the reference takes may have any.
pub(crate) fn expect_known(members: &Map<String, Value>, schema: &Value) -> Result<(), IntakeError> {
    let known = schema["properties"].as_object();
    match members.keys().find(|name| known.is_none_or(|known| !known.contains_key(name.as_str()))) {
        None => Ok(()),
        Some(unknown) => {
            let names: Vec<&str> = known.into_iter().flat_map(Map::keys).map(String::as_str).collect();
            let unknown: String = unknown.chars().take(SHOWN).collect();
            Err(bad(format!("There is no member '{unknown}'; the members are {}", names.join(", "))))
        }
    }
}

/// Characters of the name of a member that nobody knows which are repeated to its sender.
const SHOWN: usize = 100;

/// A member of a small document as a text; empty if there is none. A form's values that look like JSON came as such: a test
/// may be called 5.
pub(crate) fn text(members: &Map<String, Value>, name: &str) -> String {
    match members.get(name) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

/// Whether what a document says holds from now on (`state` open, or none), or is taken back (closed).
pub(crate) fn is_open(members: &Map<String, Value>) -> Result<bool, IntakeError> {
    match text(members, "state").trim() {
        "" | "open" => Ok(true),
        "closed" => Ok(false),
        other => Err(bad(format!("'state' is open or closed, not '{other}'"))),
    }
}

/// A suite's name, checked.
pub(crate) fn suite_name(value: Option<Value>) -> Result<String, IntakeError> {
    let suite = match value {
        Some(Value::String(suite)) if !suite.is_empty() => suite,
        None | Some(Value::Null | Value::String(_)) => {
            return Err(faulty(UploadFault::Suite, "No test suite specified"));
        }
        Some(_) => return Err(faulty(UploadFault::Suite, "'suite' must be a text")),
    };
    if suite.chars().any(char::is_control) || suite.len() > results::MAX_NAME_BYTES {
        return Err(faulty(UploadFault::Suite, "'suite' must be a short text without control characters"));
    }
    Ok(suite)
}

/// Commits of a run: one of each repository that it was made from.
const MAX_COMMITS: usize = 100;

/// The list of commits, each complete or a reference; `default_branch` is asked with a repository's id.
pub(crate) fn commit_inputs(
    value: Value,
    default_branch: impl Fn(&str) -> String,
) -> Result<Vec<CommitInput>, IntakeError> {
    let commits = match value {
        Value::Array(commits) => commits,
        Value::Null => Vec::new(),
        _ => return Err(faulty(UploadFault::Commit, "'commits' must be a list of commits")),
    };
    if commits.len() > MAX_COMMITS {
        return Err(faulty(UploadFault::Commit, format!("'commits' has at most {MAX_COMMITS} commits")));
    }
    let read = |(index, commit): (usize, &Value)| {
        let repository = commit.get("repository_id").and_then(Value::as_str).unwrap_or_default();
        CommitInput::from_json(commit, &default_branch(repository))
            .map_err(|error| no_commit(&error, &format!("'commits' {}: ", index + 1)))
    };
    commits.iter().enumerate().map(read).collect()
}

/// What is wrong with a commit; `place` says which one it is.
pub(crate) fn no_commit(error: &CommitError, place: &str) -> IntakeError {
    let refused = faulty(UploadFault::Commit, error.to_string());
    match error.incomplete {
        Some(member) => refused.with_detail(format!("{place}{member}")),
        None => refused,
    }
}

/// A time as the store counts it: seconds since 1970, the fraction cut.
pub(crate) fn seconds(number: Option<f64>) -> Result<i64, IntakeError> {
    number
        .filter(|seconds| (0.0..=f64::from(u32::MAX)).contains(seconds))
        .map(|seconds| seconds as i64)
        .ok_or_else(|| faulty(UploadFault::Time, "'timestamp' must be a number of seconds between 1970 and 2106"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_objects_are_documents() {
        for body in [&b"[]"[..], b"7", b"", b"{", b"{} x", b"{\"a\":\"\xff\"}"] {
            assert!(object(body).is_err(), "{}", String::from_utf8_lossy(body));
        }
        assert!(matches!(object(b" {\"a\": 1} "), Ok("{\"a\": 1}")));
    }

    #[test]
    fn a_member_that_nobody_knows_is_named_beside_those_that_are_known() {
        let schema = serde_json::json!({ "type": "object", "properties": { "suite": {}, "days": {} } });
        let refused = |text: &str| {
            let members = members(text.as_bytes()).ok()?;
            expect_known(&members, &schema).err().map(|error| error.to_string())
        };
        assert_eq!(refused("{}"), None);
        assert_eq!(refused(r#"{"days":1,"suite":"s"}"#), None);
        let told = "There is no member 'day'; the members are suite, days";
        assert_eq!(refused(r#"{"suite":"s","day":1}"#).as_deref(), Some(told));
        // A value of null is a member, too, and capital letters are others.
        assert_eq!(refused(r#"{"day":null}"#).as_deref(), Some(told));
        assert!(refused(r#"{"Suite":"s"}"#).is_some_and(|told| told.contains("'Suite'")));
        let long = format!(r#"{{"{}":1}}"#, "a".repeat(10_000));
        assert!(refused(&long).is_some_and(|told| told.len() < 200));
    }

    #[test]
    fn times_are_seconds_that_the_store_can_count() {
        for (given, expected) in [(0.0, 0), (1.9, 1), (f64::from(u32::MAX), i64::from(u32::MAX))] {
            assert!(matches!(seconds(Some(given)), Ok(time) if time == expected), "{given}");
        }
        for given in [None, Some(-1.0), Some(f64::NAN), Some(1e300), Some(f64::from(u32::MAX) + 1.0)] {
            assert!(seconds(given).is_err(), "{given:?}");
        }
    }
}
