//! The intake's endpoints.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{DefaultBodyLimit, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use eventlog::EventLog;
use schema::blobs::Blobs;
use schema::commit::{Commit, CommitInput};
use schema::event::{self, CI_URLS, Once, Request, STEPS};
use schema::receipt::RECEIPT_HEADER;
use serde_json::{Value, json};
use web::blocking::blocking;
use web::prefer::{PREFERENCE_APPLIED, Preferences, applied};

use crate::append::{Told, append, append_and_show, now, slice_of, wait_until_applied};
use crate::document::{self, Upload};
use crate::error::{IntakeError, bad};
use crate::{Intake, IntakeOptions, archive, body, bugs, dead_letters, ews, references};

/// The routes of the intake.
pub fn router(log: Arc<dyn EventLog>, client: clickhouse::Client, blobs: Blobs, options: IntakeOptions) -> Router {
    Router::new()
        .route("/api/upload", post(upload))
        .route("/api/upload/archive", post(archive::upload))
        .route("/api/upload/ews", post(ews::upload))
        .route("/api/bugs", post(bugs::link))
        .route("/api/commits", post(register))
        .route("/api/commits/register", post(register))
        .route("/api/dead-letters/{id}/{action}", post(dead_letters::act))
        .layer(DefaultBodyLimit::disable())
        .with_state(Intake::new(log, client, blobs, options))
}

async fn upload(
    State(intake): State<Intake>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, IntakeError> {
    let (body, _memory) = body::read(&intake, query.as_deref(), &headers, body).await?;
    let received_at = now();
    let (shared, options) = (body.clone(), Arc::clone(&intake.options));
    let checked = blocking(move || {
        let upload = Upload::read(&shared, |repository| options.default_branch(repository).to_owned())?;
        let results = slice_of(&shared, upload.test_results);
        let Upload { suite, configuration, commits, timestamp, step_error, details, .. } = upload;
        Ok::<_, IntakeError>((suite, configuration, commits, timestamp, results, step_error, details))
    })
    .await??;
    let (suite, configuration, inputs, timestamp, results, results_error, details) = checked;
    let commits = references::resolve(&intake, inputs).await?;
    let uuid = commits.iter().map(Commit::uuid).max().unwrap_or_default();
    let key = event::upload_key(&configuration, &suite, uuid);
    let (links, links_error) = match intake.masters.links(&details).await {
        Ok(links) => (Some(links), None),
        Err(error) => (None, Some(error.to_string())),
    };
    let timestamp = timestamp.unwrap_or(received_at);
    let request = Request::Upload { suite, configuration, commits, timestamp, links };
    let idempotency_key = headers.get("idempotency-key").map(|value| value.as_bytes().to_vec());
    let (request, results, once) = blocking(move || {
        let once = Once::of(&request, &results, idempotency_key.as_deref());
        (request, results, once)
    })
    .await?;
    let told = Told { once: once.clone(), ..Told::by(&headers) };
    let appending = append(&intake, &key, request, received_at, results, told);
    let receipt = match once {
        None => appending.await?,
        Some(once) => intake.repeats.once(&intake, &once, appending).await?,
    };
    drop(body);

    let preferences = Preferences::of(&headers);
    let is_applied = match preferences.wait.or(intake.options.default_wait) {
        Some(limit) => wait_until_applied(&intake, receipt, limit).await,
        None => false,
    };
    let processing = processing(is_applied, results_error.as_deref(), links_error.as_deref());
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
    let waited = preferences.wait.filter(|_| is_applied).map(|limit| format!("wait={}", limit.as_secs()));
    if let Some(value) = applied(waited.as_slice()) {
        response.headers_mut().insert(PREFERENCE_APPLIED, value);
    }
    Ok(response)
}

async fn register(
    State(intake): State<Intake>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, IntakeError> {
    let (body, _memory) = body::read(&intake, query.as_deref(), &headers, body).await?;
    let raw = document::object(&body)?;
    let mut value: Value = serde_json::from_str(raw).map_err(|error| bad(error.to_string()))?;
    if let Some(members) = value.as_object_mut() {
        members.remove("api_key");
    }
    let repository = value.get("repository_id").and_then(Value::as_str).unwrap_or_default();
    let default_branch = intake.options.default_branch(repository);
    let unknown = match CommitInput::from_json(&value, default_branch).map_err(|error| bad(error.to_string()))? {
        CommitInput::Reference { repository_id, reference } => {
            references::find(&intake, &repository_id, &reference).await?.unknown()
        }
        CommitInput::Complete(commit) => Some(commit),
    };
    if let Some(commit) = unknown {
        let key = commit.repository_id.clone().into_bytes();
        // An upload that names the commit may follow at once, at another instance.
        append_and_show(&intake, &key, Request::Commit(commit), &headers, "commit").await?;
    }
    Ok(Json(json!({ "status": "ok" })))
}

fn processing(applied: bool, results_error: Option<&str>, links_error: Option<&str>) -> Value {
    let steps = STEPS.iter().map(|step| {
        let error = if step.reads_results { results_error } else { links_error.filter(|_| step.name == CI_URLS) };
        let state = match error {
            Some(text) => json!({ "status": "error", "description": text }),
            None if applied => json!({ "status": "ok" }),
            None => json!({ "status": "Queued" }),
        };
        (step.name.to_owned(), state)
    });
    Value::Object(steps.collect())
}
