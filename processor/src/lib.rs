//! The processor: turns events of the log into rows of the views.
//!
//! # Flow
//!
//! [`run`] leads each batch of events through one file a step:
//!
//! 1. `batch::collect` takes records from the log.
//! 2. `batch::decode` decodes them, fetches large results from the blob store, and lets [`rows`] make the rows of each
//!    event. It does so for the next batch while `batch::write` writes this one.
//! 3. `batch::write` appends dead letters (`dead_letters`) to their topic and inserts the rows, one insert a table
//!    (`insert`).
//! 4. `batch::halve` finds the events that the store refuses for good.
//! 5. `batch::commit` writes the watermarks that show the rows, then commits the offsets in the log.
//!
//! `retry` waits for a log or a store that is away. Beside all this, [`archive`] copies events to the object store, so that
//! they outlive the log, and [`rebuild`] makes the views again from there.
//!
//! # Effectively once
//!
//! Rows are a pure function of an event and the configured retention: no clock, no randomness, no reads. They carry the
//! event's offset as version, and tables replace rows by natural key, so that a batch that is written twice shows once. An
//! offset moves only after the rows and the watermark are written, or after a dead letter is durable. Whatever kills the
//! process before that, the batch comes again and writes the same rows. Tables that have lost rows that they had have their
//! watermarks behind the offsets; `replay` writes those rows again.
//!
//! # Throughput
//!
//! The records that come while a batch is written become the next one, of up to 512 events or 4 MiB, because larger batches
//! cost the store less for each result. From 256 KiB on the rows of the next batch are made meanwhile, so that a busy
//! processor fills two cores. Small uploads that come in crowds wait up to 250 ms for each other.
//!
//! Rows that say nothing new are not written again: a process writes a repository once, suites, names of tests
//! and lists of tests once a week, configurations once an hour.
//!
//! # Dead letters
//!
//! An event that cannot be decoded, or that the store refuses for good, becomes a dead letter before its offset moves. Dead
//! letters are shown and can be replayed. The processor stops only where they are the majority, because it is then probably
//! older than the version that wrote the events.

pub mod archive;
mod batch;
mod dead_letters;
mod error;
pub mod events;
mod insert;
pub mod rebuild;
mod replay;
mod retry;
pub mod rows;
pub mod sweep;
pub mod trace;

use std::sync::Arc;

use batch::{BatchCollector, BatchWriter, PendingBatch};
use dead_letters::DeadLetterLimit;
use eventlog::EventLog;
use retry::Retry;
use schema::blobs::Blobs;
use schema::retention::Retention;
use schema::{EVENTS_TOPIC, PROCESSOR_GROUP};
use tokio::sync::watch;

pub use error::ProcessorError;

/// Consumes until `stop` turns true, then finishes its batch and returns; `applied` counts the batches in the views. Runs
/// that were over by the `retention` when they were received are not stored. A log or a store that is away is waited for.
pub async fn run(
    log: Arc<dyn EventLog>,
    client: clickhouse::Client,
    blobs: Blobs,
    retention: Retention,
    applied: watch::Sender<u64>,
    stop: watch::Receiver<bool>,
) -> Result<(), ProcessorError> {
    // The counter starts at 0, so that the first dead letter shows as an increase.
    metrics::counter!("resultsdb_dead_letters_total").increment(0);
    let mut writer = BatchWriter {
        log,
        client,
        blobs,
        retention: Arc::new(retention),
        applied,
        retry: Retry::new(stop),
        dead_letter_limit: DeadLetterLimit::default(),
        written: Arc::default(),
    };
    if !replay::run(&mut writer).await? {
        return Ok(());
    }
    let mut consumer = loop {
        match writer.log.subscribe(EVENTS_TOPIC, PROCESSOR_GROUP).await {
            Ok(consumer) => break consumer,
            Err(error) => {
                if !writer.retry.wait_for_log_without_group(error).await? {
                    return Ok(());
                }
            }
        }
    };
    let mut collector = BatchCollector::default();
    let mut ahead: Option<PendingBatch> = None;
    loop {
        let current = match ahead.take() {
            Some(pending) => pending,
            None => match collector.next(consumer.as_mut(), &mut writer.retry).await? {
                Some(records) => writer.begin(records),
                None => return Ok(()),
            },
        };
        // A large next batch is decoded while the current one is written; a small one waits for more records.
        let next = collector.ahead(consumer.as_mut(), &mut writer.retry).await?;
        ahead = next.map(|records| writer.begin(records));
        if !writer.write_and_commit(consumer.as_mut(), current).await? {
            return Ok(());
        }
    }
}

/// Inserts rows into the live tables, for tests that have no log.
pub async fn write(client: &clickhouse::Client, rows: &rows::EventRows) -> clickhouse::error::Result<()> {
    insert::write(client, rows, insert::TargetTables::Live).await
}
