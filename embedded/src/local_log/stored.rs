//! How topics, records and offsets are stored: keys that sort as records are read, values with a checksum.

use bytes::Bytes;
use eventlog::{Position, Record, TopicSpec};

/// Checksum, time stamp and key length before a stored record's key and value.
const HEAD_BYTES: usize = 4 + 8 + 4;

/// What is stored of a topic.
pub(super) struct Topic {
    pub(super) partitions: u32,
    pub(super) max_message_bytes: usize,
}

/// Names cannot hold a zero byte on the wire of Kafka either, so one ends them here.
pub(super) fn partition_prefix(topic: &str, partition: u32) -> Vec<u8> {
    let mut key = topic.as_bytes().to_vec();
    key.push(0);
    key.extend(partition.to_be_bytes());
    key
}

pub(super) fn record_key(topic: &str, partition: u32, offset: u64) -> Vec<u8> {
    let mut key = partition_prefix(topic, partition);
    key.extend(offset.to_be_bytes());
    key
}

pub(super) fn offset_key(group: &str, topic: &str, partition: u32) -> Vec<u8> {
    let mut key = group.as_bytes().to_vec();
    key.push(0);
    key.extend(partition_prefix(topic, partition));
    key
}

/// Topic, partition and offset of a record's key.
pub(super) fn parse_record_key(key: &[u8]) -> Option<(String, u32, u64)> {
    let (rest, offset) = key.split_last_chunk::<8>()?;
    let (topic, partition) = parse_partition(rest)?;
    Some((topic, partition, u64::from_be_bytes(*offset)))
}

/// Group, topic and partition of the key of an offset.
pub(super) fn parse_offset_key(key: &[u8]) -> Option<(String, String, u32)> {
    let end = key.iter().position(|byte| *byte == 0)?;
    let (topic, partition) = parse_partition(&key[end + 1..])?;
    Some((String::from_utf8(key[..end].to_vec()).ok()?, topic, partition))
}

fn parse_partition(prefix: &[u8]) -> Option<(String, u32)> {
    let (rest, partition) = prefix.split_last_chunk::<4>()?;
    let topic = rest.strip_suffix(&[0])?;
    Some((String::from_utf8(topic.to_vec()).ok()?, u32::from_be_bytes(*partition)))
}

pub(super) fn offset_of(key: &[u8]) -> u64 {
    key.last_chunk::<8>().map_or(0, |bytes| u64::from_be_bytes(*bytes))
}

/// Checksum over everything that follows and over the record's place, then time, key length, key, value.
pub(super) fn encode(place: &[u8], timestamp_ms: i64, key: &[u8], value: &[u8]) -> Vec<u8> {
    let mut stored = Vec::with_capacity(HEAD_BYTES + key.len() + value.len());
    stored.extend([0; 4]);
    stored.extend(timestamp_ms.to_be_bytes());
    stored.extend((key.len() as u32).to_be_bytes());
    stored.extend(key);
    stored.extend(value);
    let checksum = checksum(place, &stored[4..]);
    stored[..4].copy_from_slice(&checksum.to_be_bytes());
    stored
}

fn checksum(place: &[u8], rest: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(place);
    hasher.update(rest);
    hasher.finalize()
}

pub(super) fn decode(place: &[u8], stored: &[u8], position: Position) -> Option<Record> {
    let (found, rest) = stored.split_first_chunk::<4>()?;
    if checksum(place, rest) != u32::from_be_bytes(*found) {
        return None;
    }
    let (timestamp, rest) = rest.split_first_chunk::<8>()?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let (key, value) = rest.split_at_checked(u32::from_be_bytes(*length) as usize)?;
    Some(Record {
        position,
        timestamp_ms: i64::from_be_bytes(*timestamp),
        key: Bytes::copy_from_slice(key),
        value: Bytes::copy_from_slice(value),
    })
}

pub(super) fn encode_topic(topic: &TopicSpec) -> Vec<u8> {
    let mut stored = topic.partitions.max(1).to_be_bytes().to_vec();
    stored.extend((topic.max_message_bytes as u64).to_be_bytes());
    stored
}

pub(super) fn decode_topic(name: &[u8], stored: &[u8]) -> Option<(String, Topic)> {
    let (partitions, rest) = stored.split_first_chunk::<4>()?;
    let (limit, _) = rest.split_first_chunk::<8>()?;
    Some((
        String::from_utf8(name.to_vec()).ok()?,
        Topic { partitions: u32::from_be_bytes(*partitions), max_message_bytes: u64::from_be_bytes(*limit) as usize },
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_say_what_they_were_made_of() {
        assert_eq!(parse_record_key(&record_key("t", 1, 256)), Some(("t".into(), 1, 256)));
        assert_eq!(parse_offset_key(&offset_key("g", "t", 0)), Some(("g".into(), "t".into(), 0)));
        assert!(parse_record_key(b"t").is_none() && parse_offset_key(b"no zero").is_none());
    }

    #[test]
    fn a_flipped_byte_or_another_place_is_noticed() {
        let place = record_key("t", 1, 7);
        let stored = encode(&place, 5, b"key", b"value");
        let position = Position { partition: 1, offset: 7 };
        assert!(decode(&place, &stored, position).is_some_and(|record| record.value == "value" && record.key == "key"));
        for index in 0..stored.len() {
            let mut bad = stored.clone();
            bad[index] ^= 1;
            assert!(decode(&place, &bad, position).is_none(), "byte {index}");
        }
        assert!(decode(&record_key("t", 1, 8), &stored, position).is_none());
    }
}
