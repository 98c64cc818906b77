//! From records of the log to rows: decodes them, reads payloads from the blob store, fills the views. What cannot be
//! decoded becomes a dead letter.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use eventlog::{Position, Record};
use schema::EVENTS_TOPIC;
use schema::blobs::{BlobError, Blobs};
use schema::event::{self, DecodeError, Event, Header};
use schema::store::rows::{DeadLetterRow, DeadLetterState};
use tracing::Span;

use crate::rows::{KnownRows, Views};

/// What a batch of records becomes.
pub(crate) struct Batch {
    pub(crate) views: Views,
    /// For the dead-letter topic.
    pub(crate) letters: Vec<Bytes>,
    /// One for each event that is not dead: what is done with the batch is done with each of them.
    pub(crate) spans: Vec<Span>,
}

/// Why a batch has no rows yet.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BatchError {
    #[error(transparent)]
    Blobs(#[from] BlobError),
    /// One of its events is something that nobody thought of.
    #[error("processing it panicked")]
    Panicked,
}

/// Reads a batch; `convicted` events are dead letters, whatever they hold, for the cause given, and what is `known`
/// gets no rows.
pub(crate) async fn read(
    blobs: &Blobs,
    records: &[Record],
    convicted: &HashMap<Position, String>,
    known: &Arc<KnownRows>,
) -> Result<Batch, BatchError> {
    let (copies, convicted) = (records.to_vec(), convicted.clone());
    let decoded = tokio::task::spawn_blocking(move || decode(copies, &convicted)).await;
    let mut decoded = decoded.map_err(|_| BatchError::Panicked)?;
    for (_, event) in &mut decoded {
        fetch_payload(blobs, event).await?;
    }
    let known = Arc::clone(known);
    tokio::task::spawn_blocking(move || materialise(decoded, known)).await.map_err(|_| BatchError::Panicked)
}

type Decoded = (Record, Result<Event, DecodeError>);

fn decode(records: Vec<Record>, convicted: &HashMap<Position, String>) -> Vec<Decoded> {
    let decoded = records.into_iter().map(|record| {
        let event = match convicted.get(&record.position) {
            Some(cause) => Err(DecodeError::Damaged(cause.clone())),
            None => event::decode(&record.value),
        };
        (record, event)
    });
    decoded.collect()
}

/// Reads results that were too large for the log; a blob that is gone or damaged makes a dead letter of its event.
async fn fetch_payload(blobs: &Blobs, event: &mut Result<Event, DecodeError>) -> Result<(), BlobError> {
    let Ok(Event { header: Header { payload: Some(digest), .. }, .. }) = event else { return Ok(()) };
    let read = match blobs.open(digest).await {
        Err(error @ BlobError::Missing(_)) => Err(DecodeError::Damaged(error.to_string())),
        opened => {
            let file = opened?;
            let read = tokio::task::spawn_blocking(move || event::decompress(file)).await;
            read.unwrap_or_else(|error| Err(DecodeError::Damaged(error.to_string())))
        }
    };
    match (read, &mut *event) {
        (Ok(results), Ok(event)) => event.test_results = results,
        (Err(error), _) => *event = Err(error),
        (Ok(_), Err(_)) => {}
    }
    Ok(())
}

fn materialise(decoded: Vec<Decoded>, known: Arc<KnownRows>) -> Batch {
    let mut batch = Batch { views: Views::beside(known), letters: Vec::new(), spans: Vec::new() };
    for (record, event) in decoded {
        let Position { partition, offset } = record.position;
        match event {
            Ok(event) => {
                let Header { event_id, request_id, trace, .. } = &event.header;
                let span = tracing::info_span!("event", %event_id, request_id, partition, offset);
                if let Some(place) = trace {
                    crate::trace::continue_from(&span, place);
                }
                batch.spans.push(span);
                batch.views.add_receipts(&event.header, partition, offset);
                // Version 0 is left for rows that no event wrote.
                batch.views.add(event, offset + 1);
            }
            Err(error) => {
                batch.letters.push(dead_letter(&record, &error.to_string()));
                batch.views.dead_letters.push(DeadLetterRow {
                    partition,
                    offset,
                    found_at: u32::try_from(record.timestamp_ms / 1000).unwrap_or_default(),
                    cause: error.to_string(),
                    key: record.key.to_vec(),
                    event: record.value.to_vec(),
                    state: DeadLetterState::Waiting.name().to_owned(),
                    version: 0,
                });
            }
        }
    }
    batch
}

/// A line of JSON that says where the event stood and what is wrong with it, then its bytes as they were.
fn dead_letter(record: &Record, cause: &str) -> Bytes {
    let head = serde_json::json!({
        "topic": EVENTS_TOPIC, "partition": record.position.partition, "offset": record.position.offset, "cause": cause,
    });
    let mut letter = head.to_string().into_bytes();
    letter.push(b'\n');
    letter.extend_from_slice(&record.value);
    letter.into()
}
