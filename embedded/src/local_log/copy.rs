//! Records out of a log that is in use, and into a new one: what a backup and its restoration need.
//!
//! A segment is a run of records of one partition, each with its length before it, as they are stored: with the checksum
//! over record and place. The segments of a log depend on nothing but the log: each begins where the one before ended, and is full
//! once it holds [`SEGMENT_BYTES`]. Records that were replaced since a segment was taken are longer in it, and say the same.

use std::path::Path;

use eventlog::{LogError, Position, TopicSpec};
use fjall::PersistMode;

use super::LocalLog;
use super::failure::failed;
use super::keyspaces::Keyspaces;
use super::stored::{decode, encode_topic, offset_key, parse_offset_key, record_key};

/// Bytes of records after which a segment is full.
const SEGMENT_BYTES: usize = 8 << 20;
/// What a record's identity is made of: its time, behind the checksum. It stays when a record is replaced.
const MARK: std::ops::Range<usize> = 4..12;

/// The next offset that a group reads from a partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    /// The group.
    pub group: String,
    /// The topic.
    pub topic: String,
    /// The partition, counted from 0.
    pub partition: u32,
    /// The offset of the first record that the group has not done.
    pub next: u64,
}

/// Consecutive records of one partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// The records as they are stored, each after its length (4 bytes, big-endian).
    pub bytes: Vec<u8>,
    /// The offset after the last record.
    pub next: u64,
    /// Whether a longer log would give the same segment.
    pub is_full: bool,
}

impl LocalLog {
    /// Every topic, by name.
    pub fn topics(&self) -> Vec<TopicSpec> {
        let known = self.shared.known.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut topics: Vec<TopicSpec> = known
            .iter()
            .map(|(name, topic)| TopicSpec {
                name: name.clone(),
                partitions: topic.partitions,
                retention: None,
                max_message_bytes: topic.max_message_bytes,
            })
            .collect();
        topics.sort_by(|one, other| one.name.cmp(&other.name));
        topics
    }

    /// How far each group is in each partition where it committed.
    pub fn committed(&self) -> Result<Vec<Committed>, LogError> {
        let address = &self.shared.address;
        let read = |entry: fjall::Guard| {
            let (key, next) = entry.into_inner().map_err(|error| failed(address, &error))?;
            parse_committed(&key, &next).ok_or_else(|| LogError::Damaged {
                address: address.clone(),
                cause: "a group's offset cannot be read".to_owned(),
            })
        };
        self.shared.offsets.iter().map(read).collect()
    }

    /// The records from an offset on and before `end`, until the segment is full. Every checksum is compared, and an
    /// offset without a record is [`LogError::Damaged`].
    pub fn segment(&self, topic: &str, partition: u32, from: u64, end: u64) -> Result<Segment, LogError> {
        let shared = &self.shared;
        let damaged = |offset: u64, what: &str| LogError::Damaged {
            address: shared.address.clone(),
            cause: format!("topic {topic}, partition {partition}, offset {offset}: {what}"),
        };
        let mut segment = Segment { bytes: Vec::new(), next: from, is_full: false };
        for entry in shared.records.range(record_key(topic, partition, from)..record_key(topic, partition, end)) {
            let (key, stored) = entry.into_inner().map_err(|error| failed(&shared.address, &error))?;
            if key[..] != record_key(topic, partition, segment.next)[..] {
                break;
            }
            if decode(&key, &stored, Position { partition, offset: segment.next }).is_none() {
                return Err(damaged(segment.next, "the checksum does not match"));
            }
            segment.bytes.extend((stored.len() as u32).to_be_bytes());
            segment.bytes.extend_from_slice(&stored);
            segment.next += 1;
            if segment.bytes.len() >= SEGMENT_BYTES {
                segment.is_full = true;
                return Ok(segment);
            }
        }
        if segment.next < end {
            return Err(damaged(segment.next, "the record is missing"));
        }
        Ok(segment)
    }

    /// What tells a record from another one that might have its place in another log; none where there is no record.
    pub fn mark(&self, topic: &str, partition: u32, offset: u64) -> Result<Option<Vec<u8>>, LogError> {
        let stored = self.shared.records.get(record_key(topic, partition, offset));
        let stored = stored.map_err(|error| failed(&self.shared.address, &error))?;
        Ok(stored.and_then(|stored| stored.get(MARK).map(<[u8]>::to_vec)))
    }
}

pub(super) fn parse_committed(key: &[u8], next: &[u8]) -> Option<Committed> {
    let (group, topic, partition) = parse_offset_key(key)?;
    Some(Committed { group, topic, partition, next: u64::from_be_bytes(next.try_into().ok()?) })
}

/// A new log that is filled with the segments of another one. Nothing is durable before [`LogCopy::finish`].
pub struct LogCopy {
    address: String,
    log: Keyspaces,
}

impl LogCopy {
    /// An empty log in a folder that holds none.
    pub fn create(directory: &Path) -> Result<Self, LogError> {
        let address = directory.display().to_string();
        let log = Keyspaces::open(directory).map_err(|error| failed(&address, &error))?;
        Ok(Self { address, log })
    }

    /// Adds a topic.
    pub fn add_topic(&self, topic: &TopicSpec) -> Result<(), LogError> {
        self.log
            .topics
            .insert(topic.name.as_bytes(), encode_topic(topic))
            .map_err(|error| failed(&self.address, &error))
    }

    /// Adds the records of a segment that begins with offset `first`, and returns the offset after the last one. Records
    /// that do not belong there, or are not whole, are [`LogError::Damaged`].
    pub fn add_segment(&self, topic: &str, partition: u32, first: u64, bytes: &[u8]) -> Result<u64, LogError> {
        let mut batch = self.log.database.batch();
        let (mut rest, mut offset) = (bytes, first);
        while !rest.is_empty() {
            let place = record_key(topic, partition, offset);
            let split = || {
                let (length, rest) = rest.split_first_chunk::<4>()?;
                let (stored, rest) = rest.split_at_checked(u32::from_be_bytes(*length) as usize)?;
                decode(&place, stored, Position { partition, offset })?;
                Some((stored, rest))
            };
            let Some((stored, after)) = split() else {
                let cause = format!("topic {topic}, partition {partition}, offset {offset}: no such record");
                return Err(LogError::Damaged { address: self.address.clone(), cause });
            };
            batch.insert(&self.log.records, place.as_slice(), stored);
            (rest, offset) = (after, offset + 1);
        }
        batch.commit().map_err(|error| failed(&self.address, &error))?;
        Ok(offset)
    }

    /// Says how far a group is.
    pub fn commit(&self, committed: &Committed) -> Result<(), LogError> {
        let key = offset_key(&committed.group, &committed.topic, committed.partition);
        let next = committed.next.to_be_bytes();
        self.log.offsets.insert(key, next.as_slice()).map_err(|error| failed(&self.address, &error))
    }

    /// Returns once everything is on disk.
    pub fn finish(self) -> Result<(), LogError> {
        self.log.database.persist(PersistMode::SyncAll).map_err(|error| failed(&self.address, &error))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use bytes::Bytes;
    use eventlog::EventLog;

    use super::*;

    const TOPIC: &str = "events";

    async fn filled(folder: &Path, records: u64) -> LocalLog {
        let log = LocalLog::open(folder).unwrap();
        let topic = TopicSpec { name: TOPIC.into(), partitions: 1, retention: None, max_message_bytes: 4 << 20 };
        log.ensure_topic(&topic).await.unwrap();
        for number in log.end_offsets(TOPIC).await.unwrap()[0]..records {
            log.append(TOPIC, b"key", Bytes::from(vec![number as u8; 1 << 20])).await.unwrap();
        }
        log
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_copy_has_the_records_and_goes_on_after_them() {
        let folder = tempfile::tempdir().unwrap();
        let log = filled(&folder.path().join("log"), 20).await;
        let mut consumer = log.subscribe(TOPIC, "views").await.unwrap();
        consumer.commit(&[Position { partition: 0, offset: 6 }]).await.unwrap();
        let copy = LogCopy::create(&folder.path().join("copy")).unwrap();
        log.topics().iter().for_each(|topic| copy.add_topic(topic).unwrap());
        log.committed().unwrap().iter().for_each(|committed| copy.commit(committed).unwrap());
        let (mut next, mut segments) = (0, Vec::new());
        while next < 20 {
            let segment = log.segment(TOPIC, 0, next, 20).unwrap();
            assert_eq!(copy.add_segment(TOPIC, 0, next, &segment.bytes).unwrap(), segment.next);
            next = segment.next;
            segments.push(segment);
        }
        assert_eq!(segments.iter().map(|segment| segment.is_full).collect::<Vec<_>>(), [true, true, false]);
        copy.finish().unwrap();

        let copy = filled(&folder.path().join("copy"), 21).await;
        assert_eq!(copy.committed_offsets(TOPIC, "views").await.unwrap(), [7]);
        assert_eq!(copy.committed().unwrap(), log.committed().unwrap());
        for offset in 0..20 {
            assert_eq!(copy.mark(TOPIC, 0, offset).unwrap(), log.mark(TOPIC, 0, offset).unwrap());
        }
        assert_eq!(log.mark(TOPIC, 0, 20).unwrap(), None);
        // Full segments are those of any longer log.
        assert_eq!(copy.segment(TOPIC, 0, 0, 21).unwrap(), segments[0]);
        assert_eq!(copy.segment(TOPIC, 0, segments[0].next, 21).unwrap(), segments[1]);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_segment_of_another_place_or_with_another_byte_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let log = filled(&folder.path().join("log"), 2).await;
        let segment = log.segment(TOPIC, 0, 0, 2).unwrap();
        let copy = LogCopy::create(&folder.path().join("copy")).unwrap();
        let refused = |topic: &str, partition: u32, first: u64, bytes: &[u8]| {
            matches!(copy.add_segment(topic, partition, first, bytes), Err(LogError::Damaged { .. }))
        };
        assert!(refused("other", 0, 0, &segment.bytes) && refused(TOPIC, 1, 0, &segment.bytes));
        assert!(refused(TOPIC, 0, 1, &segment.bytes));
        assert!(refused(TOPIC, 0, 0, &segment.bytes[..segment.bytes.len() - 1]));
        for at in [0, 5, 20, 1000, segment.bytes.len() - 1] {
            let mut damaged = segment.bytes.clone();
            damaged[at] ^= 1;
            assert!(refused(TOPIC, 0, 0, &damaged), "byte {at}");
        }
        assert_eq!(copy.add_segment(TOPIC, 0, 0, &segment.bytes).unwrap(), 2);
        assert!(matches!(log.segment(TOPIC, 0, 0, 3), Err(LogError::Damaged { .. })));
    }
}
