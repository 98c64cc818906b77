//! Brings a batch to its end: rows, then watermarks, then the offsets in the log. A process that is killed in between
//! leaves offsets behind that are too early, so that the batch comes again and writes the same rows.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use eventlog::{Consumer, Position, Record};
use schema::store::rows::WatermarkRow;

use super::write::{BatchProgress, BatchWriter, PendingBatch};
use crate::error::ProcessorError;
use crate::insert;

/// Most rows that are remembered to be in the store, 16 bytes each.
const REMEMBERED_ROWS: usize = 1 << 20;

impl BatchWriter {
    /// Writes a batch and commits its offsets; false if the task is to stop before all that is done.
    pub(crate) async fn write_and_commit(
        &mut self,
        consumer: &mut dyn Consumer,
        PendingBatch { records, decoding }: PendingBatch,
    ) -> Result<bool, ProcessorError> {
        let last = last_positions(&records);
        let count = records.len();
        let oldest_ms = records.iter().map(|record| record.timestamp_ms).min().unwrap_or_default();
        let mut progress = BatchProgress { decoding: Some(decoding), ..BatchProgress::default() };
        if !self.write_until_visible(consumer, &records, &last, &mut progress).await? {
            return Ok(false);
        }
        let remembered = Arc::make_mut(&mut self.written);
        if remembered.len() + progress.written.len() > REMEMBERED_ROWS {
            remembered.clear();
        }
        remembered.extend(progress.written);
        self.applied.send_modify(|count| *count += 1);
        metrics::histogram!("resultsdb_batch_events").record(count as f64);
        metrics::histogram!("resultsdb_visible_seconds").record(seconds_since(oldest_ms));
        // A batch whose offsets are not committed is delivered again, which changes nothing.
        while let Err(error) = consumer.commit(&last).await {
            if !self.retry.wait_for_log(error, consumer).await? {
                return Ok(false);
            }
        }
        self.retry.reset();
        Ok(true)
    }

    /// Writes the rows of a batch and the watermarks that show them; false if the task is to stop.
    async fn write_until_visible(
        &mut self,
        consumer: &mut dyn Consumer,
        records: &[Record],
        last: &[Position],
        progress: &mut BatchProgress,
    ) -> Result<bool, ProcessorError> {
        let row =
            |position: &Position| WatermarkRow { partition: position.partition, next_offset: position.offset + 1 };
        let watermarks: Vec<WatermarkRow> = last.iter().map(row).collect();
        loop {
            if !self.write_all(consumer, records.to_vec(), progress).await? {
                return Ok(false);
            }
            let Err(error) = insert::watermarks(&self.client, &watermarks).await else { return Ok(true) };
            tracing::warn!(%error, "the store did not take the watermarks");
            if !self.retry.wait(consumer).await {
                return Ok(false);
            }
            // The rows are written again as well, because a rebuild may have put other tables in place meanwhile.
        }
    }
}

/// Seconds since a time in milliseconds since 1970; 0 if the clocks disagree.
fn seconds_since(time_ms: i64) -> f64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_millis() as i64);
    now.saturating_sub(time_ms).max(0) as f64 / 1000.0
}

/// The last position of each partition.
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
