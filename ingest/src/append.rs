//! Appends events to the log, and waits until the views show them.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use axum::http::HeaderMap;
use bytes::Bytes;
use schema::event::{self, Header, Once, REQUEST_ID_HEADER, Request, TRACE_HEADER};
use schema::receipt::Receipt;
use schema::{EVENTS_TOPIC, PROCESSOR_GROUP};
use uuid::Uuid;
use web::blocking::blocking;

use crate::Intake;
use crate::error::{IntakeError, bad};

/// The longest wait that a sender may ask for.
const MAX_WAIT: Duration = Duration::from_secs(300);

/// What others ask for next always waits for the views, this long.
const SHORT_WAIT: Duration = Duration::from_secs(30);

/// Larger results go to the blob store; a log is slow with large records, and limits them.
const INLINE_BYTES: usize = 8 << 20;

/// What is known of a request beside what it asks for.
#[derive(Default)]
pub(crate) struct Told {
    pub(crate) once: Option<Once>,
    pub(crate) request_id: Option<String>,
    pub(crate) trace: Option<String>,
}

impl Told {
    pub(crate) fn by(headers: &HeaderMap) -> Self {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        Self { once: None, request_id: text(REQUEST_ID_HEADER), trace: text(TRACE_HEADER) }
    }
}

/// Appends one event; returns once it is durable.
pub(crate) async fn append(
    intake: &Intake,
    key: &[u8],
    request: Request,
    received_at: i64,
    test_results: Bytes,
    told: Told,
) -> Result<Receipt, IntakeError> {
    let event_id = Uuid::now_v7();
    let Told { once, request_id, trace } = told;
    let mut header = Header { event_id, received_at, request, payload: None, once, request_id, trace };
    // What does not fit is only known once it is compressed, but what is small always fits.
    if test_results.len() > INLINE_BYTES {
        let results = test_results.clone();
        let frame = blocking(move || {
            let mut frame = tempfile::tempfile().map_err(full)?;
            event::compress(text(&results)?, &mut frame).map_err(full)?;
            Ok::<_, IntakeError>(frame)
        })
        .await??;
        if frame.metadata().map_err(full)?.len() > INLINE_BYTES as u64 {
            let stored = intake.blobs.put(frame).await;
            header.payload = Some(stored.map_err(|error| IntakeError::Unavailable(error.to_string()))?.0);
        }
    }
    let encoded = blocking(move || {
        let results = if header.payload.is_some() { "null" } else { text(&test_results)? };
        event::encode(&header, results).map_err(|error| bad(error.to_string()))
    })
    .await??;
    let (begun, bytes) = (Instant::now(), encoded.len());
    let appended = intake.log.append(EVENTS_TOPIC, key, encoded.into()).await;
    metrics::histogram!("resultsdb_append_seconds").record(begun.elapsed().as_secs_f64());
    metrics::counter!("resultsdb_appended_events_total", "result" => if appended.is_ok() { "ok" } else { "error" })
        .increment(1);
    metrics::counter!("resultsdb_appended_bytes_total").increment(bytes as u64);
    let position = appended.map_err(|error| IntakeError::Unavailable(error.to_string()))?;
    tracing::debug!(%event_id, partition = position.partition, offset = position.offset, "appended");
    Ok(Receipt { partition: position.partition, offset: position.offset, event_id })
}

fn text(bytes: &Bytes) -> Result<&str, IntakeError> {
    std::str::from_utf8(bytes).map_err(|error| bad(error.to_string()))
}

fn full(error: std::io::Error) -> IntakeError {
    IntakeError::Unavailable(format!("The upload cannot be kept: {error}"))
}

/// A slice of the body as shared bytes: the document is held once.
pub(crate) fn slice_of(body: &Bytes, part: &str) -> Bytes {
    body.slice_ref(part.as_bytes())
}

/// Whether the processor committed past the event within `limit`.
pub(crate) async fn wait_until_applied(intake: &Intake, receipt: Receipt, limit: Duration) -> bool {
    let mut pause = Duration::from_millis(2);
    let mut commits = intake.log.commits();
    let poll = async {
        loop {
            if let Ok(committed) = intake.log.committed_offsets(EVENTS_TOPIC, PROCESSOR_GROUP).await
                && committed.get(receipt.partition as usize).is_some_and(|next| *next > receipt.offset)
            {
                return;
            }
            let told = match &mut commits {
                Some(commits) => commits.changed().await.is_ok(),
                None => false,
            };
            if !told {
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(Duration::from_millis(50));
            }
        }
    };
    tokio::time::timeout(limit.min(MAX_WAIT), poll).await.is_ok()
}

/// Appends what others ask for next, a commit or a bug, and waits until the views show it; `what` it is, for the error.
pub(crate) async fn append_and_show(
    intake: &Intake,
    key: &[u8],
    request: Request,
    headers: &HeaderMap,
    what: &str,
) -> Result<(), IntakeError> {
    let receipt = append(intake, key, request, now(), Bytes::from_static(b"null"), Told::by(headers)).await?;
    if !wait_until_applied(intake, receipt, SHORT_WAIT).await {
        return Err(IntakeError::Unavailable(format!("The {what} is stored but not visible yet")));
    }
    Ok(())
}

/// Seconds since the Unix epoch.
pub(crate) fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() as i64)
}
