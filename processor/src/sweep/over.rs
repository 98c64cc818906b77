//! Leaves of events that are over what is kept for good.
//!
//! Data flow: the archive's segments, or the records of a log that keeps them for ever → events whose rows are over
//! (`schema::event::over`) → the same event with its remains, at the same position. A log that forgets by itself is left alone.
//! A position never changes and a replacement makes the same rows, so that whoever reads meanwhile finds either to the same effect.

use std::time::{Duration, SystemTime};

use eventlog::{EventLog, KeptLog, LogError, Record};
use schema::EVENTS_TOPIC;
use schema::event;
use schema::retention::Retention;
use schema::seconds::DAY;

use super::{BATCH_BYTES, BATCH_RECORDS, SweepReport, seconds};
use crate::archive::Archive;
use crate::events::EventsError;

/// What will be over within so many seconds is waited for, so that a segment is not written again and again: its uploads are over
/// within days of each other, results of changes under review after years.
const SOON: i64 = 60 * DAY as i64;
/// What stands behind the header of an event that has no results.
const NOTHING: &str = "null";

/// What is over, and whether that is only told.
#[derive(Clone, Copy)]
pub(super) struct What<'r> {
    pub(super) retention: &'r Retention,
    pub(super) now: SystemTime,
    pub(super) is_rehearsal: bool,
}

/// What can be said of a record.
enum Age {
    /// Its rows are over: the record that takes its place.
    Over(Record),
    /// Its rows will be over at this time, seconds since 1970.
    Needed(i64),
    /// Nothing will ever be taken from it, or it cannot be read.
    Kept,
}

/// Shortens the archived events, and those of a log that keeps them, before the offsets `until`.
pub(super) async fn shorten(
    log: &dyn EventLog,
    archive: &Archive,
    until: &[u64],
    what: What<'_>,
    report: &mut SweepReport,
) -> Result<(), EventsError> {
    for partition in 0..until.len() {
        what.shorten_archived(archive, partition as u32, report).await?;
    }
    match log.kept() {
        Some(kept) => Ok(what.shorten_logged(log, kept, until, report).await?),
        None => Ok(()),
    }
}

impl What<'_> {
    /// Segments are replaced as a whole.
    async fn shorten_archived(
        self,
        archive: &Archive,
        partition: u32,
        report: &mut SweepReport,
    ) -> Result<(), EventsError> {
        let shortest = Duration::from_secs(u64::try_from(self.retention.longest_seconds()).unwrap_or(u64::MAX));
        for segment in archive.segments(partition).await? {
            // What was stored lately has nothing that is over.
            if self.now.duration_since(segment.stored_at).unwrap_or_default() < shortest {
                continue;
            }
            let records = archive.load(partition, &segment).await?;
            let ages: Vec<Age> = records.iter().map(|record| self.age(record)).collect();
            let over = ages.iter().filter(|age| matches!(age, Age::Over(_))).count() as u64;
            let soon = seconds(self.now).saturating_add(SOON);
            if over == 0 || ages.iter().any(|age| matches!(age, Age::Needed(until) if *until <= soon)) {
                continue;
            }
            let shorter = ages.into_iter().zip(records).map(|(age, record)| match age {
                Age::Over(shorter) => shorter,
                Age::Needed(_) | Age::Kept => record,
            });
            let shorter: Vec<Record> = shorter.collect();
            let bytes = match self.is_rehearsal {
                true => shorter.iter().map(|record| record.value.len() as u64).sum(),
                false => archive.replace(&segment, &shorter).await?,
            };
            report.over += over;
            report.over_bytes += segment.bytes.saturating_sub(bytes);
        }
        Ok(())
    }

    /// Records of a partition are in the order of their time, so that the rest is young behind the first that is.
    async fn shorten_logged(
        self,
        log: &dyn EventLog,
        kept: &dyn KeptLog,
        until: &[u64],
        report: &mut SweepReport,
    ) -> Result<(), LogError> {
        let young = seconds(self.now).saturating_sub(self.retention.longest_seconds()).saturating_mul(1000);
        for (partition, end) in until.iter().enumerate() {
            // One partition at a time: the others begin behind whatever they have.
            let mut from = vec![u64::MAX; until.len()];
            from[partition] = 0;
            let mut reader = log.read(EVENTS_TOPIC, &from).await?;
            loop {
                let mut records = reader.poll(BATCH_RECORDS, BATCH_BYTES, Duration::ZERO).await?;
                records.retain(|record| record.position.offset < *end);
                let Some(last) = records.last() else { break };
                let is_young = last.timestamp_ms > young;
                let mut over = Vec::new();
                for record in &records {
                    if let Age::Over(shorter) = self.age(record) {
                        report.over_bytes += record.value.len().saturating_sub(shorter.value.len()) as u64;
                        over.push(shorter);
                    }
                }
                report.over += over.len() as u64;
                if !self.is_rehearsal && !over.is_empty() {
                    kept.replace(EVENTS_TOPIC, over).await?;
                }
                if is_young {
                    break;
                }
            }
        }
        Ok(())
    }

    fn age(self, record: &Record) -> Age {
        let Ok(header) = event::decode_header(&record.value) else { return Age::Kept };
        match header.needed_until(self.retention) {
            None => Age::Kept,
            Some(until) if until > seconds(self.now) => Age::Needed(until),
            Some(_) => match event::encode(&header.remains(), NOTHING) {
                Ok(value) => Age::Over(Record { value: value.into(), ..record.clone() }),
                Err(_) => Age::Kept,
            },
        }
    }
}
