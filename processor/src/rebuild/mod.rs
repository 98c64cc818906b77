//! Makes views anew from the first event on, beside those that are read, and puts them in their place.
//!
//! Data flow: [`source`] reads every event, from the archive and then from the log, up to what the live views show →
//! the same mapping as ever writes rows to tables of the next [`generation`] → the live watermarks are held, what came
//! in the meantime is applied, rows are counted on both sides → tables change places → watermarks go on. Uploads are
//! acknowledged all the while; processors whose watermark is refused try the same batch again, then into the new tables.
//!
//! After every batch `rebuild_progress` says how far it is, so that a rebuild that was broken off goes on from there.

mod generation;
mod source;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clickhouse::{Client, Row};
use eventlog::{EventLog, LogError};
use generation::Generation;
use schema::blobs::{BlobError, Blobs};
use schema::store::rows::WatermarkRow;
use schema::store::{Cluster, StoreAddress};
use schema::{EVENTS_TOPIC, PROCESSOR_GROUP};
use serde::{Deserialize, Serialize};
use source::Source;

use crate::archive::{Archive, ArchiveError};
use crate::batch::{self, Batch, BatchError};
use crate::gather::{BATCH_BYTES, BATCH_RECORDS};
use crate::rows::{KnownRows, Views};
use crate::writer::{self, Tables};

/// Tables that events fill; watermarks and alerts are not made from events.
pub const VIEWS: [&str; 17] = [
    "configurations",
    "suites",
    "tests",
    "commits",
    "commit_names",
    "runs",
    "results",
    "failures",
    "uploads",
    "repositories",
    "links",
    "queues",
    "archives",
    "ews_results",
    "receipts",
    "bugs",
    generation::DEAD_LETTERS,
];
/// Those of them that are partitioned by week.
const WEEKLY: [&str; 6] = ["runs", "results", "failures", "uploads", "links", "archives"];
/// Between two looks at what the live processors are doing.
const PAUSE: Duration = Duration::from_millis(20);
/// In the table of watermarks, whose sum has to grow when other tables take the place of those that are read.
const NO_PARTITION: u32 = u32::MAX;

/// What is to be rebuilt.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Names of [`VIEWS`].
    pub views: Vec<String>,
    /// Commits before the week of this day, seconds since the Unix epoch, are taken over as they are.
    pub since: Option<i64>,
}

/// How to go about it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Manner {
    /// Swap although rows were lost or gained, as they are meant to be when the mapping has changed.
    pub accept_differences: bool,
    /// Forget a rebuild that was broken off.
    pub start_over: bool,
}

/// Rows of a view before and after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Count {
    /// The view.
    pub view: &'static str,
    /// Rows that reads saw before.
    pub before: u64,
    /// Rows that reads see now.
    pub after: u64,
}

/// What a rebuild did.
#[derive(Debug)]
pub struct Report {
    /// Events that were applied, this time.
    pub events: u64,
    /// Of these, how many could not be processed, as before.
    pub unreadable: u64,
    /// Rows by view.
    pub counts: Vec<Count>,
    /// How long new uploads were not shown.
    pub held: Duration,
}

/// Why a rebuild ends.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum RebuildError {
    #[error("the store: {0}")]
    Store(#[from] clickhouse::error::Error),
    #[error(transparent)]
    Log(#[from] LogError),
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    #[error(transparent)]
    Blobs(#[from] BlobError),
    #[error("a batch of events could not be processed: it panicked")]
    Panicked,
    #[error("'{0}' is not a view; views are: {views}", views = VIEWS.join(", "))]
    UnknownView(String),
    #[error(
        "events {from} to {to} of partition {partition} are neither in the archive nor in the log any more; \
         restore the archive before rebuilding"
    )]
    Gone { partition: u32, from: u64, to: u64 },
    #[error("another rebuild was broken off ({0}); go on with the same options, or give it up with --start-over")]
    Unfinished(String),
    #[error("the tables that an earlier rebuild replaced are still there; remove them with --drop-old first")]
    OldTables,
    #[error("rows differ: {0}; nothing was swapped; go on with --accept-differences, or give it up with --start-over")]
    Differences(String),
}

impl From<BatchError> for RebuildError {
    fn from(error: BatchError) -> Self {
        match error {
            BatchError::Blobs(error) => Self::Blobs(error),
            BatchError::Panicked => Self::Panicked,
        }
    }
}

#[derive(Row, Serialize, Deserialize)]
struct ProgressRow {
    partition: u32,
    next_offset: u64,
    plan: String,
}

/// What is stored of a rebuild: its plan and its generation.
#[derive(Serialize, Deserialize)]
struct Begun {
    plan: Plan,
    generation: u64,
}

/// Rebuilds the views of the plan; `progress` hears how many events of how many are done.
pub async fn run(
    log: Arc<dyn EventLog>,
    store: &StoreAddress,
    blobs: Blobs,
    plan: Plan,
    manner: Manner,
    progress: impl Fn(u64, u64),
) -> Result<Report, RebuildError> {
    let client = store.client();
    let mut views = Vec::new();
    for asked in &plan.views {
        let known = VIEWS.iter().find(|view| *view == asked);
        views.push(*known.ok_or_else(|| RebuildError::UnknownView(asked.clone()))?);
    }
    if manner.start_over {
        give_up(&client).await?;
    }
    let partitions = log.end_offsets(EVENTS_TOPIC).await?.len();
    let (next, generation) = begin(&client, &plan, &views, partitions).await?;
    let begun = Begun { plan, generation: generation.number };
    let mut rebuild = Rebuild {
        source: Source::open(Arc::clone(&log), Archive::new(&blobs), &next).await?,
        generation: generation.unfinished(&client).await?,
        begun: serde_json::to_string(&begun).unwrap_or_default(),
        log,
        client,
        cluster: store.cluster.clone(),
        blobs,
        known: Arc::default(),
        events: 0,
        unreadable: 0,
    };
    let shown = rebuild.log.committed_offsets(EVENTS_TOPIC, PROCESSOR_GROUP).await?;
    rebuild.catch_up(&shown, &progress).await?;
    rebuild.swap(manner, &progress).await
}

/// Forgets a rebuild that was broken off, and removes its tables.
async fn give_up(client: &Client) -> Result<(), RebuildError> {
    generation::release(client).await?;
    for view in VIEWS {
        client.query(&format!("DROP TABLE IF EXISTS {} SYNC", writer::next(view))).execute().await?;
    }
    Ok(client.query("TRUNCATE TABLE rebuild_progress").execute().await?)
}

/// Removes the tables that rebuilds replaced; answers which.
pub async fn drop_old(client: &Client) -> Result<Vec<&'static str>, RebuildError> {
    let mut dropped = Vec::new();
    for view in VIEWS {
        if generation::exists(client, &generation::previous(view)).await? {
            client.query(&format!("DROP TABLE {} SYNC", generation::previous(view))).execute().await?;
            dropped.push(view);
        }
    }
    Ok(dropped)
}

/// Where to go on: offsets and generation of a rebuild that was broken off, or new tables.
async fn begin(
    client: &Client,
    plan: &Plan,
    views: &[&'static str],
    partitions: usize,
) -> Result<(Vec<u64>, Generation), RebuildError> {
    let rows: Vec<ProgressRow> =
        client.query("SELECT ?fields FROM rebuild_progress ORDER BY partition").fetch_all().await?;
    if let Some(row) = rows.first() {
        let begun: Option<Begun> = serde_json::from_str(&row.plan).ok();
        let Some(begun) = begun.filter(|begun| begun.plan == *plan) else {
            return Err(RebuildError::Unfinished(row.plan.clone()));
        };
        let mut next = vec![0; partitions];
        for row in rows {
            if let Some(slot) = next.get_mut(row.partition as usize) {
                *slot = row.next_offset;
            }
        }
        return Ok((next, Generation { number: begun.generation, views: views.to_vec(), since: plan.since }));
    }
    for view in views {
        if generation::exists(client, &generation::previous(view)).await? {
            return Err(RebuildError::OldTables);
        }
    }
    let generation = Generation::create(client, views, plan.since).await?;
    let begun = Begun { plan: plan.clone(), generation: generation.number };
    let next = vec![0; partitions];
    save(client, &next, &serde_json::to_string(&begun).unwrap_or_default()).await?;
    Ok((next, generation))
}

async fn save(client: &Client, next: &[u64], begun: &str) -> Result<(), clickhouse::error::Error> {
    let mut insert = client.insert::<ProgressRow>("rebuild_progress").await?;
    for (partition, next_offset) in next.iter().enumerate() {
        let plan = begun.to_owned();
        insert.write(&ProgressRow { partition: partition as u32, next_offset: *next_offset, plan }).await?;
    }
    insert.end().await
}

struct Rebuild {
    log: Arc<dyn EventLog>,
    client: Client,
    cluster: Option<Cluster>,
    blobs: Blobs,
    source: Source,
    generation: Generation,
    begun: String,
    /// What the next generation has; whatever the live tables have does not count.
    known: Arc<KnownRows>,
    events: u64,
    unreadable: u64,
}

impl Rebuild {
    /// Applies all events below `until`; reads a batch while the one before is written.
    async fn catch_up(&mut self, until: &[u64], progress: &impl Fn(u64, u64)) -> Result<(), RebuildError> {
        let Self { client, blobs, source, generation, begun, known, .. } = self;
        let total: u64 = until.iter().sum();
        let mut ready: Option<(Batch, Vec<u64>)> = None;
        loop {
            let write = async {
                if let Some((batch, next)) = &ready {
                    writer::write(client, &batch.views, Tables::Next(&generation.views)).await?;
                    save(client, next, begun).await?;
                    progress(next.iter().sum::<u64>().min(total), total);
                }
                Ok::<_, RebuildError>(())
            };
            let read = async {
                let records = source.batch(until, BATCH_RECORDS, BATCH_BYTES).await?;
                if records.is_empty() {
                    return Ok(None);
                }
                let mut batch = batch::read(blobs, &records, &HashMap::new(), known).await?;
                if let Some(since) = generation.since {
                    without_weeks_before(&mut batch.views, since);
                }
                Ok::<_, RebuildError>(Some((batch, records.len(), source.next())))
            };
            let (written, read) = tokio::join!(write, read);
            written?;
            if let Some((batch, _)) = &ready {
                Arc::make_mut(known).extend(batch.views.told());
            }
            let Some((batch, events, next)) = read? else { return Ok(()) };
            self.events += events as u64;
            self.unreadable += batch.letters.len() as u64;
            ready = Some((batch, next));
        }
    }

    /// Holds the live views where they are, reaches them, compares, and takes their place.
    async fn swap(mut self, manner: Manner, progress: &impl Fn(u64, u64)) -> Result<Report, RebuildError> {
        let begun = Instant::now();
        generation::hold(&self.client).await?;
        let counts = match self.compare(manner, progress).await {
            Ok(counts) => counts,
            Err(error) => {
                generation::release(&self.client).await?;
                return Err(error);
            }
        };
        self.generation.swap(&self.client).await?;
        generation::release(&self.client).await?;
        let mark = WatermarkRow { partition: NO_PARTITION, next_offset: self.generation.number };
        writer::watermarks(&self.client, &[mark]).await?;
        self.client.query("TRUNCATE TABLE rebuild_progress").execute().await?;
        Ok(Report { events: self.events, unreadable: self.unreadable, counts, held: begun.elapsed() })
    }

    /// Reaches the live views, which are held, and counts both.
    async fn compare(&mut self, manner: Manner, progress: &impl Fn(u64, u64)) -> Result<Vec<Count>, RebuildError> {
        // An insert that had begun before may still succeed.
        while generation::watermarks_in_flight(&self.client, self.cluster.as_ref()).await? {
            tokio::time::sleep(PAUSE).await;
        }
        let rows: Vec<WatermarkRow> = self.client.query("SELECT ?fields FROM watermarks").fetch_all().await?;
        let mut shown = self.source.next();
        for row in rows {
            if let Some(slot) = shown.get_mut(row.partition as usize) {
                *slot = row.next_offset.max(*slot);
            }
        }
        self.catch_up(&shown, progress).await?;
        self.generation.take_over(&self.client).await?;
        self.generation.take_over_decisions(&self.client).await?;
        let least = self.generation.count(&self.client, writer::next).await?;
        let before = self.generation.count(&self.client, str::to_owned).await?;
        if least != before {
            // Each processor may have written one batch more, which it will write again.
            let ends = self.log.end_offsets(EVENTS_TOPIC).await?;
            let more = |(shown, end): (&u64, &u64)| (*end).min(shown + BATCH_RECORDS as u64).max(*shown);
            let begun: Vec<u64> = shown.iter().zip(&ends).map(more).collect();
            self.catch_up(&begun, progress).await?;
        }
        let after = self.generation.count(&self.client, writer::next).await?;
        let mut counts = Vec::new();
        let mut differing = Vec::new();
        for (index, view) in self.generation.views.iter().enumerate() {
            let (least, before, after) = (least[index], before[index], after[index]);
            if !(least..=after).contains(&before) {
                differing.push(format!("{view} {before} → {after}"));
            }
            counts.push(Count { view, before, after });
        }
        if differing.is_empty() || manner.accept_differences {
            Ok(counts)
        } else {
            Err(RebuildError::Differences(differing.join(", ")))
        }
    }
}

/// Leaves rows of weekly tables to the old ones.
fn without_weeks_before(views: &mut Views, since: i64) {
    let first = generation::monday(since).max(0) as u64 * 100;
    views.runs.retain(|row| row.uuid >= first);
    views.results.retain(|results| results.run.uuid >= first);
    views.failures.retain(|row| row.uuid >= first);
    views.uploads.retain(|row| row.uuid >= first);
    views.links.retain(|row| row.uuid >= first);
    views.archives.retain(|row| row.uuid >= first);
}
