//! `POST /api/bugs`: says that a bug explains how a test fails, or takes that back. The sender of a page's form is led back
//! to the test that it came from (`shown`).

use axum::extract::State;
use axum::response::Response;
use schema::bug::BugLink;
use schema::cause::CauseId;
use schema::configuration::Configuration;
use schema::event::Request;
use schema::results::MAX_NAME_BYTES;
use schema::state::State as TestState;
use serde_json::{Map, Value, json};
use web::openapi::Operation;

use super::said::{Said, page};
use super::schemas::{REFUSALS, kept};
use super::unheard;
use crate::checks::covered::{is_page, no_failure};
use crate::checks::document::{self, suite_name};
use crate::error::{IntakeError, bad};
use crate::state::Intake;

/// `POST /api/bugs`.
pub(crate) const OPERATION: Operation = Operation::post(
    "/api/bugs",
    "Say that a bug explains the failures of a test, or of those that a pattern with * describes; with \
              the state closed, that it no longer does",
    kept,
    REFUSALS,
)
.taking(document_schema);

fn document_schema() -> Value {
    let name = json!({ "type": "string", "minLength": 1, "maxLength": 4096 });
    json!({
        "type": "object",
        "properties": {
            "suite": name, "test": name, "url": { "type": "string", "pattern": "^https?://[^/]+" },
            "note": { "type": "string", "maxLength": 500 }, "state": { "enum": ["open", "closed"] },
            "configuration": { "type": "object" },
            "failure": { "type": "string", "description": "The one failing state that it explains, such as CRASH" },
            "message": {
                "type": "string", "maxLength": MAX_MESSAGE_BYTES,
                "description": "What failures say that it explains, with * for any text; then test may be left out and is *",
            },
            "shown": { "type": "string", "description": "The test whose page a form came from" },
            "cause": { "type": "string", "description": "The cause whose page a form came from" },
        },
        "required": ["suite", "url"],
        "additionalProperties": false,
    })
}

/// The longest note: a line that a list can show.
const MAX_NOTE_BYTES: usize = 500;
/// The longest pattern of messages: as long as the patterns of causes become.
const MAX_MESSAGE_BYTES: usize = 2000;

pub(crate) async fn link(State(intake): State<Intake>, said: Said) -> Result<Response, IntakeError> {
    let members = said.members(&OPERATION)?;
    let mut link = read(members)?;
    keep_note(&intake.client, &mut link).await?;
    let (suite, shown) = (link.suite.clone(), back(members, &link));
    let warning = if link.is_open { unheard::of_suite(&intake.client, &suite, "link").await } else { None };
    said.keep(&intake, &suite, Request::Bug(link), "bug", &shown, warning).await
}

/// The page that a form came from.
fn back(members: &Map<String, Value>, link: &BugLink) -> String {
    let given = |name: &str| members.get(name).and_then(Value::as_str);
    match given("cause").and_then(|cause| cause.parse::<CauseId>().ok()) {
        Some(cause) => page("/causes", &[("suite", &link.suite), ("cause", &cause.to_string())]),
        None => page("/", &[("suite", &link.suite), ("test", given("shown").unwrap_or(&link.test))]),
    }
}

/// Gives a link without a note the one that it had: whoever closes it, or links it again, need not know it.
async fn keep_note(client: &clickhouse::Client, link: &mut BugLink) -> Result<(), IntakeError> {
    if !link.note.is_empty() {
        return Ok(());
    }
    let configuration = serde_json::to_string(&link.configuration).map_err(|error| bad(error.to_string()))?;
    let sql = "SELECT note FROM bugs WHERE suite = ? AND test = ? AND url = ? AND configuration = ? AND failure = ? AND message = ?";
    let query = client.query(sql).bind(&link.suite).bind(&link.test).bind(&link.url).bind(configuration);
    let text = |given: &Option<String>| given.clone().unwrap_or_default();
    let query = query.bind(text(&link.failure)).bind(text(&link.message));
    link.note = query.fetch_optional::<String>().await?.unwrap_or_default();
    Ok(())
}

fn read(members: &Map<String, Value>) -> Result<BugLink, IntakeError> {
    let text = |name: &str| document::text(members, name).trim().to_owned();
    let suite = suite_name(Some(Value::String(text("suite"))))?;
    let (url, note) = (text("url"), text("note"));
    let message = Some(text("message")).filter(|message| !message.is_empty());
    let test = match (text("test"), &message) {
        (test, Some(_)) if test.is_empty() => "*".to_owned(),
        (test, _) => test,
    };
    if test.is_empty() || test.len() > MAX_NAME_BYTES || test.chars().any(char::is_control) {
        return Err(bad("'test' must be the name of a test, or a pattern with *"));
    }
    if !is_page(&url) {
        return Err(bad("'url' must be the address of the bug's page: it begins with https:// or http://"));
    }
    if note.len() > MAX_NOTE_BYTES || note.chars().any(char::is_control) {
        return Err(bad(format!("'note' must be a line of at most {MAX_NOTE_BYTES} bytes")));
    }
    let configuration = match members.get("configuration") {
        None | Some(Value::Null) => Configuration::default(),
        Some(given) => Configuration::from_json(given).map_err(|error| bad(format!("'configuration': {error}")))?,
    };
    let is_open = document::is_open(members)?;
    let failure = match text("failure").as_str() {
        "" => None,
        name => Some(TestState::failure_of_name(name).ok_or_else(|| no_failure(name))?.name().to_owned()),
    };
    if message.as_ref().is_some_and(|it| it.len() > MAX_MESSAGE_BYTES || it.chars().any(char::is_control)) {
        return Err(bad(format!("'message' must be a line of at most {MAX_MESSAGE_BYTES} bytes, with * for any text")));
    }
    if message.as_ref().is_some_and(|it| it.chars().all(|letter| letter == '*' || letter.is_whitespace())) {
        return Err(bad("'message' must have some text beside *, for otherwise the bug would explain every failure"));
    }
    Ok(BugLink { suite, test, url, note, configuration, failure, message, is_open })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::checks::covered::MAX_URL_BYTES;

    fn read(text: &str) -> Result<BugLink, IntakeError> {
        super::read(&serde_json::from_str(text).unwrap())
    }

    #[test]
    fn a_form_s_number_is_a_name() {
        let link = read(r#"{"suite":"s","test":5,"url":"https://bugs.example.org/7","note":" slow "}"#).unwrap();
        assert_eq!((link.test.as_str(), link.note.as_str(), link.is_open), ("5", "slow", true));
        let link = read(r#"{"suite":"s","test":"a","url":"https://bugs.example.org/7","failure":"crash"}"#).unwrap();
        assert_eq!(link.failure.as_deref(), Some("CRASH"));
        let link = read(r#"{"suite":"s","url":"https://bugs.example.org/7","message":" took * ms "}"#).unwrap();
        assert_eq!((link.test.as_str(), link.message.as_deref()), ("*", Some("took * ms")));
    }

    #[test]
    fn only_pages_are_linked() {
        let of = |url: &str| read(&json!({ "suite": "s", "test": "a", "url": url }).to_string());
        for url in ["http://bugs/1", "https://bugs.example.org/show?id=1#c2"] {
            assert_eq!(of(url).unwrap().url, url);
        }
        for url in ["", "bugs/1", "javascript:alert(1)", "https://", "https:///x", "https://a b", " data:x"] {
            assert!(of(url).unwrap_err().to_string().starts_with("'url' must be"), "{url}");
        }
        assert!(of(&format!("https://{}", "a".repeat(MAX_URL_BYTES))).is_err());
    }

    #[test]
    fn what_is_wrong_is_named() {
        let refused = |text: &str| read(text).unwrap_err().to_string();
        assert_eq!(refused("{}"), "No test suite specified");
        assert!(refused(r#"{"suite":"s"}"#).starts_with("'test' must be"));
        assert!(refused(r#"{"suite":"s","test":"a\nb"}"#).starts_with("'test' must be"));
        let with = |more: &str| refused(&format!(r#"{{"suite":"s","test":"a","url":"http://b/1",{more}}}"#));
        assert!(with(r#""state":"gone""#).starts_with("'state' is"));
        assert!(with(r#""note":"a\nb""#).starts_with("'note' must"));
        assert!(with(r#""message":"* *""#).starts_with("'message' must have some text"));
        assert!(with(r#""message":"a\nb""#).starts_with("'message' must be a line"));
        assert!(with(r#""failure":"PASS""#).starts_with("'failure' is the state"));
        assert!(with(r#""configuration":{"platform":1}"#).starts_with("'configuration': 'platform'"));
    }
}
