//! `POST /api/upload`: the results of one run.

use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use bytes::Bytes;
use schema::clock::{AHEAD_SECONDS, now_signed};
use schema::commit::{CommitInput, run_uuid};
use schema::configuration::Configuration;
use schema::event::{self, Request, UploadFingerprint};
use schema::expiry::Expiry;
use schema::receipt::Receipt;
use schema::run_notes::RunNotes;
use schema::seconds::DAY;
use serde_json::{Map, Value, json};
use web::blocking::blocking;
use web::openapi::{self, Operation, shared, text};
use web::prefer::{Handling, Preferences};

use super::schemas::given_commits;
use super::upload_answer::UploadAnswer;
use crate::append::AcceptedRequest;
use crate::checks::outcomes::UnknownOutcomes;
use crate::checks::upload::{RequiredMembers, StrictHandling, UploadDocument};
use crate::error::IntakeError;
use crate::sender::Sender;
use crate::state::Intake;

/// `POST /api/upload`.
pub(crate) const OPERATION: Operation = Operation::post("/api/upload", "Take in one run; Prefer: wait=N holds the answer until it is visible, N seconds at most; Prefer: \
              handling=strict refuses results that cannot be read and states that nobody knows; a repetition, by Idempotency-Key or by contents, is \
              given the first receipt", || {
        json!({
            "type": "object",
            "properties": { "status": { "const": "ok" }, "processing": shared("Processing"), "receipt": text() },
            "required": ["status", "processing"],
            "additionalProperties": false,
        })
    }, &[400, 404, 413, 415, 422, 503]).taking(document_schema);

fn document_schema() -> Value {
    json!({
        "type": "object",
        "properties": {
            "version": { "type": "integer" },
            "suite": { "type": "string", "minLength": 1 },
            "configuration": shared("GivenConfiguration"),
            "commits": given_commits(),
            "timestamp": { "type": "integer", "minimum": 0 },
            "run": {
                "type": "object",
                "properties": {
                    "id": text(), "link": text(), "exit_code": { "type": "integer" }, "tool": text(),
                },
            },
            "shard": {
                "type": "object",
                "properties": {
                    "index": { "type": "integer", "minimum": 1 }, "count": { "type": "integer", "minimum": 1, "maximum": 1000 },
                    "of": text(),
                },
                "required": ["index", "count"],
            },
            "expects": openapi::texts(),
            "problems": openapi::texts(),
            "change": {
                "type": "object", "properties": { "id": text(), "authors": openapi::texts(), "base": text() }, "required": ["id"],
            },
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
    sender: Sender,
    body: Body,
) -> Result<Response, IntakeError> {
    let (body, _memory) = intake.body_memory.read(query.as_deref(), &sender.headers, body).await?;
    take_document(&intake, sender, body, DocumentOrigin { required: RequiredMembers::OfReference, has_start: true })
        .await
}

/// What is known of a document beside its text.
pub(super) struct DocumentOrigin {
    /// What its configuration has to say.
    pub(super) required: RequiredMembers,
    /// Whether its start is one, and not the place of one that nobody knows.
    pub(super) has_start: bool,
}

/// Takes in the document of a run: checks it, finds its commits, appends it, and waits as its sender prefers.
pub(super) async fn take_document(
    intake: &Intake,
    sender: Sender,
    body: Bytes,
    origin: DocumentOrigin,
) -> Result<Response, IntakeError> {
    let preferences = Preferences::of(&sender.headers);
    let received_at = now_signed();
    let strict = strict_handling(&preferences, intake.is_strict);
    let (checked, sender) = check(intake, sender, body, strict, origin.required).await?;
    let commits = intake.commits.resolve(sender.own_commits(&checked.suite, checked.commits)?).await?;
    sender.may_upload_run(&checked.suite, &commits)?;
    sender.may_speak_for(checked.notes.as_deref())?;
    let (links, links_error) = match intake.masters.links(&checked.details).await {
        Ok(links) => (Some(links), None),
        Err(error) => (None, Some(error.to_string())),
    };
    let CheckedUpload { suite, configuration, timestamp, test_results, results_error, unknown, notes, .. } = checked;
    let key = event::upload_key(&configuration, &suite, &commits);
    let start = timestamp.filter(|_| origin.has_start);
    let timestamp = start.unwrap_or(received_at);
    let shard = notes.as_ref().and_then(|notes| notes.shard.as_ref());
    let timestamp = shard.map_or(timestamp, |shard| shard.start(timestamp));
    let commit_time = run_uuid(&commits) / 100;
    let times =
        [("The time of the newest commit", commit_time), ("The start of the run", timestamp.max(0).unsigned_abs())];
    let ahead = times.into_iter().filter_map(|(what, time)| Some((what, days_ahead(time, received_at)?))).collect();
    let expiry = Expiry::of_run(&intake.retention, &suite, &commits, received_at);
    let request = Request::Upload { suite, configuration, commits, timestamp, links, notes };
    let run = UploadedRun { request, test_results, received_at, has_start: start.is_some() };
    let receipt = append(intake, &key, run, &sender).await?;
    let is_shown = intake.wait_as_preferred(&preferences, receipt).await;
    metrics::counter!("resultsdb_unknown_outcomes_total").increment(unknown.tests);
    Ok(UploadAnswer { is_shown, receipt, results_error, links_error, unknown: unknown.describe(), ahead, expiry }
        .into_response(&preferences))
}

/// How far a time, seconds since 1970, lies ahead of the upload, whole days, if that is further than a clock may be wrong.
fn days_ahead(time: u64, received_at: i64) -> Option<u64> {
    let ahead = time.saturating_sub(received_at.unsigned_abs());
    (ahead > AHEAD_SECONDS).then_some(ahead / DAY)
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
    /// What else it says of the run.
    notes: Option<Box<RunNotes>>,
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

async fn check(
    intake: &Intake,
    mut sender: Sender,
    body: Bytes,
    strict: Option<StrictHandling>,
    required: RequiredMembers,
) -> Result<(CheckedUpload, Sender), IntakeError> {
    let (resolver, door) = (intake.commits.clone(), intake.door.clone());
    blocking(move || {
        let default_branch = |repository: &str| resolver.default_branch(repository).to_owned();
        let identify = |api_key: Option<&str>| Ok(sender.identify(&door, api_key)?);
        let upload = UploadDocument::read(&body, identify, default_branch, required)
            .map_err(|error| error.told(strict.is_some()))?;
        if let Some(asked_by) = strict {
            upload.refuse_strictly(asked_by)?;
        }
        let test_results = body.slice_ref(upload.test_results.as_bytes());
        let UploadDocument { suite, configuration, commits, timestamp, step_error, unknown, details, notes, .. } =
            upload;
        let results_error = step_error.map(|error| error.to_string());
        let checked = CheckedUpload {
            suite,
            configuration,
            commits,
            timestamp,
            test_results,
            results_error,
            unknown,
            details,
            notes,
        };
        Ok((checked, sender))
    })
    .await?
}

/// A checked run, ready for the log.
struct UploadedRun {
    request: Request,
    test_results: Bytes,
    /// Seconds since 1970.
    received_at: i64,
    /// Whether its sender said when it started. Without that, the time of the upload stands for it.
    has_start: bool,
}

/// Appends the upload, unless it repeats an earlier one; that one's receipt stands for both.
async fn append(intake: &Intake, key: &[u8], run: UploadedRun, sender: &Sender) -> Result<Receipt, IntakeError> {
    let UploadedRun { request, test_results, received_at, has_start } = run;
    // A pipeline whose variable is not set sends an empty one, which is none.
    let idempotency_key = sender.headers.get("idempotency-key").map(|value| value.as_bytes().trim_ascii().to_vec());
    let idempotency_key = idempotency_key.filter(|key| !key.is_empty());
    let (request, payload, fingerprint) = blocking(move || {
        let fingerprint = UploadFingerprint::of(&request, &test_results, idempotency_key.as_deref());
        // The start of a run that has none differs with each try, which makes it no other upload.
        let fingerprint =
            if has_start { fingerprint } else { fingerprint.map(|it| it.at_any_time(&request, &test_results)) };
        (request, test_results, fingerprint)
    })
    .await?;
    let accepted = AcceptedRequest::new(request, payload, received_at, sender)?;
    let accepted = AcceptedRequest { fingerprint: fingerprint.clone(), ..accepted };
    let appending = intake.appender.append(key, accepted);
    match fingerprint {
        None => appending.await,
        Some(fingerprint) => intake.duplicates.first_receipt(&fingerprint, appending).await,
    }
}
