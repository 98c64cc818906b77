//! Writes the rows of records, after their dead letters. A store or a log that is away is waited for.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use eventlog::{Consumer, EventLog, Position, Record};
use schema::blobs::Blobs;
use schema::retention::Retention;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::decode::{BatchError, DecodedBatch, decode};
use crate::dead_letters::{self, DeadLetterLimit};
use crate::error::ProcessorError;
use crate::insert::{self, Refusal, TargetTables};
use crate::retry::{Retry, with_keep_alive};
use crate::rows::WrittenRows;

/// What a processor writes with, and what it remembers from one batch to the next.
pub(crate) struct BatchWriter {
    pub(crate) log: Arc<dyn EventLog>,
    pub(crate) client: clickhouse::Client,
    pub(crate) blobs: Blobs,
    pub(crate) retention: Arc<Retention>,
    /// Number of batches that are in the views.
    pub(crate) applied: watch::Sender<u64>,
    pub(crate) retry: Retry,
    pub(crate) dead_letter_limit: DeadLetterLimit,
    /// Rows that this process has written and whose watermark is written, too.
    pub(crate) written: Arc<WrittenRows>,
}

/// A batch whose records are being decoded.
pub(crate) struct PendingBatch {
    pub(super) records: Vec<Record>,
    pub(super) decoding: JoinHandle<Result<DecodedBatch, BatchError>>,
}

/// What is known of a batch between the attempts to write it.
#[derive(Default)]
pub(super) struct BatchProgress {
    /// The rows of the whole batch, until the first attempt takes them.
    pub(super) decoding: Option<JoinHandle<Result<DecodedBatch, BatchError>>>,
    /// Events that the store refuses for good, and why.
    pub(super) refused: HashMap<Position, String>,
    /// Events whose dead letters are in their topic.
    pub(super) appended_letters: HashSet<Position>,
    /// Rows that later batches need not write again.
    pub(super) written: WrittenRows,
}

/// What became of some records of a batch.
pub(super) enum WriteOutcome {
    /// Their rows are in the views.
    Written,
    /// The store will never take them all, for this cause.
    Refused(String),
    /// The task is to stop.
    Stopped,
}

impl BatchWriter {
    /// Begins to decode records, while others may still be written.
    pub(crate) fn begin(&self, records: Vec<Record>) -> PendingBatch {
        let (blobs, copies) = (self.blobs.clone(), records.clone());
        let (written, retention) = (Arc::clone(&self.written), Arc::clone(&self.retention));
        let decoding =
            tokio::spawn(async move { decode(&blobs, &copies, &HashMap::new(), &written, &retention).await });
        PendingBatch { records, decoding }
    }

    /// Writes the dead letters of some records, then their rows.
    pub(super) async fn write(
        &mut self,
        consumer: &mut dyn Consumer,
        records: &[Record],
        progress: &mut BatchProgress,
    ) -> Result<WriteOutcome, ProcessorError> {
        let batch = match self.decoded(consumer, records, progress).await {
            Ok(batch) => batch,
            Err(outcome) => return Ok(outcome),
        };
        let letters = &batch.rows.dead_letters;
        let dead = letters.len();
        if let Some((dead, of)) = self.dead_letter_limit.exceeded(dead, records.len() - dead) {
            let cause = letters.last().map(|letter| letter.cause.clone()).unwrap_or_default();
            return Err(ProcessorError::TooManyDeadLetters { dead, of, cause });
        }
        for letter in letters {
            let position = Position { partition: letter.partition, offset: letter.offset };
            if progress.appended_letters.insert(position)
                && !dead_letters::append(self.log.as_ref(), letter, &mut self.retry, consumer).await?
            {
                return Ok(WriteOutcome::Stopped);
            }
        }
        loop {
            let insert = insert::write(&self.client, &batch.rows, TargetTables::Live);
            let Err(error) = with_keep_alive(consumer, insert).await else {
                progress.written.extend(batch.rows.written());
                return Ok(WriteOutcome::Written);
            };
            tracing::warn!(%error, "the store did not take a batch");
            let is_refused = match insert::refusal(&error) {
                Refusal::Permanent => true,
                Refusal::TooMuch => records.len() > 1,
                Refusal::Transient => false,
            };
            // A batch of dead letters alone is tried again, because nothing in it is left to find.
            if is_refused && dead < records.len() {
                return Ok(WriteOutcome::Refused(error.to_string()));
            }
            if !self.retry.wait(consumer).await {
                return Ok(WriteOutcome::Stopped);
            }
        }
    }

    /// The rows of some records, once the blob store gives their payloads; else the outcome of the attempt.
    async fn decoded(
        &mut self,
        consumer: &mut dyn Consumer,
        records: &[Record],
        progress: &mut BatchProgress,
    ) -> Result<DecodedBatch, WriteOutcome> {
        loop {
            let decoded = match progress.decoding.take() {
                Some(decoding) => decoding.await.unwrap_or(Err(BatchError::Panicked)),
                None => decode(&self.blobs, records, &progress.refused, &self.written, &self.retention).await,
            };
            match decoded {
                Ok(batch) => return Ok(batch),
                Err(error @ BatchError::Panicked) => return Err(WriteOutcome::Refused(error.to_string())),
                Err(error) => {
                    tracing::warn!(%error, "waiting for the blob store");
                    if !self.retry.wait(consumer).await {
                        return Err(WriteOutcome::Stopped);
                    }
                }
            }
        }
    }
}
