//! Applies batches of records to the views. A store or a log that is away is waited for; a batch that the store refuses
//! for good is halved until the one event that it refuses is found, which becomes a dead letter.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use eventlog::{Consumer, EventLog, Position, Record};
use schema::DEAD_LETTER_TOPIC;
use schema::blobs::Blobs;
use schema::store::rows::WatermarkRow;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::ProcessorError;
use crate::batch::{self, Batch, BatchError};
use crate::cap::Cap;
use crate::patience::Patience;
use crate::rows::KnownRows;
use crate::writer::{self, Refusal, Tables};

/// Well below the five minutes after which a group gives up a member that does not poll.
const KEEP_ALIVE: Duration = Duration::from_secs(30);

/// What a batch of records goes through.
pub(crate) struct Applier {
    pub(crate) log: Arc<dyn EventLog>,
    pub(crate) client: clickhouse::Client,
    pub(crate) blobs: Blobs,
    /// Counts the batches that are in the views.
    pub(crate) applied: watch::Sender<u64>,
    pub(crate) patience: Patience,
    pub(crate) cap: Cap,
    /// What this process has written, and the watermarks say so.
    pub(crate) known: Arc<KnownRows>,
}

/// Rows that are remembered to be in the store, 16 bytes each.
const KNOWN_ROWS: usize = 1 << 20;

/// Records that are becoming rows.
pub(crate) struct Prepared {
    records: Vec<Record>,
    batch: JoinHandle<Result<Batch, BatchError>>,
}

/// What is found out about a batch while it is tried.
#[derive(Default)]
struct Findings {
    /// Its rows as a whole, until they are tried.
    prepared: Option<JoinHandle<Result<Batch, BatchError>>>,
    /// Events that the store refuses, and why.
    convicted: HashMap<Position, String>,
    /// Events whose dead letters are in their topic.
    buried: HashSet<Position>,
    /// What was written that need not be written again.
    told: KnownRows,
}

/// What became of some records.
enum Stored {
    /// They are in the views.
    Done,
    /// The store will never take them all.
    Refused(String),
    /// It is time to stop.
    Stopped,
}

impl Applier {
    /// Begins to make rows of records.
    pub(crate) fn prepare(&self, records: Vec<Record>) -> Prepared {
        let (blobs, copies, known) = (self.blobs.clone(), records.clone(), Arc::clone(&self.known));
        let batch = tokio::spawn(async move { batch::read(&blobs, &copies, &HashMap::new(), &known).await });
        Prepared { records, batch }
    }

    /// Applies one batch and commits it; false if told to stop before it was all done.
    pub(crate) async fn apply(
        &mut self,
        consumer: &mut dyn Consumer,
        Prepared { records, batch }: Prepared,
    ) -> Result<bool, ProcessorError> {
        let done = last_positions(&records);
        let count = records.len();
        let oldest_ms = records.iter().map(|record| record.timestamp_ms).min().unwrap_or_default();
        let row =
            |position: &Position| WatermarkRow { partition: position.partition, next_offset: position.offset + 1 };
        let watermarks: Vec<WatermarkRow> = done.iter().map(row).collect();
        let mut findings = Findings { prepared: Some(batch), ..Findings::default() };
        loop {
            if !self.store_all(consumer, records.clone(), &mut findings).await? {
                return Ok(false);
            }
            let Err(error) = writer::watermarks(&self.client, &watermarks).await else { break };
            tracing::warn!(%error, "the store did not take the watermarks");
            if !self.patience.wait(consumer).await {
                return Ok(false);
            }
            // Its rows are written again as well: a rebuild may have put other tables in their place meanwhile.
        }
        let known = Arc::make_mut(&mut self.known);
        if known.len() + findings.told.len() > KNOWN_ROWS {
            known.clear();
        }
        known.extend(findings.told);
        self.applied.send_modify(|count| *count += 1);
        metrics::histogram!("resultsdb_batch_events").record(count as f64);
        metrics::histogram!("resultsdb_visible_seconds").record(age(oldest_ms));
        // Without this commit the batch is delivered again, which changes nothing.
        while let Err(error) = consumer.commit(&done).await {
            if !self.patience.with_log(error, consumer).await? {
                return Ok(false);
            }
        }
        self.patience.reset();
        Ok(true)
    }

    /// Writes the rows of all records; halves what is refused. False if told to stop.
    async fn store_all(
        &mut self,
        consumer: &mut dyn Consumer,
        records: Vec<Record>,
        findings: &mut Findings,
    ) -> Result<bool, ProcessorError> {
        let mut parts = vec![records];
        while let Some(mut part) = parts.pop() {
            match self.store(consumer, &part, findings).await? {
                Stored::Done => {}
                Stored::Stopped => return Ok(false),
                Stored::Refused(cause) => {
                    let later = part.split_off(part.len() / 2);
                    match (part.is_empty(), later.as_slice()) {
                        (true, [one]) => {
                            findings.convicted.insert(one.position, cause);
                        }
                        _ => tracing::warn!(cause, events = part.len() + later.len(), "looking for a refused event"),
                    }
                    parts.extend([later, part].into_iter().filter(|part| !part.is_empty()));
                }
            }
        }
        Ok(true)
    }

    /// Writes the rows of some records, and their dead letters first.
    async fn store(
        &mut self,
        consumer: &mut dyn Consumer,
        records: &[Record],
        findings: &mut Findings,
    ) -> Result<Stored, ProcessorError> {
        let batch = loop {
            let read = match findings.prepared.take() {
                Some(prepared) => prepared.await.unwrap_or(Err(BatchError::Panicked)),
                None => batch::read(&self.blobs, records, &findings.convicted, &self.known).await,
            };
            match read {
                Ok(batch) => break batch,
                Err(error @ BatchError::Panicked) => return Ok(Stored::Refused(error.to_string())),
                Err(error) => {
                    tracing::warn!(%error, "waiting for the blob store");
                    if !self.patience.wait(consumer).await {
                        return Ok(Stored::Stopped);
                    }
                }
            }
        };
        let dead = batch.letters.len();
        let cause = || batch.views.dead_letters.last().map(|letter| letter.cause.clone()).unwrap_or_default();
        if let Some((dead, of)) = self.cap.exceeded(dead, records.len() - dead) {
            return Err(ProcessorError::TooManyDeadLetters { dead, of, cause: cause() });
        }
        for (letter, row) in batch.letters.iter().zip(&batch.views.dead_letters) {
            if !findings.buried.insert(Position { partition: row.partition, offset: row.offset }) {
                continue;
            }
            metrics::counter!("resultsdb_dead_letters_total").increment(1);
            tracing::error!(cause = row.cause, partition = row.partition, offset = row.offset, "dead letter");
            while let Err(error) = self.log.append(DEAD_LETTER_TOPIC, b"", letter.clone()).await {
                if !self.patience.with_log(error, consumer).await? {
                    return Ok(Stored::Stopped);
                }
            }
        }
        loop {
            let written = while_alive(consumer, writer::write(&self.client, &batch.views, Tables::Live)).await;
            let Err(error) = written else {
                findings.told.extend(batch.views.told());
                return Ok(Stored::Done);
            };
            tracing::warn!(%error, "the store did not take a batch");
            let refused = match writer::refusal(&error) {
                Refusal::Permanent => true,
                Refusal::TooMuch => records.len() > 1,
                Refusal::Transient => false,
            };
            // What is dead already is not written but for its letter.
            if refused && dead < records.len() {
                return Ok(Stored::Refused(error.to_string()));
            }
            if !self.patience.wait(consumer).await {
                return Ok(Stored::Stopped);
            }
        }
    }
}

/// Stays a member of the group during long work.
async fn while_alive<T>(consumer: &mut dyn Consumer, work: impl Future<Output = T>) -> T {
    let mut work = std::pin::pin!(work);
    loop {
        tokio::select! {
            done = &mut work => return done,
            () = tokio::time::sleep(KEEP_ALIVE) => keep_alive(consumer).await,
        }
    }
}

/// A group that cannot be told makes this member read again what it commits too late, which changes nothing.
pub(crate) async fn keep_alive(consumer: &mut dyn Consumer) {
    if let Err(error) = consumer.keep_alive().await {
        tracing::warn!(%error, "the group could not be told that this member is alive");
    }
}

/// Seconds since a time in milliseconds; 0 if the clocks disagree.
fn age(since_ms: i64) -> f64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_millis() as i64);
    now.saturating_sub(since_ms).max(0) as f64 / 1000.0
}

/// The last position of each partition.
pub(crate) fn last_positions(records: &[Record]) -> Vec<Position> {
    let mut last: Vec<Position> = Vec::new();
    for record in records {
        match last.iter_mut().find(|position| position.partition == record.position.partition) {
            Some(position) => position.offset = position.offset.max(record.position.offset),
            None => last.push(record.position),
        }
    }
    last
}
