//! `POST /api/upload/archive`: the files of a run. The zip goes to a temporary file, then to the blob store; the
//! event names it by its digest.

use std::fs::File;
use std::io::Write;

use axum::Json;
use axum::extract::{FromRequest, Multipart, RawQuery, Request, State};
use axum::http::HeaderValue;
use axum::response::{IntoResponse, Response};
use schema::clock::now_signed;
use schema::configuration::Configuration;
use schema::event;
use schema::expiry::Expiry;
use schema::intake_report::UploadFault;
use schema::receipt::{RECEIPT_HEADER, Receipt};
use serde_json::{Value, json};
use web::blocking::blocking;
use web::openapi::{self, JSON, Operation, shared};
use web::prefer::Preferences;

use super::schemas::REFUSALS;
use super::upload_answer::warn;
use crate::append::{AcceptedRequest, no_payload};
use crate::checks::body::without_query;
use crate::checks::document::{commit_inputs, seconds, suite_name};
use crate::checks::parts::{self, cut};
use crate::checks::{refuse_encoded, report_parameters};
use crate::error::{IntakeError, bad, faulty, not_kept};
use crate::sender::{API_KEY, Sender};
use crate::state::Intake;

/// The largest archive, bytes.
const MAX_BYTES: u64 = 500 << 20;
/// The largest of the other fields, bytes.
const MAX_FIELD_BYTES: usize = 1 << 20;
/// Fields that give a member of the configuration each.
const MAX_MEMBERS: usize = 64;

/// `POST /api/upload/archive`.
pub(crate) const OPERATION: Operation = Operation {
    body: Some(openapi::Body { media: "multipart/form-data", schema: form_schema }),
    ..Operation::post("/api/upload/archive", "Take in the files of one run, as a zip", || shared("Ok"), REFUSALS)
};

fn form_schema() -> Value {
    let text = json!({ "type": "string", "contentMediaType": JSON });
    json!({
        "type": "object",
        "properties": {
            "file": { "type": "string", "format": "binary" },
            "suite": { "type": "string", "minLength": 1 },
            "configuration": text, "commits": text,
            "timestamp": { "type": "string", "pattern": "^[0-9]{1,10}$" },
            "label.key": {
                "type": "string",
                "description": "A label of the configuration, in place of configuration; so are platform, version and its \
                    other members. None is required, as for reports.",
            },
        },
        "required": ["file", "suite", "commits"],
    })
}

/// The fields of the form; others are ignored.
#[derive(Default)]
struct Form {
    file: Option<(File, u64)>,
    suite: Option<String>,
    configuration: Option<String>,
    /// Members of the configuration, each a field, as those who post reports name it: the run may have few of them.
    members: Vec<(String, String)>,
    commits: Option<String>,
    timestamp: Option<String>,
    api_key: Option<String>,
}

pub(crate) async fn take(
    State(intake): State<Intake>,
    RawQuery(query): RawQuery,
    mut sender: Sender,
    request: Request,
) -> Result<Response, IntakeError> {
    without_query(query.as_deref())?;
    refuse_encoded(&sender.headers)?;
    // A body that is no form holds no archive.
    let form = match Multipart::from_request(request, &()).await {
        Ok(parts) => Form::read(parts).await?,
        Err(_) => Form::default(),
    };
    sender.identify(&intake.door, form.api_key.as_deref())?;
    let Some((file, size)) = form.file else { return Err(bad("No archive provided")) };
    let configuration = match form.configuration.as_deref() {
        None => report_parameters::configuration(&form.members)?,
        Some(text) => {
            let invalid = |error: &dyn std::fmt::Display| {
                faulty(UploadFault::Configuration, format!("Invalid configuration, error: {error}"))
            };
            let value: Value = serde_json::from_str(text).map_err(|error| invalid(&error))?;
            Configuration::from_json(&value).map_err(|error| invalid(&error))?
        }
    };
    let suite = suite_name(form.suite.map(Value::from))?;
    let commits: Value = match form.commits.as_deref() {
        None => Value::Null,
        Some(text) => serde_json::from_str(text)
            .map_err(|_| faulty(UploadFault::Commit, "Expected commit meta-data to be json"))?,
    };
    let inputs = commit_inputs(commits, |repository| intake.commits.default_branch(repository).to_owned())?;
    let commits = intake.commits.resolve(sender.own_commits(&suite, inputs)?).await?;
    if commits.is_empty() {
        return Err(faulty(UploadFault::Commit, "No commits provided"));
    }
    sender.may_upload_run(&suite, &commits)?;
    let file = blocking(move || {
        zip::ZipArchive::new(&file).map_err(|_| bad("Archive is not a zipfile"))?;
        Ok::<_, IntakeError>(file)
    })
    .await??;
    let timestamp = match form.timestamp.as_deref() {
        None => now_signed(),
        Some(text) => seconds(text.trim().parse::<i64>().ok().map(|seconds| seconds as f64))?,
    };
    // Runs of the reference have all members. Those of reports need not; they have labels, or are named by fields.
    let by_fields = form.configuration.is_none() && !form.members.is_empty();
    if !by_fields && configuration.labels.is_empty() && !configuration.is_complete() {
        return Err(faulty(UploadFault::PartialConfiguration, "Cannot register a partial configuration"));
    }
    if size > MAX_BYTES {
        return Err(bad(format!("Archive larger than {} MB", MAX_BYTES >> 20)));
    }
    let stored = intake.blobs.put(file).await;
    let (digest, size) = stored.map_err(|error| IntakeError::Unavailable(error.to_string()))?;
    let received_at = now_signed();
    let expiry = Expiry::of_archive(timestamp, received_at);
    let key = event::upload_key(&configuration, &suite, &commits);
    let request = event::Request::Archive { suite, configuration, commits, timestamp, digest, size };
    let accepted = AcceptedRequest::new(request, no_payload(), received_at, &sender)?;
    let receipt = intake.appender.append(&key, accepted).await?;
    intake.wait_as_preferred(&Preferences::of(&sender.headers), receipt).await;
    Ok(answer(receipt, expiry))
}

/// The reference's answer; the receipt, and that the archive is too old to be stored, are in headers.
fn answer(receipt: Receipt, expiry: Option<Expiry>) -> Response {
    let mut response = Json(json!({ "status": "ok" })).into_response();
    if let Ok(receipt) = HeaderValue::from_str(&receipt.to_string()) {
        response.headers_mut().insert(RECEIPT_HEADER, receipt);
    }
    if let Some(expiry) = expiry {
        warn(&mut response, UploadFault::Expired, &expiry.to_string());
    }
    response
}

impl Form {
    async fn read(mut form_parts: Multipart) -> Result<Self, IntakeError> {
        let mut form = Self::default();
        while let Some(mut part) = form_parts.next_field().await.map_err(cut)? {
            let name = part.name().unwrap_or_default().to_owned();
            if name == "file" {
                let mut file = tempfile::tempfile().map_err(full)?;
                let mut size = 0;
                while let Some(chunk) = part.chunk().await.map_err(cut)? {
                    size += chunk.len() as u64;
                    // The rest is read, so that the sender hears the answer, but not kept.
                    if size <= MAX_BYTES {
                        file.write_all(&chunk).map_err(full)?;
                    }
                }
                form.file = Some((file, size));
                continue;
            }
            let text = parts::field(&mut part, MAX_FIELD_BYTES).await?;
            let text = text.ok_or_else(|| bad(format!("'{name}' is too long")))?;
            let text = String::from_utf8(text).map_err(|_| bad("Expected meta-data to be json"))?;
            match name.as_str() {
                "suite" => form.suite = Some(text),
                "configuration" => form.configuration = Some(text),
                "commits" => form.commits = Some(text),
                "timestamp" => form.timestamp = Some(text),
                API_KEY => form.api_key = Some(text),
                name if report_parameters::is_configuration(name) => {
                    if form.members.len() >= MAX_MEMBERS {
                        let text = format!("The form has more than {MAX_MEMBERS} members of a configuration");
                        return Err(faulty(UploadFault::Configuration, text));
                    }
                    form.members.push((name.to_owned(), text));
                }
                _ => {}
            }
        }
        Ok(form)
    }
}

fn full(error: std::io::Error) -> IntakeError {
    not_kept("archive", &error)
}
