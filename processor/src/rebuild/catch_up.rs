//! Applies events to the next generation of the views.

use std::collections::HashMap;
use std::sync::Arc;

use eventlog::EventLog;
use schema::blobs::Blobs;
use schema::retention::Retention;
use schema::seconds;

use super::checkpoint;
use super::database::Database;
use super::error::RebuildError;
use super::generation::Generation;
use crate::batch::{self, BATCH_BYTES, BATCH_RECORDS, DecodedBatch};
use crate::events::EventSource;
use crate::insert::{self, TargetTables};
use crate::rows::{EventRows, WrittenRows};

/// A rebuild under way.
pub(super) struct Rebuild {
    pub(super) log: Arc<dyn EventLog>,
    pub(super) database: Database,
    pub(super) blobs: Blobs,
    pub(super) retention: Arc<Retention>,
    pub(super) source: EventSource,
    pub(super) generation: Generation,
    /// Text that is stored with the offsets.
    pub(super) checkpoint: String,
    /// Rows that the next generation has; those of the live tables do not count.
    pub(super) written: Arc<WrittenRows>,
    /// Whether every view is made again from the first event on.
    pub(super) is_whole: bool,
    /// Number of events that were applied.
    pub(super) events: u64,
    /// Number of these events that are dead letters.
    pub(super) unreadable: u64,
}

impl Rebuild {
    /// Applies all events below the offsets `until`, one a partition. A batch is read while the one before is written;
    /// `progress` gets the number of events that are applied and of all events.
    pub(super) async fn catch_up(&mut self, until: &[u64], progress: &impl Fn(u64, u64)) -> Result<(), RebuildError> {
        let Self { database, blobs, source, generation, checkpoint, written, retention, .. } = self;
        let total: u64 = until.iter().sum();
        let mut ready: Option<(DecodedBatch, Vec<u64>)> = None;
        loop {
            let write = async {
                if let Some((batch, next_offsets)) = &ready {
                    insert::write(&database.rows, &batch.rows, TargetTables::Next(&generation.views)).await?;
                    checkpoint::save(&database.rows, next_offsets, checkpoint).await?;
                    progress(next_offsets.iter().sum::<u64>().min(total), total);
                }
                Ok::<_, RebuildError>(())
            };
            let read = async {
                let records = source.batch(until, BATCH_RECORDS, BATCH_BYTES).await?;
                if records.is_empty() {
                    return Ok(None);
                }
                let mut batch = batch::decode(blobs, &records, &HashMap::new(), written, retention).await?;
                if let Some(since) = generation.since {
                    drop_weeks_before(&mut batch.rows, since);
                }
                Ok::<_, RebuildError>(Some((batch, records.len(), source.next_offsets())))
            };
            let (write_result, read_result) = tokio::join!(write, read);
            write_result?;
            if let Some((batch, _)) = &ready {
                Arc::make_mut(written).extend(batch.rows.written());
            }
            let Some((batch, events, next_offsets)) = read_result? else { return Ok(()) };
            self.events += events as u64;
            self.unreadable += batch.rows.dead_letters.len() as u64;
            ready = Some((batch, next_offsets));
        }
    }
}

/// Drops rows of weekly tables whose commits, or for archives runs, lie before the week of a time, seconds since 1970: these
/// weeks are taken over from the live tables.
fn drop_weeks_before(rows: &mut EventRows, since: i64) {
    let start = seconds::monday(since).max(0) as u64;
    let first = start * 100;
    rows.runs.retain(|row| row.uuid >= first);
    rows.results.retain(|results| results.run.uuid >= first);
    rows.failures.retain(|row| row.uuid >= first);
    rows.failure_messages.retain(|row| row.uuid >= first);
    rows.uploads.retain(|row| row.uuid >= first);
    rows.links.retain(|row| row.uuid >= first);
    rows.run_notes.retain(|row| row.uuid >= first);
    rows.archives.retain(|row| u64::from(row.start_time) >= start);
}
