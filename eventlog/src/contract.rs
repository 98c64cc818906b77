//! What every event log has to keep to, as one test that the implementations run on themselves.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use tokio::task::JoinSet;

use crate::{EventLog, LogError, Position, Reader, Record, TopicSpec};

/// After this long a condition counts as failed.
const PATIENCE: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(500);
const LIMIT: usize = 4096;
const PARTITIONS: u32 = 3;
const ALL: usize = usize::MAX;

/// Panics unless `log` keeps the contract. Uses new topics each time, and leaves them behind.
pub async fn holds(log: Arc<dyn EventLog>) {
    topics_are_created_once(&*log).await;
    unknown_topics_are_refused(&*log).await;
    records_come_back_as_they_went_in(&*log).await;
    keys_choose_partitions(&*log).await;
    what_is_not_committed_comes_again(&*log).await;
    too_large_records_leave_no_trace(&*log).await;
    concurrent_appends_are_all_there_once(&log).await;
    polls_keep_to_their_limits(&*log).await;
    a_waiting_poll_ends_with_the_record_or_the_wait(&*log).await;
    readers_start_where_they_are_told(&*log).await;
    a_busy_member_stays_and_loses_nothing(&*log).await;
}

/// A name that no other test and no earlier run has used.
pub fn unique(prefix: &str) -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    format!("{prefix}-{}-{}-{}", since.as_nanos(), std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

/// Creates a topic of a unique name and returns it.
pub async fn new_topic(log: &dyn EventLog, prefix: &str, partitions: u32, max_message_bytes: usize) -> String {
    let name = unique(prefix);
    log.ensure_topic(&TopicSpec { name: name.clone(), partitions, retention: None, max_message_bytes }).await.unwrap();
    name
}

/// Polls until `count` records are there, and panics if they do not come.
pub async fn collect<R: Reader + ?Sized>(consumer: &mut R, count: usize) -> Vec<Record> {
    let deadline = Instant::now() + PATIENCE;
    let mut found = Vec::new();
    while found.len() < count {
        assert!(Instant::now() < deadline, "{} of {count} records came", found.len());
        found.extend(consumer.poll(count - found.len(), ALL, POLL).await.unwrap());
    }
    found
}

/// The records' values by partition, in the order they came.
fn values(records: &[Record]) -> BTreeMap<u32, Vec<Bytes>> {
    let mut by_partition: BTreeMap<u32, Vec<Bytes>> = BTreeMap::new();
    for record in records {
        by_partition.entry(record.position.partition).or_default().push(record.value.clone());
    }
    by_partition
}

async fn topics_are_created_once(log: &dyn EventLog) {
    let name = new_topic(log, "created", PARTITIONS, LIMIT).await;
    assert_eq!(log.end_offsets(&name).await.unwrap(), [0; PARTITIONS as usize]);
    log.append(&name, b"key", Bytes::from_static(b"kept")).await.unwrap();
    let other = TopicSpec {
        name: name.clone(),
        partitions: PARTITIONS + 1,
        retention: Some(Duration::from_secs(3600)),
        max_message_bytes: LIMIT,
    };
    log.ensure_topic(&other).await.unwrap();
    let ends = log.end_offsets(&name).await.unwrap();
    assert_eq!((ends.len(), ends.iter().sum::<u64>()), (PARTITIONS as usize, 1), "left as it was");
}

async fn unknown_topics_are_refused(log: &dyn EventLog) {
    let name = unique("unknown");
    let same = |error: &LogError| matches!(error, LogError::UnknownTopic(topic) if *topic == name);
    assert!(log.append(&name, b"key", Bytes::from_static(b"value")).await.is_err_and(|error| same(&error)));
    assert!(log.end_offsets(&name).await.is_err_and(|error| same(&error)));
    assert!(log.committed_offsets(&name, "group").await.is_err_and(|error| same(&error)));
    assert!(log.subscribe(&name, "group").await.is_err_and(|error| same(&error)));
}

async fn records_come_back_as_they_went_in(log: &dyn EventLog) {
    let large = 3 << 20;
    let topic = new_topic(log, "bytes", PARTITIONS, large).await;
    let every_byte: Vec<u8> = (0..=255).collect();
    let big: Vec<u8> = (0..large - 8).map(|index| (index % 251) as u8).collect();
    let sent: Vec<(Vec<u8>, Vec<u8>)> = vec![
        (b"a".to_vec(), b"first".to_vec()),
        (every_byte.clone(), every_byte),
        (b"a".to_vec(), Vec::new()),
        (Vec::new(), b"without a key".to_vec()),
        (b"b".to_vec(), big),
        (b"a".to_vec(), b"last".to_vec()),
    ];
    let mut expected = BTreeMap::new();
    for (key, value) in sent {
        let position = log.append(&topic, &key, Bytes::from(value.clone())).await.unwrap();
        assert!(expected.insert(position, (key, value)).is_none(), "{position:?} twice");
    }
    for partition in 0..PARTITIONS {
        let offsets: Vec<u64> = expected.keys().filter(|at| at.partition == partition).map(|at| at.offset).collect();
        assert_eq!(offsets, (0..offsets.len() as u64).collect::<Vec<_>>(), "from 0, growing by one");
        assert_eq!(log.end_offsets(&topic).await.unwrap()[partition as usize], offsets.len() as u64);
    }
    let mut consumer = log.subscribe(&topic, &unique("group")).await.unwrap();
    let found = collect(consumer.as_mut(), expected.len()).await;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64;
    let mut last = BTreeMap::new();
    for record in &found {
        let (key, value) = &expected[&record.position];
        assert_eq!((&record.key[..], &record.value[..]), (&key[..], &value[..]), "{:?}", record.position);
        assert!((now - record.timestamp_ms).abs() < 600_000, "{} is not about now", record.timestamp_ms);
        let before = last.insert(record.position.partition, record.position.offset);
        assert!(before.is_none_or(|before| before < record.position.offset), "in order within the partition");
    }
    assert_eq!(found.iter().map(|record| record.position).collect::<BTreeSet<_>>().len(), expected.len());
}

async fn keys_choose_partitions(log: &dyn EventLog) {
    let topic = new_topic(log, "keys", PARTITIONS, LIMIT).await;
    let mut used = BTreeSet::new();
    for key in 0..30_u32 {
        let mut partitions = BTreeSet::new();
        for value in ["one", "two"] {
            partitions.insert(log.append(&topic, &key.to_be_bytes(), Bytes::from(value)).await.unwrap().partition);
        }
        assert_eq!(partitions.len(), 1, "key {key}");
        used.extend(partitions);
    }
    assert_eq!(used, (0..PARTITIONS).collect(), "30 keys use all partitions");
}

async fn what_is_not_committed_comes_again(log: &dyn EventLog) {
    let (topic, group) = (new_topic(log, "commits", 1, LIMIT).await, unique("group"));
    let text = |range: std::ops::Range<u64>| range.map(|number| Bytes::from(number.to_string())).collect::<Vec<_>>();
    for value in text(0..10) {
        log.append(&topic, b"key", value).await.unwrap();
    }
    assert_eq!(log.committed_offsets(&topic, &group).await.unwrap(), [0], "before anybody read");
    let mut first = log.subscribe(&topic, &group).await.unwrap();
    assert_eq!(values(&collect(first.as_mut(), 10).await)[&0], text(0..10), "a new group starts at the beginning");
    assert_eq!(log.committed_offsets(&topic, &group).await.unwrap(), [0], "reading commits nothing");
    let commits = log.commits();
    first.commit(&[Position { partition: 0, offset: 2 }, Position { partition: 0, offset: 3 }]).await.unwrap();
    if let Some(mut commits) = commits {
        let told = tokio::time::timeout(PATIENCE, commits.changed()).await;
        told.expect("a log that tells of commits tells of this one").unwrap();
    }
    assert_eq!(log.committed_offsets(&topic, &group).await.unwrap(), [4]);
    drop(first);

    let mut second = log.subscribe(&topic, &group).await.unwrap();
    assert_eq!(values(&collect(second.as_mut(), 6).await)[&0], text(4..10), "from the committed offset on");
    second.commit(&[Position { partition: 0, offset: 9 }]).await.unwrap();
    drop(second);

    let mut third = log.subscribe(&topic, &group).await.unwrap();
    log.append(&topic, b"key", Bytes::from_static(b"10")).await.unwrap();
    assert_eq!(values(&collect(third.as_mut(), 1).await)[&0], text(10..11), "nothing that was committed");
    assert_eq!(log.committed_offsets(&topic, &group).await.unwrap(), [10]);
    assert_eq!(log.committed_offsets(&topic, &unique("other")).await.unwrap(), [0], "groups are apart");
}

async fn too_large_records_leave_no_trace(log: &dyn EventLog) {
    let topic = new_topic(log, "limits", 1, LIMIT).await;
    let value = |size: usize| Bytes::from(vec![7; size - 3]);
    log.append(&topic, b"key", value(LIMIT)).await.expect("a record of exactly the limit");
    for size in [LIMIT + 1, 2 * LIMIT, 80 << 20] {
        match log.append(&topic, b"key", value(size)).await {
            Err(LogError::TooLarge { topic: of, size: told, limit }) => {
                assert_eq!((of, told, limit), (topic.clone(), size, LIMIT));
            }
            other => panic!("{size} bytes: {other:?}"),
        }
    }
    assert_eq!(log.end_offsets(&topic).await.unwrap(), [1]);
}

async fn concurrent_appends_are_all_there_once(log: &Arc<dyn EventLog>) {
    let topic = new_topic(&**log, "concurrent", PARTITIONS, LIMIT).await;
    let mut appends = JoinSet::new();
    for number in 0..500_u32 {
        let (log, topic) = (Arc::clone(log), topic.clone());
        appends.spawn(async move {
            let value = Bytes::from(number.to_string().repeat(100));
            (log.append(&topic, &number.to_be_bytes(), value.clone()).await.unwrap(), value)
        });
    }
    let sent: BTreeMap<Position, Bytes> = appends.join_all().await.into_iter().collect();
    assert_eq!(sent.len(), 500, "each at its own position");
    assert_eq!(log.end_offsets(&topic).await.unwrap().iter().sum::<u64>(), 500);
    let mut consumer = log.subscribe(&topic, &unique("group")).await.unwrap();
    let found = collect(consumer.as_mut(), 500).await;
    assert_eq!(found.into_iter().map(|record| (record.position, record.value)).collect::<BTreeMap<_, _>>(), sent);
}

async fn polls_keep_to_their_limits(log: &dyn EventLog) {
    let topic = new_topic(log, "polls", PARTITIONS, LIMIT).await;
    for number in 0..20_u32 {
        log.append(&topic, &number.to_be_bytes(), Bytes::from(vec![0; 100])).await.unwrap();
    }
    for (records, bytes, most) in [(3, ALL, 3), (ALL, 250, 3), (ALL, 1, 1)] {
        let mut consumer = log.subscribe(&topic, &unique("group")).await.unwrap();
        let deadline = Instant::now() + PATIENCE;
        let mut found = 0;
        while found < 20 {
            assert!(Instant::now() < deadline, "{found} of 20 records came");
            let polled = consumer.poll(records, bytes, POLL).await.unwrap();
            assert!(polled.len() <= most, "{} records at once", polled.len());
            found += polled.len();
        }
    }
}

async fn a_waiting_poll_ends_with_the_record_or_the_wait(log: &dyn EventLog) {
    let topic = new_topic(log, "waits", 1, LIMIT).await;
    let mut consumer = log.subscribe(&topic, &unique("group")).await.unwrap();
    log.append(&topic, b"key", Bytes::from_static(b"first")).await.unwrap();
    collect(consumer.as_mut(), 1).await;

    let start = Instant::now();
    assert!(consumer.poll(10, ALL, POLL).await.unwrap().is_empty());
    let waited = start.elapsed();
    assert!(waited >= POLL && waited < POLL + Duration::from_secs(5), "{waited:?}");

    let start = Instant::now();
    let (polled, appended) =
        tokio::join!(consumer.poll(10, ALL, PATIENCE), log.append(&topic, b"key", Bytes::from_static(b"second")));
    assert_eq!(polled.unwrap().iter().map(|record| record.position).collect::<Vec<_>>(), [appended.unwrap()]);
    assert!(start.elapsed() < PATIENCE / 2, "{:?}", start.elapsed());

    // Whoever stops waiting for a poll must not lose what the poll was about to return.
    let dropped = tokio::time::timeout(Duration::from_millis(50), consumer.poll(10, ALL, PATIENCE)).await;
    assert!(dropped.is_err());
    let third = log.append(&topic, b"key", Bytes::from_static(b"third")).await.unwrap();
    assert_eq!(collect(consumer.as_mut(), 1).await[0].position, third);
}

async fn readers_start_where_they_are_told(log: &dyn EventLog) {
    let topic = new_topic(log, "readers", PARTITIONS, LIMIT).await;
    assert_eq!(log.first_offsets(&topic).await.unwrap(), [0; PARTITIONS as usize]);
    let mut sent = BTreeSet::new();
    for number in 0..60_u32 {
        sent.insert(log.append(&topic, &number.to_be_bytes(), Bytes::from_static(b"value")).await.unwrap());
    }
    let ends = log.end_offsets(&topic).await.unwrap();
    for from in [[0, 0, 0], [ends[0], 1, 2], [ends[0] - 1, ends[1], 0]] {
        let expected: BTreeSet<Position> =
            sent.iter().copied().filter(|at| at.offset >= from[at.partition as usize]).collect();
        for _ in 0..2 {
            let mut reader = log.read(&topic, &from).await.unwrap();
            let found: BTreeSet<Position> =
                collect(reader.as_mut(), expected.len()).await.iter().map(|record| record.position).collect();
            assert_eq!(found, expected, "from {from:?}, also a second time");
        }
    }
    let mut reader = log.read(&topic, &ends).await.unwrap();
    assert!(reader.poll(ALL, ALL, POLL).await.unwrap().is_empty());
    let last = log.append(&topic, b"key", Bytes::from_static(b"last")).await.unwrap();
    assert_eq!(collect(reader.as_mut(), 1).await[0].position, last);
}

async fn a_busy_member_stays_and_loses_nothing(log: &dyn EventLog) {
    let topic = new_topic(log, "busy", PARTITIONS, LIMIT).await;
    let mut sent = BTreeSet::new();
    for number in 0..30_u32 {
        sent.insert(log.append(&topic, &number.to_be_bytes(), Bytes::from_static(b"value")).await.unwrap());
    }
    let mut consumer = log.subscribe(&topic, &unique("group")).await.unwrap();
    let mut found = Vec::new();
    while found.len() < sent.len() {
        for _ in 0..3 {
            consumer.keep_alive().await.unwrap();
        }
        found.extend(consumer.poll(7, ALL, POLL).await.unwrap().iter().map(|record| record.position));
    }
    assert_eq!(found.len(), sent.len(), "each once");
    assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), sent);
}
