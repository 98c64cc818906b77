//! The processor: turns events of the log into rows of the views.
//!
//! Data flow: poll a batch of records → decode → [`rows::Views`] (pure; of the next batch while this one is written) →
//! one insert per table → watermarks → commit the offsets. Everything up to the commit may happen again after a crash;
//! it is idempotent because an event always makes the same rows and each row carries its event's offset as version, so
//! the replacing tables collapse what was written twice. What cannot be decoded, or what the store refuses for good,
//! goes to the dead-letter topic, durably, before its offset moves.
//!
//! Beside it [`archive`] copies the events to the object store, so that they outlive the log, and
//! [`rebuild`] makes the views anew from there.

mod apply;
pub mod archive;
mod batch;
mod cap;
mod patience;
pub mod rebuild;
pub mod rows;
pub mod trace;
mod writer;

use std::mem;
use std::sync::Arc;
use std::time::Duration;

use apply::{Applier, Prepared};
use cap::Cap;
use eventlog::{Consumer, EventLog, LogError, Record};
use patience::Patience;
use schema::blobs::Blobs;
use schema::{EVENTS_TOPIC, PROCESSOR_GROUP};
use tokio::sync::watch;
use tokio::time::Instant;

/// Records per batch; far under the hundred weekly partitions that one insert may touch.
const BATCH_RECORDS: usize = 64;
/// Compressed bytes per batch. Results compress about twenty-fold, so this bounds memory.
const BATCH_BYTES: usize = 4 << 20;
const POLL: Duration = Duration::from_millis(500);
/// Compressed bytes from which rows are made while the batch before is written. Fewer wait for what comes until then: many
/// small inserts cost the store more than making their rows costs.
const LITTLE_BYTES: usize = 256 << 10;
/// Batches of small uploads that come in crowds begin this far apart: each costs the store the same, however few rows it
/// has, and merging what it wrote costs more than that. Who uploads alone does not wait.
const APART: Duration = Duration::from_millis(250);
/// Events of a batch that make a crowd.
const CROWD: usize = 4;

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

/// Consumes until `stop` turns true, then finishes its batch and returns; `applied` counts the batches in the views. A
/// log or a store that is away is waited for.
pub async fn run(
    log: Arc<dyn EventLog>,
    client: clickhouse::Client,
    blobs: Blobs,
    applied: watch::Sender<u64>,
    stop: watch::Receiver<bool>,
) -> Result<(), ProcessorError> {
    // Counted from the start, so that the first one shows as an increase.
    metrics::counter!("resultsdb_dead_letters_total").increment(0);
    let patience = Patience::new(stop);
    let mut applier = Applier { log, client, blobs, applied, patience, cap: Cap::default(), known: Arc::default() };
    let mut consumer = loop {
        match applier.log.subscribe(EVENTS_TOPIC, PROCESSOR_GROUP).await {
            Ok(consumer) => break consumer,
            Err(error) => {
                if !applier.patience.with_log_alone(error).await? {
                    return Ok(());
                }
            }
        }
    };
    // What comes next becomes rows while the batch before it is written, or waits if it is little.
    let mut next: Option<Prepared> = None;
    let mut waiting: Vec<Record> = Vec::new();
    let (mut begun, mut crowd) = (Instant::now(), false);
    loop {
        let current = match next.take() {
            Some(prepared) => prepared,
            None => {
                let wait = if waiting.is_empty() { POLL } else { Duration::ZERO };
                if !poll(&mut applier, consumer.as_mut(), &mut waiting, wait).await? {
                    return Ok(());
                }
                if waiting.is_empty() {
                    continue;
                }
                if crowd && bytes(&waiting) < LITTLE_BYTES {
                    tokio::time::sleep_until(begun + APART).await;
                    if !poll(&mut applier, consumer.as_mut(), &mut waiting, Duration::ZERO).await? {
                        return Ok(());
                    }
                }
                (begun, crowd) = (Instant::now(), waiting.len() >= CROWD);
                applier.prepare(mem::take(&mut waiting))
            }
        };
        if !poll(&mut applier, consumer.as_mut(), &mut waiting, Duration::ZERO).await? {
            return Ok(());
        }
        if waiting.len() == BATCH_RECORDS || bytes(&waiting) >= LITTLE_BYTES {
            next = Some(applier.prepare(mem::take(&mut waiting)));
        }
        if !applier.apply(consumer.as_mut(), current).await? {
            return Ok(());
        }
    }
}

fn bytes(records: &[Record]) -> usize {
    records.iter().map(|record| record.value.len()).sum()
}

/// Adds to `records` what makes them a whole batch, if it comes in time; false if told to stop.
async fn poll(
    applier: &mut Applier,
    consumer: &mut dyn Consumer,
    records: &mut Vec<Record>,
    wait: Duration,
) -> Result<bool, ProcessorError> {
    let (count, size) = (BATCH_RECORDS - records.len(), BATCH_BYTES.saturating_sub(bytes(records)));
    if count == 0 || size == 0 {
        return Ok(true);
    }
    let polled = tokio::select! {
        polled = consumer.poll(count, size, wait) => polled,
        () = applier.patience.stopped() => return Ok(false),
    };
    match polled {
        Ok(more) => records.extend(more),
        Err(error) => return Ok(applier.patience.with_log(error, consumer).await?),
    }
    Ok(true)
}

/// Writes rows to the live tables, for tests that have no log.
pub async fn write(client: &clickhouse::Client, views: &rows::Views) -> clickhouse::error::Result<()> {
    writer::write(client, views, writer::Tables::Live).await
}
