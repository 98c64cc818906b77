//! Appends events to the log.

use std::sync::Arc;
use std::time::Instant;

use access::Denied;
use bytes::Bytes;
use eventlog::{EventLog, Position};
use schema::EVENTS_TOPIC;
use schema::blobs::Blobs;
use schema::event::{self, Header, REQUEST_ID_HEADER, Request, TRACE_HEADER, UploadFingerprint};
use schema::receipt::Receipt;
use uuid::Uuid;
use web::blocking::blocking;

use crate::error::{IntakeError, bad, not_kept};
use crate::sender::Sender;

/// Larger payloads go to the blob store; a log is slow with large records, and limits them.
const INLINE_BYTES: usize = 8 << 20;

/// A request that passed all checks.
pub(crate) struct AcceptedRequest {
    /// What is asked for.
    pub(crate) request: Request,
    /// When the intake took it, seconds since the Unix epoch.
    pub(crate) received_at: i64,
    /// JSON text that follows the event's header: an upload's `test_results`, or `null`.
    pub(crate) payload: Bytes,
    /// What a repetition of an upload is recognised by.
    pub(crate) fingerprint: Option<UploadFingerprint>,
    /// Which HTTP request it came with.
    pub(crate) origin: RequestOrigin,
}

impl AcceptedRequest {
    /// A request with its sender, whose repetitions nobody recognises.
    ///
    /// # Errors
    /// Nobody knows who the sender is, and this server asks.
    pub(crate) fn new(request: Request, payload: Bytes, received_at: i64, sender: &Sender) -> Result<Self, Denied> {
        Ok(Self { request, received_at, payload, fingerprint: None, origin: RequestOrigin::of(sender)? })
    }
}

/// By what an event leads back to the HTTP request that it came with, and to who sent that.
pub(crate) struct RequestOrigin {
    request_id: Option<String>,
    trace: Option<String>,
    actor: Option<String>,
}

impl RequestOrigin {
    fn of(sender: &Sender) -> Result<Self, Denied> {
        let text = |name| sender.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        Ok(Self { request_id: text(REQUEST_ID_HEADER), trace: text(TRACE_HEADER), actor: sender.actor()? })
    }

    /// That of what the intake reads in a repository.
    pub(crate) fn of_repository(id: &str) -> Self {
        Self { request_id: None, trace: None, actor: Some(format!("the repository {id}")) }
    }
}

/// The payload of requests that have none.
pub(crate) fn no_payload() -> Bytes {
    Bytes::from_static(b"null")
}

/// Appends to the topic of events, with payloads that are too large for it in the blob store.
#[derive(Clone)]
pub(crate) struct EventAppender {
    log: Arc<dyn EventLog>,
    blobs: Blobs,
}

impl EventAppender {
    pub(crate) fn new(log: Arc<dyn EventLog>, blobs: Blobs) -> Self {
        Self { log, blobs }
    }

    /// The log that is appended to.
    pub(crate) fn log(&self) -> &dyn EventLog {
        self.log.as_ref()
    }

    /// Appends one event; returns once it is durable. Events with the same `key` keep their order.
    pub(crate) async fn append(&self, key: &[u8], accepted: AcceptedRequest) -> Result<Receipt, IntakeError> {
        let AcceptedRequest { request, received_at, payload, fingerprint, origin } = accepted;
        let RequestOrigin { request_id, trace, actor } = origin;
        let event_id = Uuid::now_v7();
        let mut header =
            Header { event_id, received_at, request, payload: None, fingerprint, request_id, trace, actor };
        header.payload = self.store_if_large(&payload).await?;
        let encoded = blocking(move || {
            let inline = if header.payload.is_some() { "null" } else { text(&payload)? };
            event::encode(&header, inline).map_err(|error| bad(error.to_string()))
        })
        .await??;
        let Position { partition, offset } = self.append_encoded(key, encoded.into()).await?;
        tracing::debug!(%event_id, partition, offset, "appended");
        Ok(Receipt { partition, offset, event_id })
    }

    /// Appends an event that was encoded before; returns once it is durable.
    pub(crate) async fn append_encoded(&self, key: &[u8], encoded: Bytes) -> Result<Position, IntakeError> {
        let (begun, bytes) = (Instant::now(), encoded.len());
        let appended = self.log.append(EVENTS_TOPIC, key, encoded).await;
        metrics::histogram!("resultsdb_append_seconds").record(begun.elapsed().as_secs_f64());
        metrics::counter!("resultsdb_appended_events_total", "result" => if appended.is_ok() { "ok" } else { "error" })
            .increment(1);
        metrics::counter!("resultsdb_appended_bytes_total").increment(bytes as u64);
        appended.map_err(|error| IntakeError::Unavailable(error.to_string()))
    }

    /// Puts a payload that is large even when compressed into the blob store; its digest, or none if it fits the log.
    async fn store_if_large(&self, payload: &Bytes) -> Result<Option<String>, IntakeError> {
        // Only compressing shows what does not fit, but what is small always fits.
        if payload.len() <= INLINE_BYTES {
            return Ok(None);
        }
        let payload = payload.clone();
        let frame = blocking(move || {
            let mut frame = tempfile::tempfile().map_err(full)?;
            event::compress(text(&payload)?, &mut frame).map_err(full)?;
            Ok::<_, IntakeError>(frame)
        })
        .await??;
        if frame.metadata().map_err(full)?.len() <= INLINE_BYTES as u64 {
            return Ok(None);
        }
        let stored = self.blobs.put(frame).await;
        Ok(Some(stored.map_err(|error| IntakeError::Unavailable(error.to_string()))?.0))
    }
}

fn text(bytes: &Bytes) -> Result<&str, IntakeError> {
    std::str::from_utf8(bytes).map_err(|error| bad(error.to_string()))
}

fn full(error: std::io::Error) -> IntakeError {
    not_kept("upload", &error)
}
