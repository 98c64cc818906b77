//! Checks an upload's document: the checks of the wire contract, in its order.
//!
//! The document is scanned once as a whole and twice in its results; nothing of it is copied but the small members.

use schema::commit::CommitInput;
use schema::configuration::Configuration;
use schema::intake_report::UploadFault;
use schema::results::{self, ResultsError};
use schema::run_notes::RunNotes;
use serde_json::{Map, Value};

use super::document::{commit_inputs, object, seconds, suite_name};
use super::outcomes::UnknownOutcomes;
use super::run_notes;
use crate::error::{IntakeError, bad, faulty};
use crate::sender::API_KEY;

/// An upload whose commits may still be references; borrows from the body.
#[derive(Debug)]
pub(crate) struct UploadDocument<'a> {
    pub(crate) suite: String,
    /// What the run ran on.
    pub(crate) configuration: Configuration,
    /// At least one.
    pub(crate) commits: Vec<CommitInput>,
    /// Start of the run, seconds since the Unix epoch.
    pub(crate) timestamp: Option<i64>,
    /// The results as they are written.
    pub(crate) test_results: &'a str,
    /// Why the steps that read the results fail; the upload is kept all the same, as in the reference, unless its sender
    /// prefers strict handling.
    pub(crate) step_error: Option<ResultsError>,
    /// Tests whose outcome nobody knows; they are kept as they came and count as not run, unless strict handling is
    /// preferred.
    pub(crate) unknown: UnknownOutcomes,
    /// What the uploader says of its CI; empty if that is no object.
    pub(crate) details: Map<String, Value>,
    /// What else the uploader says of the run.
    pub(crate) notes: Option<Box<RunNotes>>,
}

/// Which members every configuration has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RequiredMembers {
    /// Platform, version, simulator or not, and architecture.
    OfReference,
    /// None: reports come from machines of which nobody says anything.
    None,
}

/// Who wants an upload refused as a whole rather than taken in part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StrictHandling {
    /// The sender.
    Request,
    /// The configuration; a sender may prefer otherwise.
    Configuration,
}

impl StrictHandling {
    fn reason(self) -> &'static str {
        match self {
            Self::Request => "the request prefers handling=strict",
            Self::Configuration => {
                "this server is strict: send Prefer: handling=lenient to have it taken as it is all the same"
            }
        }
    }
}

/// A small member as a tree.
fn value(raw: &str) -> Result<Value, IntakeError> {
    serde_json::from_str(raw).map_err(|error| bad(error.to_string()))
}

impl<'a> UploadDocument<'a> {
    /// Checks a body, in the contract's order; `identify` is told the key of the document before anything else of it is
    /// looked at, `default_branch` is asked with a repository's id.
    pub(crate) fn read(
        body: &'a [u8],
        identify: impl FnOnce(Option<&str>) -> Result<(), IntakeError>,
        default_branch: impl Fn(&str) -> String,
        required: RequiredMembers,
    ) -> Result<Self, IntakeError> {
        let members = results::members(object(body)?).map_err(|error| bad(error.to_string()))?;
        let member = |name: &str| results::member(&members, name);
        let api_key: Option<Value> = member(API_KEY).map(value).transpose()?;
        identify(api_key.as_ref().and_then(Value::as_str))?;

        let configuration = member("configuration").map_or(Ok(Value::Object(Map::new())), value)?;
        let configuration = Configuration::from_json(&configuration).map_err(|error| {
            if error.is_about_a_label() {
                return faulty(UploadFault::Configuration, error.to_string());
            }
            faulty(UploadFault::Configuration, "Invalid configuration").with_detail(error.to_string())
        })?;
        let suite = suite_name(member("suite").map(value).transpose()?)?;
        let commits = commit_inputs(member("commits").map_or(Ok(Value::Null), value)?, default_branch)?;
        let test_results = member("test_results").filter(|raw| !matches!(*raw, "null" | "{}" | "\"\"" | "[]"));
        let test_results = test_results.ok_or_else(|| faulty(UploadFault::Results, "No test results specified"))?;
        if commits.is_empty() {
            return Err(faulty(UploadFault::Commit, "Each test result must have at least 1 associated commit"));
        }
        if required == RequiredMembers::OfReference && !configuration.is_complete() {
            let missing = format!("it has no {}", configuration.missing().join(", no "));
            return Err(faulty(UploadFault::PartialConfiguration, "Cannot register a partial configuration")
                .with_detail(missing));
        }
        if !results::is_object(test_results) {
            return Err(faulty(UploadFault::Results, "'test_results' must be an object"));
        }
        let CheckedResults { step_error, unknown, details } = check_results(test_results)?;
        let timestamp = match member("timestamp").map(value).transpose()? {
            None | Some(Value::Null) => None,
            Some(Value::Number(number)) => Some(seconds(number.as_f64())?),
            Some(Value::String(text)) => Some(seconds(text.parse().ok())?),
            Some(_) => return Err(faulty(UploadFault::Time, "'timestamp' must be a number of seconds")),
        };
        let notes = run_notes::read(&members)?;
        Ok(Self { suite, configuration, commits, timestamp, test_results, step_error, unknown, details, notes })
    }

    /// Refuses results that the processor cannot read, and outcomes that nobody knows.
    pub(crate) fn refuse_strictly(&self, asked_by: StrictHandling) -> Result<(), IntakeError> {
        let error = self.step_error.as_ref().map(|error| unread_results(self.test_results, error));
        let results = error.map(|error| (UploadFault::Results, error));
        match results.or_else(|| Some((UploadFault::UnknownState, self.unknown.describe()?))) {
            None => Ok(()),
            Some((fault, error)) => {
                Err(faulty(fault, format!("{error}; nothing was taken, because {}", asked_by.reason())))
            }
        }
    }
}

/// Says what is wrong with results, and where.
fn unread_results(test_results: &str, error: &ResultsError) -> String {
    let members = results::members(test_results).unwrap_or_default();
    let tree = results::member(&members, "results");
    match (error, tree) {
        (ResultsError::NotAnObject, None) => "'test_results.results' is missing: it must be an object of tests".into(),
        (ResultsError::NotAnObject, Some(tree)) => {
            format!("'test_results.results' is {}: it must be an object of tests", kind(tree))
        }
        (ResultsError::Mixed, Some(tree)) => {
            let mut last_test = None;
            // The walk ends with the same error at the same place.
            let _ = results::walk(tree, |test, _| last_test = Some(test.to_owned()));
            match last_test {
                Some(test) => {
                    format!("{error}: in 'test_results.results' a member that is no test follows test '{test}'")
                }
                None => format!("{error}: 'test_results.results' itself has a member that is no object"),
            }
        }
        _ => format!("'test_results.results': {error}"),
    }
}

/// What a JSON text that is no object is.
fn kind(json: &str) -> &'static str {
    match json.as_bytes().first() {
        Some(b'[') => "a list",
        Some(b'"') => "a text",
        Some(b't' | b'f') => "a truth value",
        Some(b'n') => "null",
        _ => "a number",
    }
}

/// What one walk over the results finds.
struct CheckedResults {
    /// What the reference reports as failed steps.
    step_error: Option<ResultsError>,
    unknown: UnknownOutcomes,
    /// The uploader's `details`.
    details: Map<String, Value>,
}

/// Walks the results once at the door. What the reference could never have stored is an error.
fn check_results(test_results: &str) -> Result<CheckedResults, IntakeError> {
    let members = results::members(test_results).map_err(|error| faulty(UploadFault::Results, error.to_string()))?;
    let member = |name: &str| results::member(&members, name);
    let details = member("details").and_then(|raw| serde_json::from_str(raw).ok()).unwrap_or_default();
    let mut unknown = UnknownOutcomes::default();
    let walked = member("results")
        .map_or(Err(ResultsError::NotAnObject), |tree| results::walk(tree, |test, result| unknown.add(test, &result)));
    match walked {
        Ok(()) => Ok(CheckedResults { step_error: None, unknown, details }),
        Err(error @ (ResultsError::Mixed | ResultsError::NotAnObject | ResultsError::BadLeaf { .. })) => {
            // No result is stored of such a document.
            Ok(CheckedResults { step_error: Some(error), unknown: UnknownOutcomes::default(), details })
        }
        Err(error) => Err(faulty(UploadFault::Results, error.to_string())),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn error(body: &str) -> String {
        UploadDocument::read(body.as_bytes(), |_| Ok(()), |_| "main".into(), RequiredMembers::OfReference)
            .unwrap_err()
            .to_string()
    }

    const CONFIGURATION: &str =
        r#""configuration":{"platform":"Mac","version":"14","is_simulator":false,"architecture":"arm64"}"#;
    const COMMITS: &str = r#""commits":[{"repository_id":"w","id":"1"}]"#;

    #[test]
    fn checks_come_in_the_contract_s_order() {
        assert_eq!(error("{"), "Expected uploaded data to be json");
        assert_eq!(error(r#"{"configuration":[]}"#), "Invalid configuration");
        let label = error(r#"{"configuration":{"Python":"3.12"}}"#);
        assert!(label.starts_with("'Python' cannot be a member of a configuration"), "{label}");
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
    }

    /// The refusal of an upload whose sender prefers strict handling, and whose `test_results` are these.
    fn strictly(test_results: &str) -> Option<String> {
        let body = format!(r#"{{{CONFIGURATION},"suite":"s",{COMMITS},"test_results":{test_results}}}"#);
        let upload =
            UploadDocument::read(body.as_bytes(), |_| Ok(()), |_| "main".into(), RequiredMembers::OfReference).unwrap();
        upload.refuse_strictly(StrictHandling::Request).err().map(|error| error.to_string())
    }

    #[test]
    fn strict_handling_refuses_what_cannot_be_read_and_says_where() {
        for (test_results, expected) in [
            (r#"{"results":[1]}"#, "'test_results.results' is a list: it must be an object of tests"),
            (r#"{"results":[]}"#, "'test_results.results' is a list: it must be an object of tests"),
            (r#"{"results":"a"}"#, "'test_results.results' is a text: it must be an object of tests"),
            (r#"{"results":7}"#, "'test_results.results' is a number: it must be an object of tests"),
            (r#"{"results":true}"#, "'test_results.results' is a truth value: it must be an object of tests"),
            (r#"{"results":null}"#, "'test_results.results' is null: it must be an object of tests"),
            (r#"{"run_stats":{}}"#, "'test_results.results' is missing: it must be an object of tests"),
            (
                r#"{"results":{"a":{"b":{},"c":1}}}"#,
                "Incorrectly formatted nested results dictionary: in 'test_results.results' a member that is no test \
                 follows test 'a/b'",
            ),
            (
                r#"{"results":{"c":1,"a":{}}}"#,
                "Incorrectly formatted nested results dictionary: 'test_results.results' itself has a member that is no \
                 object",
            ),
            (
                r#"{"results":{"a":{"actual":7}}}"#,
                "'test_results.results': 'actual' of test 'a' must be a text of state names",
            ),
        ] {
            let because = "; nothing was taken, because the request prefers handling=strict";
            assert_eq!(strictly(test_results), Some(format!("{expected}{because}")), "{test_results}");
        }
        assert_eq!(strictly(r#"{"results":{"a":{"b":{}}}}"#), None);
        assert_eq!(strictly(r#"{"results":{}}"#), None);
    }

    #[test]
    fn strict_handling_refuses_outcomes_that_nobody_knows() {
        assert_eq!(
            strictly(r#"{"results":{"x":{"t":{"actual":"FAILED"}}}}"#).unwrap(),
            "'actual' of test 'x/t' has 'FAILED', which is no state: write 'FAIL'; nothing was taken, because the request \
             prefers handling=strict"
        );
        assert_eq!(strictly(r#"{"results":{"a":{"actual":"SKIP"},"b":{"actual":"NOTRUN"},"c":{"actual":""}}}"#), None);
    }
}
