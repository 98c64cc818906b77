//! The processor: turns events of the log into rows of the views.
//!
//! Data flow: poll a batch of records → decode → [`rows::Views`] (pure) → one insert per table →
//! commit the offsets. Everything up to the commit may happen again after a crash; it is idempotent
//! because an event always makes the same rows and each row carries its event's offset as version,
//! so the replacing tables collapse what was written twice. What cannot be decoded goes to the
//! dead-letter topic, durably, before its offset moves.

mod cap;
pub mod rows;
mod writer;

pub use writer::write;

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use cap::Cap;
use eventlog::{Consumer, EventLog, LogError, Position, Record};
use schema::blobs::{BlobError, Blobs};
use schema::event::{DecodeError, Event, Header};
use schema::store::rows::{DeadLetterRow, DeadLetterState, WatermarkRow};
use schema::{DEAD_LETTER_TOPIC, EVENTS_TOPIC, PROCESSOR_GROUP, event};
use tokio::sync::watch;

/// Records per batch; far under the hundred weekly partitions that one insert may touch.
const BATCH_RECORDS: usize = 64;
/// Compressed bytes per batch. Results compress about twenty-fold, so this bounds memory.
const BATCH_BYTES: usize = 2 << 20;
const POLL: Duration = Duration::from_millis(500);
const FIRST_RETRY: Duration = Duration::from_millis(100);
const LAST_RETRY: Duration = Duration::from_secs(10);

/// Why the processor stops.
#[derive(Debug, thiserror::Error)]
pub enum ProcessorError {
    /// The log failed in a way that waiting does not mend.
    #[error(transparent)]
    Log(#[from] LogError),
    /// So many events fail that something else is wrong than the events.
    #[error(
        "{dead} of the last {of} events could not be processed, so nothing more is read; the last cause was: {cause}. \
         Check that this is not an older version than the one that wrote them"
    )]
    TooManyDeadLetters {
        /// How many failed.
        dead: usize,
        /// Of how many.
        of: usize,
        /// Why the last one did.
        cause: String,
    },
}

/// Consumes until `stop` turns true, then finishes its batch and returns; `applied` counts the batches in the views. A log or a store that is away is waited for.
pub async fn run(
    log: Arc<dyn EventLog>,
    client: clickhouse::Client,
    blobs: Blobs,
    applied: watch::Sender<u64>,
    stop: watch::Receiver<bool>,
) -> Result<(), ProcessorError> {
    let patience = Patience { stop, pause: FIRST_RETRY };
    let mut processor = Processor { log, client, blobs, applied, patience, cap: Cap::default() };
    let mut consumer = loop {
        match processor.log.subscribe(EVENTS_TOPIC, PROCESSOR_GROUP).await {
            Ok(consumer) => break consumer,
            Err(error) => {
                if !processor.patience.with_log(error).await? {
                    return Ok(());
                }
            }
        }
    };
    loop {
        let polled = tokio::select! {
            polled = consumer.poll(BATCH_RECORDS, BATCH_BYTES, POLL) => polled,
            () = processor.patience.stopped() => return Ok(()),
        };
        match polled {
            Ok(records) if records.is_empty() => {}
            Ok(records) => {
                if !processor.apply(consumer.as_mut(), records).await? {
                    return Ok(());
                }
            }
            Err(error) => {
                if !processor.patience.with_log(error).await? {
                    return Ok(());
                }
            }
        }
    }
}

struct Processor {
    log: Arc<dyn EventLog>,
    client: clickhouse::Client,
    blobs: Blobs,
    applied: watch::Sender<u64>,
    patience: Patience,
    cap: Cap,
}

impl Processor {
    /// Applies one batch; false if told to stop before it was all done.
    async fn apply(&mut self, consumer: &mut dyn Consumer, records: Vec<Record>) -> Result<bool, ProcessorError> {
        let done: Vec<Position> = last_positions(&records);
        let broken =
            || LogError::Damaged { address: EVENTS_TOPIC.to_owned(), cause: "decoding a batch panicked".to_owned() };
        let mut decoded = tokio::task::spawn_blocking(move || decode(records)).await.map_err(|_| broken())?;
        for (_, event) in &mut decoded {
            while let Err(error) = fetch_payload(&self.blobs, event).await {
                tracing::warn!(%error, "waiting for the blob store");
                if !self.patience.wait().await {
                    return Ok(false);
                }
            }
        }
        let count = decoded.len();
        let oldest_ms = decoded.iter().map(|(record, _)| record.timestamp_ms).min().unwrap_or_default();
        let (views, dead) = tokio::task::spawn_blocking(move || materialise(decoded)).await.map_err(|_| broken())?;
        if let Some((dead, of)) = self.cap.exceeded(dead.len(), count - dead.len()) {
            let cause = views.dead_letters.last().map(|letter| letter.cause.clone()).unwrap_or_default();
            return Err(ProcessorError::TooManyDeadLetters { dead, of, cause });
        }
        metrics::counter!("resultsdb_dead_letters_total").increment(dead.len() as u64);
        for letter in dead {
            while let Err(error) = self.log.append(DEAD_LETTER_TOPIC, b"", letter.clone()).await {
                if !self.patience.with_log(error).await? {
                    return Ok(false);
                }
            }
        }
        let watermark =
            |position: &Position| WatermarkRow { partition: position.partition, next_offset: position.offset + 1 };
        let watermarks: Vec<WatermarkRow> = done.iter().map(watermark).collect();
        while let Err(error) = writer::write(&self.client, &views, &watermarks).await {
            tracing::warn!(%error, "the store did not take a batch");
            if !self.patience.wait().await {
                return Ok(false);
            }
        }
        self.applied.send_modify(|count| *count += 1);
        metrics::histogram!("resultsdb_batch_events").record(count as f64);
        metrics::histogram!("resultsdb_visible_seconds").record(age(oldest_ms));
        // Without this commit the batch is delivered again, which changes nothing.
        while let Err(error) = consumer.commit(&done).await {
            if !self.patience.with_log(error).await? {
                return Ok(false);
            }
        }
        self.patience.pause = FIRST_RETRY;
        Ok(true)
    }
}

/// Seconds since a time in milliseconds; 0 if the clocks disagree.
fn age(since_ms: i64) -> f64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_millis() as i64);
    now.saturating_sub(since_ms).max(0) as f64 / 1000.0
}

/// Waits between attempts, longer each time, and no longer than until the signal to stop.
struct Patience {
    stop: watch::Receiver<bool>,
    pause: Duration,
}

impl Patience {
    async fn stopped(&mut self) {
        // A sender that is gone ends with its process, and so does this.
        let _ = self.stop.wait_for(|stop| *stop).await;
    }

    /// False if told to stop.
    async fn wait(&mut self) -> bool {
        let pause = self.pause;
        self.pause = (pause * 2).min(LAST_RETRY);
        tokio::select! {
            () = tokio::time::sleep(pause) => true,
            () = self.stopped() => false,
        }
    }

    /// The same for a log that is away; other errors stay.
    async fn with_log(&mut self, error: LogError) -> Result<bool, LogError> {
        if !matches!(error, LogError::Unavailable { .. }) {
            return Err(error);
        }
        tracing::warn!(%error, "waiting for the log");
        Ok(self.wait().await)
    }
}

fn last_positions(records: &[Record]) -> Vec<Position> {
    let mut last: Vec<Position> = Vec::new();
    for record in records {
        match last.iter_mut().find(|position| position.partition == record.position.partition) {
            Some(position) => position.offset = position.offset.max(record.position.offset),
            None => last.push(record.position),
        }
    }
    last
}

type Decoded = (Record, Result<Event, DecodeError>);

fn decode(records: Vec<Record>) -> Vec<Decoded> {
    let decoded = records.into_iter().map(|record| {
        let event = event::decode(&record.value);
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

fn materialise(decoded: Vec<Decoded>) -> (rows::Views, Vec<Bytes>) {
    let mut views = rows::Views::default();
    let mut dead = Vec::new();
    for (record, event) in decoded {
        // Version 0 is left for rows that no event wrote.
        let version = record.position.offset + 1;
        match event {
            Ok(event) => views.add(event, version),
            Err(error) => {
                tracing::error!(%error, partition = record.position.partition, offset = record.position.offset, "dead letter");
                dead.push(dead_letter(&record, &error.to_string()));
                views.dead_letters.push(DeadLetterRow {
                    partition: record.position.partition,
                    offset: record.position.offset,
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
    (views, dead)
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
