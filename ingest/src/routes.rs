//! The intake's endpoints.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::body::Body;
use axum::extract::{DefaultBodyLimit, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use bytes::{Bytes, BytesMut};
use eventlog::{EventLog, Position};
use futures_util::StreamExt;
use schema::commit::{Commit, CommitInput};
use schema::event::{self, Header, Request};
use schema::{EVENTS_TOPIC, PROCESSOR_GROUP};
use serde_json::{Value, json};
use tokio::sync::OwnedSemaphorePermit;
use uuid::Uuid;

use crate::document::{self, Upload};
use crate::error::{IntakeError, bad};
use crate::{Intake, IntakeOptions, MAX_BODY_BYTES, references};

/// Commit registration always waits for the views, this long.
const COMMIT_WAIT: Duration = Duration::from_secs(30);
/// The longest wait that a sender may ask for.
const MAX_WAIT: Duration = Duration::from_secs(300);
const STEPS: [&str; 5] = ["ci-urls", "test-failures", "suite-results", "test-results", "commit-identifiers"];
/// Steps that read the results, and so report what is wrong with them.
const RESULT_STEPS: [&str; 3] = ["test-failures", "suite-results", "test-results"];

/// The routes of the intake.
pub fn router(log: Arc<dyn EventLog>, client: clickhouse::Client, options: IntakeOptions) -> Router {
    Router::new()
        .route("/api/upload", post(upload))
        .route("/api/commits", post(register))
        .route("/api/commits/register", post(register))
        .layer(DefaultBodyLimit::disable())
        .with_state(Intake::new(log, client, options))
}

async fn upload(
    State(intake): State<Intake>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, IntakeError> {
    let (body, _memory) = read_body(&intake, query, &headers, body).await?;
    let received_at = now();
    // Scanning and compressing a large document would hold up other requests of this thread.
    let branches = Arc::clone(&intake.options);
    let shared = body.clone();
    let inputs = blocking(move || {
        let upload = Upload::read(&shared, |repository| {
            branches.default_branches.get(repository).map_or("main", String::as_str).to_owned()
        })?;
        let range = slice_of(&shared, upload.test_results.get());
        Ok((upload.suite, upload.configuration, upload.commits, upload.timestamp, range, upload.step_error))
    })
    .await?;
    let (suite, configuration, inputs, timestamp, results, step_error) = inputs;
    let commits = references::resolve(&intake, inputs).await?;
    let uuid = commits.iter().map(Commit::uuid).max().unwrap_or_default();
    let key = event::upload_key(&configuration, &suite, uuid);
    let request = Request::Upload { suite, configuration, commits, timestamp: timestamp.unwrap_or(received_at) };
    let position = append(&intake, &key, request, received_at, results).await?;
    drop(body);

    let wait = preferred_wait(&headers);
    let applied = match wait.or(intake.options.default_wait) {
        Some(limit) => wait_until_applied(&intake, position, limit).await,
        None => false,
    };
    let mut response = Json(json!({ "status": "ok", "processing": processing(applied, step_error) })).into_response();
    if let (Some(limit), true) = (wait, applied)
        && let Ok(value) = HeaderValue::from_str(&format!("wait={}", limit.as_secs()))
    {
        response.headers_mut().insert("preference-applied", value);
    }
    Ok(response)
}

async fn register(
    State(intake): State<Intake>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, IntakeError> {
    let (body, _memory) = read_body(&intake, query, &headers, body).await?;
    let raw = document::object(&body)?;
    let mut value: Value = serde_json::from_str(raw.get()).map_err(|error| bad(error.to_string()))?;
    if let Some(members) = value.as_object_mut() {
        members.remove("api_key");
    }
    let repository = value.get("repository_id").and_then(Value::as_str).unwrap_or_default();
    let input =
        CommitInput::from_json(&value, intake.default_branch(repository)).map_err(|error| bad(error.to_string()))?;
    match input {
        reference @ CommitInput::Reference { .. } => {
            references::resolve(&intake, vec![reference]).await?;
        }
        CommitInput::Complete(commit) => {
            let key = commit.repository_id.clone().into_bytes();
            let position = append(&intake, &key, Request::Commit(commit), now(), Bytes::from_static(b"null")).await?;
            // An upload that names the commit may follow at once, at another instance.
            if !wait_until_applied(&intake, position, COMMIT_WAIT).await {
                return Err(IntakeError::Unavailable("The commit is stored but not visible yet".into()));
            }
        }
    }
    Ok(Json(json!({ "status": "ok" })))
}

/// The body as JSON bytes, with the memory permit that covers it.
async fn read_body(
    intake: &Intake,
    query: Option<String>,
    headers: &HeaderMap,
    body: Body,
) -> Result<(Bytes, OwnedSemaphorePermit), IntakeError> {
    if query.is_some_and(|query| !query.is_empty()) {
        return Err(bad("Queries not supported on this endpoint"));
    }
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let announced = text(header::CONTENT_LENGTH).and_then(|length| length.parse::<usize>().ok());
    let expected = announced.unwrap_or(MAX_BODY_BYTES);
    if expected > MAX_BODY_BYTES {
        return Err(IntakeError::TooLarge);
    }
    let permits = (expected >> 20) as u32 + 1;
    let memory = Arc::clone(&intake.memory)
        .acquire_many_owned(permits)
        .await
        .map_err(|_| IntakeError::Unavailable("The intake is shutting down".into()))?;
    let mut collected = BytesMut::with_capacity(announced.unwrap_or(0));
    let mut chunks = body.into_data_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|error| bad(format!("The body was cut off: {error}")))?;
        if collected.len() + chunk.len() > MAX_BODY_BYTES {
            return Err(IntakeError::TooLarge);
        }
        collected.extend_from_slice(&chunk);
    }
    let body = collected.freeze();
    let is_form = text(header::CONTENT_TYPE).is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
    // Content-Type is not looked at where the body is JSON: some uploaders name the wrong one.
    let looks_like_json =
        body.iter().find(|byte| !byte.is_ascii_whitespace()).is_some_and(|byte| *byte == b'{' || *byte == b'[');
    Ok((if is_form && !looks_like_json { document::form_as_json(&body).into() } else { body }, memory))
}

async fn append(
    intake: &Intake,
    key: &[u8],
    request: Request,
    received_at: i64,
    test_results: Bytes,
) -> Result<Position, IntakeError> {
    let encoded = blocking(move || {
        let header = Header { event_id: Uuid::now_v7(), received_at, request };
        let results = std::str::from_utf8(&test_results).map_err(|error| bad(error.to_string()))?;
        event::encode(&header, results).map_err(|error| bad(error.to_string()))
    })
    .await?;
    intake
        .log
        .append(EVENTS_TOPIC, key, encoded.into())
        .await
        .map_err(|error| IntakeError::Unavailable(error.to_string()))
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, IntakeError> + Send + 'static,
) -> Result<T, IntakeError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| IntakeError::Unavailable("The request could not be processed".into()))?
}

/// A slice of the body as shared bytes: the document is held once.
fn slice_of(body: &Bytes, part: &str) -> Bytes {
    body.slice_ref(part.as_bytes())
}

/// Whether the processor committed past `position` within `limit`.
async fn wait_until_applied(intake: &Intake, position: Position, limit: Duration) -> bool {
    let mut pause = Duration::from_millis(2);
    let poll = async {
        loop {
            if let Ok(committed) = intake.log.committed_offsets(EVENTS_TOPIC, PROCESSOR_GROUP).await
                && committed.get(position.partition as usize).is_some_and(|next| *next > position.offset)
            {
                return;
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_millis(50));
        }
    };
    tokio::time::timeout(limit.min(MAX_WAIT), poll).await.is_ok()
}

fn preferred_wait(headers: &HeaderMap) -> Option<Duration> {
    let preferences = headers.get("prefer")?.to_str().ok()?;
    let seconds = preferences.split([',', ';']).find_map(|preference| preference.trim().strip_prefix("wait="))?;
    seconds.trim().parse().ok().map(Duration::from_secs)
}

fn processing(applied: bool, step_error: Option<String>) -> Value {
    let mut steps = serde_json::Map::new();
    for step in STEPS {
        let state = match &step_error {
            Some(text) if RESULT_STEPS.contains(&step) => {
                json!({ "status": "error", "description": text })
            }
            _ if applied => json!({ "status": "ok" }),
            _ => json!({ "status": "Queued" }),
        };
        steps.insert(step.to_owned(), state);
    }
    Value::Object(steps)
}

fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() as i64)
}
