//! Collects records of the log into batches.
//!
//! A batch costs the store about the same however few rows it has. A small batch therefore waits for more records while
//! another one is written, and small uploads that come in crowds wait up to [`CROWD_INTERVAL`] for each other.

use std::mem;
use std::time::Duration;

use eventlog::{Consumer, Record};
use tokio::time::Instant;

use crate::error::ProcessorError;
use crate::retry::Retry;

/// Most records of a batch. Small uploads come in crowds of hundreds, and each batch makes a part in every table.
pub(crate) const BATCH_RECORDS: usize = 512;
/// Most compressed bytes of a batch. Results compress about twenty-fold, so that this bounds memory.
pub(crate) const BATCH_BYTES: usize = 4 << 20;
/// Longest time that the log is asked to wait for a record.
const POLL: Duration = Duration::from_millis(500);
/// Compressed bytes from which a batch is made into rows while the one before is written. A smaller one waits for more
/// records, because many small inserts cost the store more than making the rows costs.
const AHEAD_BYTES: usize = 256 << 10;
/// Shortest time between the beginnings of two small batches while uploads come in crowds: inserting a small batch, and
/// above all merging it later, costs about as much as a large one. An upload that comes alone does not wait.
const CROWD_INTERVAL: Duration = Duration::from_millis(250);
/// Number of events in a batch from which they are a crowd.
const CROWD_EVENTS: usize = 4;

/// The records that were polled and are in no batch yet.
pub(crate) struct BatchCollector {
    waiting: Vec<Record>,
    /// When the last batch began that was not collected ahead.
    last_batch: Instant,
    /// Whether that batch was a crowd.
    last_was_crowd: bool,
}

impl Default for BatchCollector {
    fn default() -> Self {
        Self { waiting: Vec::new(), last_batch: Instant::now(), last_was_crowd: false }
    }
}

impl BatchCollector {
    /// Waits for the next batch; none if the task is to stop.
    pub(crate) async fn next(
        &mut self,
        consumer: &mut dyn Consumer,
        retry: &mut Retry,
    ) -> Result<Option<Vec<Record>>, ProcessorError> {
        loop {
            let wait = if self.waiting.is_empty() { POLL } else { Duration::ZERO };
            if !self.poll(consumer, retry, wait).await? {
                return Ok(None);
            }
            if !self.waiting.is_empty() {
                break;
            }
        }
        if self.last_was_crowd && self.is_small() {
            tokio::time::sleep_until(self.last_batch + CROWD_INTERVAL).await;
            if !self.poll(consumer, retry, Duration::ZERO).await? {
                return Ok(None);
            }
        }
        self.last_batch = Instant::now();
        self.last_was_crowd = self.waiting.len() >= CROWD_EVENTS;
        Ok(Some(mem::take(&mut self.waiting)))
    }

    /// Takes a batch that is there already and large enough to be made into rows while another one is written.
    pub(crate) async fn ahead(
        &mut self,
        consumer: &mut dyn Consumer,
        retry: &mut Retry,
    ) -> Result<Option<Vec<Record>>, ProcessorError> {
        let goes_on = self.poll(consumer, retry, Duration::ZERO).await?;
        Ok((goes_on && !self.is_small()).then(|| mem::take(&mut self.waiting)))
    }

    fn bytes(&self) -> usize {
        self.waiting.iter().map(|record| record.value.len()).sum()
    }

    fn is_small(&self) -> bool {
        self.waiting.len() < BATCH_RECORDS && self.bytes() < AHEAD_BYTES
    }

    /// Adds records up to a whole batch, as far as they come in time; false if the task is to stop.
    async fn poll(
        &mut self,
        consumer: &mut dyn Consumer,
        retry: &mut Retry,
        wait: Duration,
    ) -> Result<bool, ProcessorError> {
        let (count, size) = (BATCH_RECORDS - self.waiting.len(), BATCH_BYTES.saturating_sub(self.bytes()));
        if count == 0 || size == 0 {
            return Ok(true);
        }
        let polled = tokio::select! {
            polled = consumer.poll(count, size, wait) => polled,
            () = retry.stopped() => return Ok(false),
        };
        match polled {
            Ok(more) => self.waiting.extend(more),
            Err(error) => return Ok(retry.wait_for_log(error, consumer).await?),
        }
        Ok(true)
    }
}
