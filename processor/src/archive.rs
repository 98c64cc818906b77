//! The archive of events: copies of the log's records in the object store, so that a rebuild never depends on how long the
//! log keeps them.
//!
//! Data flow: a consumer of a second group collects the records of each partition → a segment of them is stored under
//! `events/<partition>/<first offset>-<last offset>` → their offsets are committed. Records that are stored and not
//! committed are stored again, possibly in other segments. Segments may therefore overlap, and readers skip the records
//! that they have.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use bytes::{Buf, BufMut, Bytes};
use eventlog::{EventLog, LogError, Position, Record};
use futures_util::TryStreamExt;
use object_store::path::Path as Key;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};
use schema::blobs::{Blobs, cause};
use schema::{ARCHIVE_GROUP, EVENTS_TOPIC};
use tokio::sync::watch;

use crate::retry::Retry;

const ROOT: &str = "events";
/// The bytes that a segment starts with.
const MAGIC: &[u8] = b"resultsdb events 1\n";
/// Length of the digest that a segment ends with, bytes.
const DIGEST: usize = 32;
const POLL: Duration = Duration::from_secs(1);
const POLL_RECORDS: usize = 1000;
const POLL_BYTES: usize = 4 << 20;

/// When a segment is written.
#[derive(Debug, Clone, Copy)]
pub struct ArchiveOptions {
    /// Bytes of records that are enough for a segment.
    pub bytes: usize,
    /// The longest time that a record waits for others; far less than the log keeps it.
    pub age: Duration,
}

impl Default for ArchiveOptions {
    fn default() -> Self {
        Self { bytes: 8 << 20, age: Duration::from_secs(600) }
    }
}

/// Why the archive cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The object store failed.
    #[error(
        "the archive of events is not available: {}; check that the blob store is there and that this user may write to it",
        cause(.0)
    )]
    Store(object_store::Error),
    /// A segment does not have the digest that it was written with.
    #[error("the archived events {0} are damaged: restore the object from a copy")]
    Damaged(String),
}

// The text names its cause itself, so that it is no source, which would be told once more.
impl From<object_store::Error> for ArchiveError {
    fn from(error: object_store::Error) -> Self {
        Self::Store(error)
    }
}

/// The name of a segment: the first and the last offset of its records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Segment {
    pub(crate) first: u64,
    pub(crate) last: u64,
    /// When it was stored last.
    pub(crate) stored_at: SystemTime,
    /// Bytes of the object.
    pub(crate) bytes: u64,
    key: Key,
}

/// The archive in an object store.
#[derive(Debug, Clone)]
pub(crate) struct Archive(Arc<dyn ObjectStore>);

impl Archive {
    /// The archive beside the blobs.
    pub(crate) fn new(blobs: &Blobs) -> Self {
        Self(blobs.objects())
    }

    /// Stores a segment: records of one partition, in order and without gaps.
    pub(crate) async fn store(&self, records: &[Record]) -> Result<(), ArchiveError> {
        let (Some(first), Some(last)) = (records.first(), records.last()) else { return Ok(()) };
        let (partition, range) = (first.position.partition, (first.position.offset, last.position.offset));
        let name = format!("{ROOT}/{partition}/{:020}-{:020}", range.0, range.1);
        self.0.put(&Key::from(name), encode(records).into()).await?;
        Ok(())
    }

    /// Segments of a partition, ordered by their first offset.
    pub(crate) async fn segments(&self, partition: u32) -> Result<Vec<Segment>, ArchiveError> {
        let folder = Key::from(format!("{ROOT}/{partition}"));
        let listed: Vec<ObjectMeta> = self.0.list(Some(&folder)).try_collect().await?;
        let read = |object: ObjectMeta| {
            let (first, last) = object.location.filename()?.split_once('-')?;
            Some(Segment {
                first: first.parse().ok()?,
                last: last.parse().ok()?,
                stored_at: object.last_modified.into(),
                bytes: object.size,
                key: object.location,
            })
        };
        let mut found: Vec<Segment> = listed.into_iter().filter_map(read).collect();
        found.sort_by_key(|segment| (segment.first, segment.last));
        Ok(found)
    }

    /// Puts records in the place of those of a segment, at the same positions, and returns the bytes of the object.
    pub(crate) async fn replace(&self, segment: &Segment, records: &[Record]) -> Result<u64, ArchiveError> {
        let text = encode(records);
        let bytes = text.len() as u64;
        self.0.put(&segment.key, text.into()).await?;
        Ok(bytes)
    }

    /// The records of a segment.
    pub(crate) async fn load(&self, partition: u32, segment: &Segment) -> Result<Vec<Record>, ArchiveError> {
        let stored = self.0.get(&segment.key).await?.bytes().await?;
        decode(partition, stored).ok_or_else(|| ArchiveError::Damaged(segment.key.to_string()))
    }
}

/// Offsets of a partition before `until` that no segment has: the first and the last of each range. Segments are listed, not
/// read.
///
/// # Errors
/// The object store failed.
pub async fn gaps(blobs: &Blobs, partition: u32, until: u64) -> Result<Vec<(u64, u64)>, ArchiveError> {
    let segments = Archive::new(blobs).segments(partition).await?;
    Ok(uncovered(segments.iter().map(|segment| (segment.first, segment.last)), until))
}

/// What ranges leave out before `until`; they are ordered by their first offset, and may overlap.
fn uncovered(ranges: impl Iterator<Item = (u64, u64)>, until: u64) -> Vec<(u64, u64)> {
    let (mut next, mut found) = (0, Vec::new());
    for (first, last) in ranges {
        if first >= until {
            break;
        }
        if first > next {
            found.push((next, first - 1));
        }
        next = next.max(last + 1);
    }
    if next < until {
        found.push((next, until - 1));
    }
    found
}

/// A segment: [`MAGIC`], the records (offset, time, lengths of key and value as big-endian numbers, then key and value), and
/// the digest of all that.
fn encode(records: &[Record]) -> Vec<u8> {
    let mut text = MAGIC.to_vec();
    for record in records {
        text.put_u64(record.position.offset);
        text.put_i64(record.timestamp_ms);
        text.put_u32(record.key.len() as u32);
        text.put_u32(record.value.len() as u32);
        text.put_slice(&record.key);
        text.put_slice(&record.value);
    }
    let digest = blake3::hash(&text);
    text.put_slice(digest.as_bytes());
    text
}

/// The records of a segment; none if it is damaged.
fn decode(partition: u32, mut stored: Bytes) -> Option<Vec<Record>> {
    let digest = stored.split_off(stored.len().checked_sub(DIGEST)?);
    if blake3::hash(&stored).as_bytes() != digest.as_ref() || !stored.starts_with(MAGIC) {
        return None;
    }
    stored.advance(MAGIC.len());
    let mut records = Vec::new();
    while !stored.is_empty() {
        let position = Position { partition, offset: stored.try_get_u64().ok()? };
        let timestamp_ms = stored.try_get_i64().ok()?;
        let (key, value) = (stored.try_get_u32().ok()? as usize, stored.try_get_u32().ok()? as usize);
        if stored.len() < key + value {
            return None;
        }
        let key = stored.split_to(key);
        records.push(Record { position, timestamp_ms, key, value: stored.split_to(value) });
    }
    Some(records)
}

/// Records of one partition that are not enough for a segment yet.
struct OpenSegment {
    records: Vec<Record>,
    bytes: usize,
    since: Instant,
}

/// Archives until `stop` turns true and then stores the open segments. A log or a store that is away is waited for.
pub async fn run(
    log: Arc<dyn EventLog>,
    blobs: Blobs,
    options: ArchiveOptions,
    stop: watch::Receiver<bool>,
) -> Result<(), LogError> {
    let archive = Archive::new(&blobs);
    let mut retry = Retry::new(stop.clone());
    let mut consumer = loop {
        match log.subscribe(EVENTS_TOPIC, ARCHIVE_GROUP).await {
            Ok(consumer) => break consumer,
            Err(error) => {
                if !retry.wait_for_log_without_group(error).await? {
                    return Ok(());
                }
            }
        }
    };
    let mut open: BTreeMap<u32, OpenSegment> = BTreeMap::new();
    loop {
        let stopping = *stop.borrow();
        let due = |open: &OpenSegment| stopping || open.bytes >= options.bytes || open.since.elapsed() >= options.age;
        while let Some(partition) = open.iter().find(|(_, open)| due(open)).map(|(partition, _)| *partition) {
            let Some(OpenSegment { records, .. }) = open.remove(&partition) else { continue };
            while let Err(error) = archive.store(&records).await {
                tracing::warn!(%error, "waiting for the archive of events");
                if !retry.wait(consumer.as_mut()).await {
                    return Ok(());
                }
            }
            metrics::counter!("resultsdb_archived_events_total").increment(records.len() as u64);
            let done: Vec<Position> = records.last().map(|record| record.position).into_iter().collect();
            // Records whose offset is not committed are archived again.
            while let Err(error) = consumer.commit(&done).await {
                if !retry.wait_for_log(error, consumer.as_mut()).await? {
                    return Ok(());
                }
            }
            retry.reset();
        }
        if stopping {
            return Ok(());
        }
        let polled = tokio::select! {
            polled = consumer.poll(POLL_RECORDS, POLL_BYTES, POLL) => polled,
            () = retry.stopped() => continue,
        };
        match polled {
            Ok(records) => records.into_iter().for_each(|record| add(&mut open, record)),
            Err(error) => {
                retry.wait_for_log(error, consumer.as_mut()).await?;
            }
        }
    }
}

/// Adds a record to the open segment of its partition.
///
/// A partition that went to another member of the group and came back does not continue at the next offset. Its open
/// segment is then forgotten: the other member has read the records, because nobody had committed them.
fn add(open: &mut BTreeMap<u32, OpenSegment>, record: Record) {
    let fresh = || OpenSegment { records: Vec::new(), bytes: 0, since: Instant::now() };
    let waiting = open.entry(record.position.partition).or_insert_with(fresh);
    if waiting.records.last().is_some_and(|last| last.position.offset + 1 != record.position.offset) {
        *waiting = fresh();
    }
    waiting.bytes += record.value.len();
    waiting.records.push(record);
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn record(offset: u64) -> Record {
        Record {
            position: Position { partition: 3, offset },
            timestamp_ms: 5,
            key: Bytes::from_static(b"key"),
            value: Bytes::from(vec![7; offset as usize]),
        }
    }

    #[test]
    fn gaps_are_what_no_segment_has() {
        let of = |ranges: &[(u64, u64)], until| uncovered(ranges.iter().copied(), until);
        assert_eq!(of(&[], 0), []);
        assert_eq!(of(&[], 3), [(0, 2)]);
        assert_eq!(of(&[(0, 4), (3, 9)], 10), []);
        assert_eq!(of(&[(0, 9), (2, 3)], 12), [(10, 11)]);
        assert_eq!(of(&[(1, 2), (5, 6)], 7), [(0, 0), (3, 4)]);
        assert_eq!(of(&[(8, 9)], 5), [(0, 4)]);
    }

    #[test]
    fn segments_come_back_and_damage_is_noticed() {
        let records: Vec<Record> = (0..5).map(record).collect();
        let stored = encode(&records);
        let read = decode(3, stored.clone().into()).unwrap();
        assert_eq!(format!("{read:?}"), format!("{records:?}"));
        for index in 0..stored.len() {
            let mut bad = stored.clone();
            bad[index] ^= 1;
            assert!(decode(3, bad.into()).is_none(), "byte {index}");
            assert!(decode(3, stored[..index].to_vec().into()).is_none(), "cut at {index}");
        }
    }

    #[tokio::test]
    async fn segments_are_listed_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let archive = Archive::new(&Blobs::in_folder(folder.path()).unwrap());
        let records: Vec<Record> = (0..200).map(record).collect();
        for range in [100..200, 0..9, 9..100] {
            archive.store(&records[range]).await.unwrap();
        }
        let found = archive.segments(3).await.unwrap();
        assert_eq!(found.iter().map(|it| (it.first, it.last)).collect::<Vec<_>>(), [(0, 8), (9, 99), (100, 199)]);
        assert_eq!(archive.load(3, &found[1]).await.unwrap().len(), 91);
        assert!(archive.segments(4).await.unwrap().is_empty());
    }

    #[test]
    fn a_partition_that_jumps_starts_anew() {
        let mut open = BTreeMap::new();
        for offset in [5, 6, 7, 3, 4] {
            add(&mut open, record(offset));
        }
        let offsets = |open: &BTreeMap<u32, OpenSegment>| -> Vec<u64> {
            open[&3].records.iter().map(|record| record.position.offset).collect()
        };
        assert_eq!(offsets(&open), [3, 4]);
        add(&mut open, record(9));
        assert_eq!(offsets(&open), [9]);
    }
}
