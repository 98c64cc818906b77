//! `POST /api/renames`: says that a test has a new name, or takes that back.

use axum::extract::State;
use axum::response::Response;
use schema::clock::now_signed;
use schema::event::Request;
use schema::rename::TestRename;
use schema::results::MAX_NAME_BYTES;
use schema::seconds::DAY;
use serde_json::{Map, Value, json};
use web::openapi::Operation;

use super::said::{Said, page};
use super::schemas::{REFUSALS, kept};
use super::unheard;
use crate::checks::document::{self, suite_name};
use crate::error::{IntakeError, bad};
use crate::state::Intake;

/// `POST /api/renames`.
pub(crate) const OPERATION: Operation = Operation::post(
    "/api/renames",
    "Say that a test has a new name, so that its history goes on under that; with the state closed, that it \
              has not",
    kept,
    REFUSALS,
)
.taking(document_schema);

/// How far ahead of ours the clock of a sender may be, seconds.
const AHEAD_SECONDS: i64 = DAY as i64;

fn document_schema() -> Value {
    let name = json!({ "type": "string", "minLength": 1, "maxLength": 4096 });
    json!({
        "type": "object",
        "properties": {
            "suite": name, "from": name, "to": name,
            "at": {
                "type": "number", "minimum": 0,
                "description": "When it was renamed, seconds since 1970; now by default. What `from` did in runs that \
                                started before belongs to `to`",
            },
            "state": { "enum": ["open", "closed"] },
        },
        "required": ["suite", "from", "to"],
        "additionalProperties": false,
    })
}

pub(crate) async fn rename(State(intake): State<Intake>, said: Said) -> Result<Response, IntakeError> {
    let rename = read(said.members(&OPERATION)?, now_signed())?;
    let suite = rename.suite.clone();
    let shown = page("/", &[("suite", &suite), ("test", &rename.to)]);
    let warning = if rename.is_open { unheard::of_suite(&intake.client, &suite, "rename").await } else { None };
    said.keep(&intake, &suite, Request::Rename(rename), "rename", &shown, warning).await
}

/// The rename that a document means; `now` in seconds since 1970.
fn read(members: &Map<String, Value>, now: i64) -> Result<TestRename, IntakeError> {
    let name = |member: &str| {
        let name = document::text(members, member);
        if name.trim().is_empty() || name.len() > MAX_NAME_BYTES || name.chars().any(char::is_control) {
            return Err(bad(format!("'{member}' must be the name of a test")));
        }
        Ok(name)
    };
    let suite = suite_name(Some(Value::String(document::text(members, "suite"))))?;
    let (from, to) = (name("from")?, name("to")?);
    if from == to {
        return Err(bad(format!("'from' and 'to' are the same name, '{from}'; give the old and the new one")));
    }
    let latest = now.saturating_add(AHEAD_SECONDS);
    let at = match members.get("at") {
        None | Some(Value::Null) => now,
        Some(given) => {
            given.as_f64().filter(|at| (0.0..=latest as f64).contains(at)).map(|at| at as i64).ok_or_else(|| {
                bad("'at' must be a number of seconds since 1970 that is not more than a day from now")
            })?
        }
    };
    Ok(TestRename { suite, from, to, at, is_open: document::is_open(members)? })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const NOW: i64 = 1_790_000_000;

    fn read(text: &str) -> Result<TestRename, IntakeError> {
        super::read(&serde_json::from_str(text).unwrap(), NOW)
    }

    #[test]
    fn a_test_is_renamed_now_unless_the_document_says_when() {
        let rename = read(r#"{"suite":"s","from":"a b","to":5}"#).unwrap();
        let (suite, from, to) = ("s".into(), "a b".into(), "5".into());
        assert_eq!(rename, TestRename { suite, from, to, at: NOW, is_open: true });
        let at = |at: &str| {
            read(&format!(r#"{{"suite":"s","from":"a","to":"b","at":{at},"state":"closed"}}"#))
                .map(|rename| (rename.at, rename.is_open))
                .ok()
        };
        assert_eq!(at("1700000000.9"), Some((1_700_000_000, false)));
        assert_eq!(at("0"), Some((0, false)));
        assert_eq!(at(&(NOW + 86_400).to_string()), Some((NOW + 86_400, false)));
        for wrong in ["-1", "1e300", "\"yesterday\"", "\"5\"", "[]", "true", &(NOW + 86_401).to_string()] {
            assert_eq!(at(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        let refused = |text: &str| read(text).unwrap_err().to_string();
        assert_eq!(refused("{}"), "No test suite specified");
        assert_eq!(refused(r#"{"suite":"s","to":"b"}"#), "'from' must be the name of a test");
        assert_eq!(refused(r#"{"suite":"s","from":"a","to":" "}"#), "'to' must be the name of a test");
        assert_eq!(refused(r#"{"suite":"s","from":"a\u0007","to":"b"}"#), "'from' must be the name of a test");
        let long = "a".repeat(MAX_NAME_BYTES + 1);
        assert_eq!(
            refused(&json!({ "suite": "s", "from": "a", "to": long }).to_string()),
            "'to' must be the name of a test"
        );
        assert_eq!(
            refused(r#"{"suite":"s","from":"a","to":"a"}"#),
            "'from' and 'to' are the same name, 'a'; give the old and the new one"
        );
        assert!(refused(r#"{"suite":"s","from":"a","to":"b","at":"soon"}"#).starts_with("'at' must be"));
        assert_eq!(
            refused(r#"{"suite":"s","from":"a","to":"b","state":"gone"}"#),
            "'state' is open or closed, not 'gone'"
        );
    }
}
