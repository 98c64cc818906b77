//! The processor: turns events of the log into rows of the views.
//!
//! Data flow: [`gather`] a batch of records → decode → [`rows::Views`] (pure; of the next batch while this one is written) →
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
mod dead_letter_decision;
mod gather;
mod patience;
pub mod rebuild;
pub mod rows;
pub mod trace;
mod writer;

use std::sync::Arc;

use apply::{Applier, Prepared};
use cap::Cap;
use eventlog::{EventLog, LogError};
use gather::Gather;
use patience::Patience;
use schema::blobs::Blobs;
use schema::{EVENTS_TOPIC, PROCESSOR_GROUP};
use tokio::sync::watch;

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
    let mut gather = Gather::default();
    let mut next: Option<Prepared> = None;
    loop {
        let current = match next.take() {
            Some(prepared) => prepared,
            None => match gather.batch(&mut applier, consumer.as_mut()).await? {
                Some(records) => applier.prepare(records),
                None => return Ok(()),
            },
        };
        next = gather.ahead(&mut applier, consumer.as_mut()).await?.map(|records| applier.prepare(records));
        if !applier.apply(consumer.as_mut(), current).await? {
            return Ok(());
        }
    }
}

/// Writes rows to the live tables, for tests that have no log.
pub async fn write(client: &clickhouse::Client, views: &rows::Views) -> clickhouse::error::Result<()> {
    writer::write(client, views, writer::Tables::Live).await
}
