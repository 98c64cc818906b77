//! Decodes records of the log into rows: reads each event, fetches results that were too large for the log from the blob
//! store, and collects the rows of all tables. An event that cannot be decoded becomes the row of a dead letter.

use std::collections::HashMap;
use std::sync::Arc;

use eventlog::{Position, Record};
use schema::blobs::{BlobError, Blobs};
use schema::clock::now_signed;
use schema::event::{self, DecodeError, Event, Header, Request};
use schema::expiry::Expiry;
use schema::retention::Retention;
use tracing::Span;

use crate::dead_letters;
use crate::rows::{EventRows, WrittenRows};

/// Stands for results that are over and were swept.
const NO_RESULTS: &str = r#"{"results":{}}"#;

/// The rows of a batch of records.
pub(crate) struct DecodedBatch {
    /// The rows by table, dead letters among them.
    pub(crate) rows: EventRows,
    /// The span of each event that is no dead letter. They stay open while the batch is written, so that the time of the
    /// write counts for each event.
    _spans: Vec<Span>,
}

/// Why a batch has no rows.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BatchError {
    /// The blob store failed; it may have recovered by the next attempt.
    #[error(transparent)]
    Blobs(#[from] BlobError),
    /// The code that makes rows panicked at one of the events.
    #[error("processing it panicked")]
    Panicked,
}

/// A record and its event, or why it cannot be read.
type DecodedRecord = (Record, Result<Event, DecodeError>);

/// Decodes a batch. Events that are `refused` become dead letters, whatever they hold, for the cause given; `written` rows
/// are left out, and so are runs that were over by the `retention` when they were received.
pub(crate) async fn decode(
    blobs: &Blobs,
    records: &[Record],
    refused: &HashMap<Position, String>,
    written: &Arc<WrittenRows>,
    retention: &Arc<Retention>,
) -> Result<DecodedBatch, BatchError> {
    let (records, refused) = (records.to_vec(), refused.clone());
    let decoded = tokio::task::spawn_blocking(move || decode_records(records, &refused)).await;
    let mut decoded = decoded.map_err(|_| BatchError::Panicked)?;
    for (_, event) in &mut decoded {
        fetch_payload(blobs, event, retention).await?;
    }
    let rows = EventRows::new(Arc::clone(written), Arc::clone(retention));
    tokio::task::spawn_blocking(move || into_batch(decoded, rows)).await.map_err(|_| BatchError::Panicked)
}

fn decode_records(records: Vec<Record>, refused: &HashMap<Position, String>) -> Vec<DecodedRecord> {
    let decoded = records.into_iter().map(|record| {
        let event = match refused.get(&record.position) {
            Some(cause) => Err(DecodeError::Damaged(cause.clone())),
            None => event::decode(&record.value),
        };
        (record, event)
    });
    decoded.collect()
}

/// Reads results that were too large for the log. A blob that is gone or damaged makes its event a dead letter, unless its run
/// is over: then nobody is shown its results, and they were swept.
async fn fetch_payload(
    blobs: &Blobs,
    event: &mut Result<Event, DecodeError>,
    retention: &Retention,
) -> Result<(), BlobError> {
    let Ok(Event { header: Header { payload: Some(digest), .. }, .. }) = event else { return Ok(()) };
    let read = match blobs.open(digest).await {
        Err(BlobError::Missing(_)) if is_over(event, retention) => {
            serde_json::from_str(NO_RESULTS).map_err(|error| DecodeError::Damaged(error.to_string()))
        }
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

/// Whether an upload's run is over by now.
fn is_over(event: &Result<Event, DecodeError>, retention: &Retention) -> bool {
    match event {
        Ok(Event { header: Header { request: Request::Upload { suite, commits, .. }, .. }, .. }) => {
            Expiry::of_run(retention, suite, commits, now_signed()).is_some()
        }
        _ => false,
    }
}

fn into_batch(decoded: Vec<DecodedRecord>, mut rows: EventRows) -> DecodedBatch {
    let mut spans = Vec::new();
    for (record, event) in decoded {
        let Position { partition, offset } = record.position;
        match event {
            Ok(event) => {
                let Header { event_id, request_id, trace, .. } = &event.header;
                let span = tracing::info_span!("event", %event_id, request_id, partition, offset);
                if let Some(place) = trace {
                    crate::trace::continue_from(&span, place);
                }
                spans.push(span);
                rows.add_receipts(&event.header, partition, offset);
                // Version 0 is left for rows that no event wrote.
                rows.add(event, offset + 1);
            }
            Err(error) => rows.dead_letters.push(dead_letters::row(&record, error.to_string())),
        }
    }
    DecodedBatch { rows, _spans: spans }
}
