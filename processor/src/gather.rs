//! Puts records together into batches. Each batch costs the store about the same, however few rows it has, so that what is
//! little waits for more while another batch is written, and a crowd of small uploads for up to [`APART`].

use std::mem;
use std::time::Duration;

use eventlog::{Consumer, Record};
use tokio::time::Instant;

use crate::ProcessorError;
use crate::apply::Applier;

/// Records per batch; far under the hundred weekly partitions that one insert may touch.
pub(crate) const BATCH_RECORDS: usize = 64;
/// Compressed bytes per batch. Results compress about twenty-fold, so this bounds memory.
pub(crate) const BATCH_BYTES: usize = 4 << 20;
const POLL: Duration = Duration::from_millis(500);
/// Compressed bytes from which rows are made while the batch before is written. Fewer wait for what comes until then: many
/// small inserts cost the store more than making their rows costs.
const LITTLE_BYTES: usize = 256 << 10;
/// Batches of small uploads that come in crowds begin this far apart: each costs the store the same, however few rows it
/// has, and merging what it wrote costs more than that. Who uploads alone does not wait.
const APART: Duration = Duration::from_millis(250);
/// Events of a batch that make a crowd.
const CROWD: usize = 4;

/// Records that were polled and are not in a batch yet.
pub(crate) struct Gather {
    waiting: Vec<Record>,
    /// When the last batch began that was not made ahead, and whether it was a crowd.
    begun: Instant,
    crowd: bool,
}

impl Default for Gather {
    fn default() -> Self {
        Self { waiting: Vec::new(), begun: Instant::now(), crowd: false }
    }
}

impl Gather {
    /// The next batch, once there is one; `None` if told to stop.
    pub(crate) async fn batch(
        &mut self,
        applier: &mut Applier,
        consumer: &mut dyn Consumer,
    ) -> Result<Option<Vec<Record>>, ProcessorError> {
        loop {
            let wait = if self.waiting.is_empty() { POLL } else { Duration::ZERO };
            if !self.poll(applier, consumer, wait).await? {
                return Ok(None);
            }
            if !self.waiting.is_empty() {
                break;
            }
        }
        if self.crowd && self.is_little() {
            tokio::time::sleep_until(self.begun + APART).await;
            if !self.poll(applier, consumer, Duration::ZERO).await? {
                return Ok(None);
            }
        }
        (self.begun, self.crowd) = (Instant::now(), self.waiting.len() >= CROWD);
        Ok(Some(mem::take(&mut self.waiting)))
    }

    /// A batch that is there already and large enough to be made into rows before it is its turn.
    pub(crate) async fn ahead(
        &mut self,
        applier: &mut Applier,
        consumer: &mut dyn Consumer,
    ) -> Result<Option<Vec<Record>>, ProcessorError> {
        let goes_on = self.poll(applier, consumer, Duration::ZERO).await?;
        Ok((goes_on && !self.is_little()).then(|| mem::take(&mut self.waiting)))
    }

    fn bytes(&self) -> usize {
        self.waiting.iter().map(|record| record.value.len()).sum()
    }

    fn is_little(&self) -> bool {
        self.waiting.len() < BATCH_RECORDS && self.bytes() < LITTLE_BYTES
    }

    /// Adds what makes a whole batch, if it comes in time; false if told to stop.
    async fn poll(
        &mut self,
        applier: &mut Applier,
        consumer: &mut dyn Consumer,
        wait: Duration,
    ) -> Result<bool, ProcessorError> {
        let (count, size) = (BATCH_RECORDS - self.waiting.len(), BATCH_BYTES.saturating_sub(self.bytes()));
        if count == 0 || size == 0 {
            return Ok(true);
        }
        let polled = tokio::select! {
            polled = consumer.poll(count, size, wait) => polled,
            () = applier.patience.stopped() => return Ok(false),
        };
        match polled {
            Ok(more) => self.waiting.extend(more),
            Err(error) => return Ok(applier.patience.with_log(error, consumer).await?),
        }
        Ok(true)
    }
}
