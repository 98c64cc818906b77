//! `POST /api/upload`: the results of one run.

use axum::Json;
use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use schema::clock::now_signed;
use schema::commit::CommitInput;
use schema::configuration::Configuration;
use schema::event::{self, CI_URLS, Request, STEPS, UploadFingerprint};
use schema::receipt::{RECEIPT_HEADER, Receipt};
use serde_json::{Map, Value, json};
use web::blocking::blocking;
use web::openapi::{self, JSON, Operation, shared, text};
use web::prefer::{Handling, PREFERENCE_APPLIED, Preferences, applied};

use super::schemas::given_commits;
use crate::append::AcceptedRequest;
use crate::checks::outcomes::UnknownOutcomes;
use crate::checks::upload::{StrictHandling, UploadDocument};
use crate::error::IntakeError;
use crate::state::Intake;

/// `POST /api/upload`.
pub(crate) const OPERATION: Operation = Operation {
    method: "post",
    path: "/api/upload",
    summary: "Take in one run; Prefer: wait=N holds the answer until it is visible, N seconds at most; Prefer: \
              handling=strict refuses results that cannot be read and states that nobody knows; a repetition, by Idempotency-Key or by contents, is \
              given the first receipt",
    parameters: &[],
    body: Some(openapi::Body { media: JSON, schema: document_schema }),
    media: JSON,
    answer: || {
        json!({
            "type": "object",
            "properties": { "status": { "const": "ok" }, "processing": shared("Processing"), "receipt": text() },
            "required": ["status", "processing"],
            "additionalProperties": false,
        })
    },
    errors: &[400, 404, 413, 415, 422, 503],
};

fn document_schema() -> Value {
    json!({
        "type": "object",
        "properties": {
            "version": { "type": "integer" },
            "suite": { "type": "string", "minLength": 1 },
            "configuration": shared("GivenConfiguration"),
            "commits": given_commits(),
            "timestamp": { "type": "integer", "minimum": 0 },
            "test_results": {
                "type": "object",
                "properties": {
                    "details": { "type": "object" },
                    "run_stats": { "type": "object" },
                    "results": { "type": "object" },
                },
                "required": ["results"],
            },
        },
        "required": ["suite", "configuration", "commits", "test_results"],
    })
}

pub(crate) async fn take(
    State(intake): State<Intake>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, IntakeError> {
    let preferences = Preferences::of(&headers);
    let (body, _memory) = intake.body_memory.read(query.as_deref(), &headers, body).await?;
    let received_at = now_signed();
    let strict = strict_handling(&preferences, intake.is_strict);
    let checked = check(&intake, body, strict).await?;
    let commits = intake.commits.resolve(checked.commits).await?;
    let (links, links_error) = match intake.masters.links(&checked.details).await {
        Ok(links) => (Some(links), None),
        Err(error) => (None, Some(error.to_string())),
    };
    let CheckedUpload { suite, configuration, timestamp, test_results, results_error, unknown, .. } = checked;
    let key = event::upload_key(&configuration, &suite, &commits);
    let timestamp = timestamp.unwrap_or(received_at);
    let request = Request::Upload { suite, configuration, commits, timestamp, links };
    let receipt = append(&intake, &key, request, received_at, test_results, &headers).await?;
    let is_shown = intake.wait_as_preferred(&preferences, receipt).await;
    metrics::counter!("resultsdb_unknown_outcomes_total").increment(unknown.tests);
    let messages = StepMessages { results_error, links_error, unknown: unknown.describe() };
    let steps = messages.processing(is_shown);
    Ok(answer(&preferences, is_shown, receipt, steps))
}

/// What is left of an upload's document once it is checked.
struct CheckedUpload {
    suite: String,
    configuration: Configuration,
    commits: Vec<CommitInput>,
    /// Start of the run, seconds since the Unix epoch.
    timestamp: Option<i64>,
    /// The results as they are written: a part of the body, so that the document is held once.
    test_results: Bytes,
    /// Why the steps that read the results fail.
    results_error: Option<String>,
    /// Tests whose outcome nobody knows.
    unknown: UnknownOutcomes,
    /// What the uploader says of its CI.
    details: Map<String, Value>,
}

/// Who wants the upload handled strictly, if anybody does: the sender decides, and the configuration where the sender has no
/// preference.
fn strict_handling(preferences: &Preferences, is_strict: bool) -> Option<StrictHandling> {
    match preferences.handling {
        Some(Handling::Strict) => Some(StrictHandling::Request),
        Some(Handling::Lenient) => None,
        None => is_strict.then_some(StrictHandling::Configuration),
    }
}

async fn check(intake: &Intake, body: Bytes, strict: Option<StrictHandling>) -> Result<CheckedUpload, IntakeError> {
    let resolver = intake.commits.clone();
    blocking(move || {
        let upload = UploadDocument::read(&body, |repository| resolver.default_branch(repository).to_owned())?;
        if let Some(asked_by) = strict {
            upload.refuse_strictly(asked_by)?;
        }
        let test_results = body.slice_ref(upload.test_results.as_bytes());
        let UploadDocument { suite, configuration, commits, timestamp, step_error, unknown, details, .. } = upload;
        let results_error = step_error.map(|error| error.to_string());
        Ok(CheckedUpload { suite, configuration, commits, timestamp, test_results, results_error, unknown, details })
    })
    .await?
}

/// Appends the upload, unless it repeats an earlier one; that one's receipt stands for both.
async fn append(
    intake: &Intake,
    key: &[u8],
    request: Request,
    received_at: i64,
    test_results: Bytes,
    headers: &HeaderMap,
) -> Result<Receipt, IntakeError> {
    let idempotency_key = headers.get("idempotency-key").map(|value| value.as_bytes().to_vec());
    let (request, payload, fingerprint) = blocking(move || {
        let fingerprint = UploadFingerprint::of(&request, &test_results, idempotency_key.as_deref());
        (request, test_results, fingerprint)
    })
    .await?;
    let accepted = AcceptedRequest::new(request, payload, received_at, headers);
    let accepted = AcceptedRequest { fingerprint: fingerprint.clone(), ..accepted };
    let appending = intake.appender.append(key, accepted);
    match fingerprint {
        None => appending.await,
        Some(fingerprint) => intake.duplicates.first_receipt(&fingerprint, appending).await,
    }
}

fn answer(preferences: &Preferences, is_shown: bool, receipt: Receipt, processing: Value) -> Response {
    let receipt = receipt.to_string();
    let mut answer = json!({ "status": "ok", "processing": processing });
    // The reference's clients may compare the whole answer; whoever states this preference is none of them.
    if preferences.return_representation {
        answer["receipt"] = receipt.clone().into();
    }
    let mut response = Json(answer).into_response();
    if let Ok(receipt) = HeaderValue::from_str(&receipt) {
        response.headers_mut().insert(RECEIPT_HEADER, receipt);
    }
    let waited = preferences.wait.filter(|_| is_shown).map(|limit| format!("wait={}", limit.as_secs()));
    let strict = preferences.is_strict().then(|| "handling=strict".to_owned());
    let honoured: Vec<String> = waited.into_iter().chain(strict).collect();
    if let Some(value) = applied(&honoured) {
        response.headers_mut().insert(PREFERENCE_APPLIED, value);
    }
    response
}

/// The step that writes the results of tests.
const TEST_RESULTS: &str = "test-results";

/// What the answer says of the steps of processing.
struct StepMessages {
    /// Why the steps that read the results fail.
    results_error: Option<String>,
    /// Why the run has no links to its CI.
    links_error: Option<String>,
    /// What is odd about outcomes.
    unknown: Option<String>,
}

impl StepMessages {
    /// What each step of processing came to, by the step's name.
    fn processing(&self, is_shown: bool) -> Value {
        let steps = STEPS.iter().map(|step| {
            let links_error = self.links_error.as_ref().filter(|_| step.name == CI_URLS);
            let error = if step.reads_results { self.results_error.as_ref() } else { links_error };
            let mut state = match error {
                Some(text) => json!({ "status": "error", "description": text }),
                None if is_shown => json!({ "status": "ok" }),
                None => json!({ "status": "Queued" }),
            };
            if let Some(text) = self.unknown.as_ref().filter(|_| step.name == TEST_RESULTS) {
                state["warning"] =
                    format!("{text}; it is kept as it came, and a test without a known state counts as not run").into();
            }
            (step.name.to_owned(), state)
        });
        Value::Object(steps.collect())
    }
}
