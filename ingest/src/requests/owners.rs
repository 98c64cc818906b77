//! `POST /api/owners`: says who owns the tests of a suite, by a file as checkouts have it, or takes that back.

use axum::extract::State;
use axum::response::Response;
use schema::event::Request;
use schema::owners::{MAX_FILE_BYTES, SuiteOwners};
use serde_json::{Map, Value, json};
use web::openapi::Operation;

use super::said::{Said, page};
use super::schemas::kept;
use super::unheard;
use crate::checks::document::{self, suite_name};
use crate::checks::owners::{TextFault, check_text, folder_in_checkout};
use crate::error::{IntakeError, bad};
use crate::state::Intake;

/// `POST /api/owners`.
pub(crate) const OPERATION: Operation = Operation::post(
    "/api/owners",
    "Say who owns the tests of a suite by the text of a CODEOWNERS or TESTOWNERS file, in place of the one that was \
              sent before; an empty text takes that back",
    kept,
    &[400, 404, 413, 415, 422, 503],
)
.taking(document_schema);

fn document_schema() -> Value {
    json!({
        "type": "object",
        "properties": {
            "suite": { "type": "string", "minLength": 1, "maxLength": 4096 },
            "text": { "type": "string", "maxLength": MAX_FILE_BYTES },
            "folder": {
                "type": "string", "maxLength": 4096,
                "description": "The folder of the checkout in which the tests lie: names of tests are paths below it",
            },
        },
        "required": ["suite", "text"],
        "additionalProperties": false,
    })
}

pub(crate) async fn take(State(intake): State<Intake>, said: Said) -> Result<Response, IntakeError> {
    let owners = read(said.members(&OPERATION)?)?;
    if let Some(repository) = intake.owners_from.get(&owners.suite) {
        return Err(IntakeError::Conflict(format!(
            "Owners of '{}' are read from a file of the repository '{repository}': change that file, or take the suite out of \
             repositories.{repository}.owners in the configuration",
            owners.suite
        )));
    }
    let suite = owners.suite.clone();
    let shown = page("/owners", &[("suite", &suite)]);
    let is_taken_back = owners.text.is_empty();
    let warning = if is_taken_back { None } else { unheard::of_owners(&intake.client, &owners).await };
    said.keep(&intake, &suite, Request::Owners(owners), "file of owners", &shown, warning).await
}

fn read(members: &Map<String, Value>) -> Result<SuiteOwners, IntakeError> {
    let suite = suite_name(Some(Value::String(document::text(members, "suite"))))?;
    let Some(Value::String(text)) = members.get("text") else {
        return Err(bad("'text' must be the text of a CODEOWNERS or TESTOWNERS file; an empty one takes it back"));
    };
    check_text(text).map_err(|fault| match fault {
        TextFault::Long => bad(format!("'text' {fault}")),
        TextFault::Nobody => bad(format!("'text' {fault}; an empty text takes the file back")),
    })?;
    let folder = document::text(members, "folder");
    let Some(folder) = folder_in_checkout(&folder) else {
        return Err(bad("'folder' must be the path of a folder in the checkout, without . and .. in it"));
    };
    Ok(SuiteOwners { suite, text: text.clone(), folder: folder.to_owned() })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<SuiteOwners, IntakeError> {
        super::read(&serde_json::from_str(text).unwrap())
    }

    #[test]
    fn a_file_replaces_another_and_an_empty_one_takes_it_back() {
        let owners = read(r#"{"suite":"s","text":"css/ @css\n","folder":"/LayoutTests/"}"#).unwrap();
        let (suite, text, folder) = ("s".into(), "css/ @css\n".into(), "LayoutTests".into());
        assert_eq!(owners, SuiteOwners { suite, text, folder });
        assert_eq!(read(r#"{"suite":"s","text":""}"#).unwrap().text, "");
    }

    #[test]
    fn what_is_wrong_is_named() {
        let refused = |text: &str| read(text).unwrap_err().to_string();
        assert_eq!(refused("{}"), "No test suite specified");
        assert!(refused(r#"{"suite":"s"}"#).starts_with("'text' must be the text"));
        assert!(refused(r#"{"suite":"s","text":5}"#).starts_with("'text' must be the text"));
        assert!(refused(r##"{"suite":"s","text":"# nothing\n"}"##).starts_with("'text' names no owner"));
        assert!(refused(r#"{"suite":"s","text":"machine"}"#).starts_with("'text' names no owner"));
        for folder in ["a\\u0007", "../..", "a/../b", "./a", "a//b"] {
            let told = refused(&format!(r#"{{"suite":"s","text":"a @b","folder":"{folder}"}}"#));
            assert!(told.starts_with("'folder' must be"), "{folder}: {told}");
        }
        let long = json!({ "suite": "s", "text": "a @b\n".repeat(schema::owners::MAX_RULES + 1) }).to_string();
        assert!(refused(&long).starts_with("'text' has more than"));
    }
}
