//! Removes blobs that no event names any more, or never did, and from events what is over ([`over`]).
//!
//! A blob is stored before the event that names it, so that an intake that dies in between leaves one that nothing names. What an
//! event names may be over: the archive of a run after eight weeks, the results of a run by the retention of its suite.
//!
//! Data flow: the blobs that are older than a grace time → all events, each of which keeps what it names → what is left is
//! removed, unless it was stored again meanwhile. Where events are missing nothing is removed; an event that cannot be read keeps
//! what was stored in the days around it. No rebuild may be at work: it reads what events name.

mod over;
mod pace;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clickhouse::Client;
use eventlog::{EventLog, Record};
use schema::blobs::{BlobError, Blobs, SHORTEST_GRACE, StoredBlob};
use schema::event::{self, Header, Request, TABLES_LATER};
use schema::expiry::Expiry;
use schema::retention::Retention;

use crate::archive::Archive;
use crate::events::{self, EventSource, EventsError};

pub use pace::regularly;

/// Records that are read at a time.
const BATCH_RECORDS: usize = 1000;
const BATCH_BYTES: usize = 8 << 20;

/// What a sweep may remove.
#[derive(Debug, Clone, Copy)]
pub struct SweepOptions {
    /// How long a blob is left alone after it was stored; [`SHORTEST_GRACE`] at least.
    pub grace: Duration,
    /// Whether nothing is removed, and only told what would be.
    pub is_rehearsal: bool,
}

/// What a sweep found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SweepReport {
    /// Events that were read.
    pub events: u64,
    /// Events that cannot be read.
    pub unreadable: u64,
    /// Blobs beyond their grace time that are kept.
    pub kept: u64,
    /// Blobs that nothing names.
    pub swept: u64,
    /// Their bytes.
    pub swept_bytes: u64,
    /// Events that are over, of which only what is kept for good was left.
    pub over: u64,
    /// Bytes that they took up before, less those that they take up now.
    pub over_bytes: u64,
}

/// Why a sweep ends early. It has removed nothing then, or only what nothing names.
#[derive(Debug, thiserror::Error)]
pub enum SweepError {
    /// The grace time would take away what is being uploaded.
    #[error("a blob is left alone for two days at least; give a longer grace time")]
    ShortGrace,
    /// The events cannot be read, or not be written; nothing was removed that they need.
    #[error(transparent)]
    Events(#[from] EventsError),
    /// The blob store failed.
    #[error(transparent)]
    Blobs(#[from] BlobError),
}

/// Removes what no event names at a time.
pub async fn run(
    log: Arc<dyn EventLog>,
    client: &Client,
    blobs: &Blobs,
    retention: &Retention,
    options: SweepOptions,
    now: SystemTime,
) -> Result<SweepReport, SweepError> {
    if options.grace < SHORTEST_GRACE {
        return Err(SweepError::ShortGrace);
    }
    let mut unnamed = blobs.older_than(options.grace, now).await?;
    let (mut report, all) = (SweepReport::default(), unnamed.len() as u64);
    // What is appended from here on names blobs that are younger than the grace time.
    let until = events::ends(log.as_ref(), client).await?;
    let mut source = EventSource::open(Arc::clone(&log), Archive::new(blobs), &vec![0; until.len()]).await?;
    while !unnamed.is_empty() {
        let records = source.batch(&until, BATCH_RECORDS, BATCH_BYTES).await?;
        if records.is_empty() {
            break;
        }
        report.events += records.len() as u64;
        for record in &records {
            if !keep(&mut unnamed, record, retention, now) {
                report.unreadable += 1;
            }
        }
    }
    report.kept = all - unnamed.len() as u64;
    for (digest, blob) in &unnamed {
        if options.is_rehearsal || blobs.remove(digest, blob).await? {
            report.swept += 1;
            report.swept_bytes += blob.bytes;
        }
    }
    let what = over::What { retention, now, is_rehearsal: options.is_rehearsal };
    over::shorten(log.as_ref(), &Archive::new(blobs), &until, what, &mut report).await?;
    Ok(report)
}

/// Takes what an event names from the blobs that nothing names; false if it cannot be read.
fn keep(unnamed: &mut BTreeMap<String, StoredBlob>, record: &Record, retention: &Retention, now: SystemTime) -> bool {
    match event::decode_header(&record.value) {
        Ok(header) => {
            for digest in named(&header, retention, seconds(now)) {
                unnamed.remove(digest);
            }
            true
        }
        Err(_) => {
            let appended = UNIX_EPOCH + Duration::from_millis(record.timestamp_ms.try_into().unwrap_or_default());
            // An event is appended as soon as its blob is stored, or finds one that was stored lately.
            let may_be_its = |blob: &StoredBlob| {
                blob.stored_at <= appended + SHORTEST_GRACE && blob.stored_at + SHORTEST_GRACE >= appended
            };
            unnamed.retain(|_, blob| !may_be_its(blob));
            false
        }
    }
}

/// The digests that an event names and that are not over at a time, seconds since 1970.
fn named<'a>(header: &'a Header, retention: &Retention, now: i64) -> impl Iterator<Item = &'a str> {
    let at_last = now.saturating_sub(TABLES_LATER);
    let (payload, files) = match &header.request {
        Request::Upload { suite, commits, .. } => {
            let is_over = Expiry::of_run(retention, suite, commits, at_last).is_some();
            (header.payload.as_deref().filter(|_| !is_over), None)
        }
        Request::Archive { timestamp, digest, .. } => {
            let is_over = Expiry::of_archive(*timestamp, at_last).is_some();
            (header.payload.as_deref(), Some(digest.as_str()).filter(|_| !is_over))
        }
        _ => (header.payload.as_deref(), None),
    };
    payload.into_iter().chain(files)
}

fn seconds(time: SystemTime) -> i64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() as i64)
}
