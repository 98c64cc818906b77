//! `POST /api/upload/ews`: results of a change under review. Section 14 of the wire contract.

use axum::Json;
use axum::body::Body;
use axum::extract::{RawQuery, State};
use bytes::Bytes;
use schema::clock::now_signed;
use schema::configuration::Configuration;
use schema::event::{self, Request};
use schema::intake_report::UploadFault;
use schema::results;
use serde_json::{Value, json};
use web::openapi::{Operation, object, shared, texts};
use web::prefer::Preferences;

use super::schemas::{REFUSALS, given_commits};
use crate::append::AcceptedRequest;
use crate::checks::document::{self, commit_inputs, suite_name};
use crate::error::{IntakeError, bad, faulty};
use crate::sender::{API_KEY, Sender};
use crate::state::Intake;

/// `POST /api/upload/ews`.
pub(crate) const OPERATION: Operation = Operation::post(
    "/api/upload/ews",
    "Take in results of a change under review",
    || object(&[("status", json!({ "const": "ok" })), ("tests", texts())]),
    REFUSALS,
)
.taking(document_schema);

fn document_schema() -> Value {
    json!({
        "type": "object",
        "properties": {
            "suite": { "type": "string", "minLength": 1 },
            "configuration": shared("GivenConfiguration"),
            "commits": given_commits(),
            "timestamp": { "type": "number" },
            "test_results": {
                "type": "object",
                "properties": { "results": { "type": "object", "additionalProperties": { "type": "object" } } },
                "required": ["results"],
            },
            "flaky_type": { "type": ["string", "null"] },
            "details": { "type": ["object", "null"] },
        },
        "required": ["suite", "configuration", "commits", "test_results"],
    })
}

/// How far ahead of our clock a start may lie, seconds: the sender's clock may be off.
const MAX_AHEAD_SECONDS: f64 = 300.0;

pub(crate) async fn take(
    State(intake): State<Intake>,
    RawQuery(query): RawQuery,
    mut sender: Sender,
    body: Body,
) -> Result<Json<Value>, IntakeError> {
    let (body, _memory) = intake.body_memory.read(query.as_deref(), &sender.headers, body).await?;
    let document = document::members(&body)?;
    sender.identify(&intake.door, document.get(API_KEY).and_then(Value::as_str))?;
    let member = |name: &str| document.get(name).filter(|value| !value.is_null());
    let configuration =
        member("configuration").ok_or_else(|| faulty(UploadFault::Configuration, "Invalid configuration"))?;
    let configuration = Configuration::from_json(configuration)
        .map_err(|_| faulty(UploadFault::Configuration, "Invalid configuration"))?;
    let suite = suite_name(member("suite").cloned()).map_err(|_| faulty(UploadFault::Suite, "Invalid suite"))?;
    let results = member("test_results").and_then(|value| value.get("results")).and_then(Value::as_object);
    let results = results.filter(|tests| !tests.is_empty() && tests.values().all(Value::is_object));
    let results = results.ok_or_else(|| faulty(UploadFault::Results, "Invalid test results"))?;
    let is_name =
        |name: &String| !name.is_empty() && name.len() < results::MAX_NAME_BYTES && !name.chars().any(char::is_control);
    if !results.keys().all(is_name) {
        return Err(faulty(
            UploadFault::Results,
            "Invalid test results: a name is empty, too long or holds control characters",
        ));
    }
    let received_at = now_signed();
    let timestamp = match member("timestamp") {
        None => received_at,
        Some(Value::Number(number)) => {
            let seconds = number.as_f64().unwrap_or(f64::NAN);
            if !(seconds > 0.0 && seconds < received_at as f64 + MAX_AHEAD_SECONDS) {
                return Err(faulty(UploadFault::Time, format!("Unrealistic timestamp: {number}")));
            }
            seconds as i64
        }
        Some(_) => return Err(faulty(UploadFault::Time, "Invalid timestamp")),
    };
    let flaky_type = match member("flaky_type") {
        None => None,
        Some(Value::String(kind)) => Some(kind.clone()).filter(|kind| !kind.is_empty()),
        Some(_) => return Err(bad("Invalid flaky_type")),
    };
    let details = match member("details") {
        None => None,
        Some(Value::Object(details)) => Some(details.clone()),
        Some(_) => return Err(bad("Invalid details")),
    };
    let commits = member("commits").and_then(Value::as_array);
    let commits = commits.filter(|list| !list.is_empty() && list.iter().all(Value::is_object));
    let commits = commits.ok_or_else(|| faulty(UploadFault::Commit, "Invalid commits"))?;
    let inputs = commit_inputs(Value::Array(commits.clone()), |repository| {
        intake.commits.default_branch(repository).to_owned()
    })?;
    let commits = intake.commits.resolve(sender.own_commits(&suite, inputs)?).await?;
    sender.may_upload_for_change(&suite, &commits)?;
    if !configuration.is_complete() {
        return Err(faulty(UploadFault::PartialConfiguration, "Cannot register a partial configuration"));
    }
    let mut tests: Vec<String> = results.keys().cloned().collect();
    tests.sort();
    let results = serde_json::to_vec(results).map_err(|error| bad(error.to_string()))?;
    let key = event::upload_key(&configuration, &suite, &commits);
    let request = Request::Ews { suite, configuration, commits, timestamp, flaky_type, details };
    let accepted = AcceptedRequest::new(request, Bytes::from(results), received_at, &sender)?;
    let receipt = intake.appender.append(&key, accepted).await?;
    intake.wait_as_preferred(&Preferences::of(&sender.headers), receipt).await;
    Ok(Json(json!({ "status": "ok", "tests": tests })))
}
