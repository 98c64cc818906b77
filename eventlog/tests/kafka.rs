//! The log on Kafka keeps the contract of event logs, and survives its broker.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use eventlog::broker::Broker;
use eventlog::{EventLog, KafkaLog, LogError, Position, Reader, TopicSpec, contract};
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use test_support::wait::until_async;
use tokio::task::JoinSet;

const LIMIT: usize = 64 << 20;

#[tokio::test(flavor = "multi_thread")]
async fn kafka_keeps_the_contract() {
    let directory = tempfile::tempdir().unwrap();
    let broker = Broker::start(directory.path());
    let log: Arc<dyn EventLog> = Arc::new(KafkaLog::connect(&broker.address()).unwrap());
    contract::holds(Arc::clone(&log)).await;
    the_largest_records_pass(&*log).await;
    members_of_a_group_share_the_work(&*log).await;
    no_partition_stays_without_a_reader(&broker.address()).await;
}

async fn the_largest_records_pass(log: &dyn EventLog) {
    let topic = contract::new_topic(log, "largest", 2, LIMIT).await;
    let value = Bytes::from((0..LIMIT - 3).map(|index| (index % 253) as u8).collect::<Vec<u8>>());
    for _ in 0..3 {
        log.append(&topic, b"key", value.clone()).await.unwrap();
    }
    let mut consumer = log.subscribe(&topic, &contract::unique("group")).await.unwrap();
    for record in contract::collect(consumer.as_mut(), 3).await {
        assert!(record.value == value);
    }
}

/// A second member takes partitions over; what the first one then commits late does no harm.
async fn members_of_a_group_share_the_work(log: &dyn EventLog) {
    let partitions = 4;
    let topic = contract::new_topic(log, "shared", partitions, 4096).await;
    let group = contract::unique("group");
    append_to_all(log, &topic).await;
    let mut first = log.subscribe(&topic, &group).await.unwrap();
    let late: Vec<Position> =
        contract::collect(first.as_mut(), 40).await.iter().map(|record| record.position).collect();
    let mut second = log.subscribe(&topic, &group).await.unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    let mut taken = Vec::new();
    while taken.is_empty() {
        assert!(Instant::now() < deadline, "the second member got nothing");
        let wait = Duration::from_millis(200);
        let (of_first, of_second) = tokio::join!(first.poll(100, usize::MAX, wait), second.poll(100, usize::MAX, wait));
        of_first.unwrap();
        taken = of_second.unwrap();
    }
    first.commit(&late).await.unwrap();
    let committed = log.committed_offsets(&topic, &group).await.unwrap();
    let moved = taken[0].position.partition as usize;
    assert_eq!(committed[moved], 0, "only its owner commits a partition: {committed:?}");
    assert!(committed.iter().any(|offset| *offset > 0), "{committed:?}");
    second.commit(&taken.iter().map(|record| record.position).collect::<Vec<_>>()).await.unwrap();
    assert!(log.committed_offsets(&topic, &group).await.unwrap()[moved] > 0);
}

/// Forty records, enough for each of a few partitions to get some.
async fn append_to_all(log: &dyn EventLog, topic: &str) -> Vec<Position> {
    let mut positions = Vec::new();
    for number in 0..40_u32 {
        positions.push(log.append(topic, &number.to_be_bytes(), Bytes::from(number.to_string())).await.unwrap());
    }
    positions
}

/// A static member goes after it was told to give partitions up, and before it asked that others get them.
async fn no_partition_stays_without_a_reader(address: &str) {
    let member = |name: &str| KafkaLog::connect(address).unwrap().with_instance(name);
    let (log, other) = (member("first"), member("second"));
    let topic = contract::new_topic(&log, "orphans", 4, 4096).await;
    let group = contract::unique("group");
    let positions = append_to_all(&log, &topic).await;
    let partitions: BTreeSet<u32> = positions.iter().map(|position| position.partition).collect();
    assert_eq!(partitions.len(), 4);
    let mut first = log.subscribe(&topic, &group).await.unwrap();
    contract::collect(first.as_mut(), 40).await;
    let mut second = other.subscribe(&topic, &group).await.unwrap();
    // A client asks for the second step when it is polled, which `first` is no more.
    let watcher: BaseConsumer = ClientConfig::new().set("bootstrap.servers", address).create().unwrap();
    until_async("both have joined", async || {
        second.poll(1, usize::MAX, Duration::from_millis(50)).await.unwrap();
        let groups = watcher.fetch_group_list(Some(&group), Duration::from_secs(5)).unwrap();
        groups.groups().iter().any(|found| found.state() == "Stable" && found.members().len() == 2)
    })
    .await;
    drop(first);
    let mut first = log.subscribe(&topic, &group).await.unwrap();
    let mut read = BTreeSet::new();
    until_async("every partition is read", async || {
        let wait = Duration::from_millis(50);
        let (of_first, of_second) = tokio::join!(first.poll(100, usize::MAX, wait), second.poll(100, usize::MAX, wait));
        read.extend(of_first.unwrap().iter().chain(&of_second.unwrap()).map(|record| record.position.partition));
        read == partitions
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unreachable_broker_is_named() {
    // Bound and never accepted from nor answered, next to a port where nobody listens at all.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = silent.local_addr().unwrap().to_string();
    for address in ["127.0.0.1:1", &silent] {
        let log = KafkaLog::connect(address).unwrap();
        let named = |error: LogError| {
            assert!(matches!(error, LogError::Unavailable { .. }), "{error:?}");
            assert!(error.to_string().contains(address), "{error}");
        };
        let spec = TopicSpec { name: "any".to_owned(), partitions: 1, retention: None, max_message_bytes: 1000 };
        let start = Instant::now();
        let (created, appended, ends, committed, subscribed) = tokio::join!(
            log.ensure_topic(&spec),
            log.append("any", b"key", Bytes::from_static(b"value")),
            log.end_offsets("any"),
            log.committed_offsets("any", "group"),
            log.subscribe("any", "group"),
        );
        assert!(start.elapsed() < Duration::from_secs(15), "{:?}", start.elapsed());
        named(created.unwrap_err());
        named(appended.unwrap_err());
        named(ends.unwrap_err());
        named(committed.unwrap_err());
        named(subscribed.err().unwrap());
    }
    assert!(matches!(KafkaLog::connect(" "), Err(LogError::Unavailable { .. })));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_acknowledged_is_lost_or_doubled_when_the_broker_dies() {
    let directory = tempfile::tempdir().unwrap();
    let mut broker = Broker::start(directory.path());
    let log: Arc<dyn EventLog> = Arc::new(KafkaLog::connect(&broker.address()).unwrap());
    let topic = contract::new_topic(&*log, "killed", 3, 1 << 20).await;
    let group = contract::unique("group");
    let mut consumer = log.subscribe(&topic, &group).await.unwrap();

    let (stop, acknowledged) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let mut appenders = JoinSet::new();
    for appender in 0..8 {
        let (log, topic) = (Arc::clone(&log), topic.clone());
        let (stop, acknowledged) = (Arc::clone(&stop), Arc::clone(&acknowledged));
        appenders.spawn(async move {
            let mut sent = Vec::new();
            while !stop.load(Ordering::SeqCst) {
                let value = Bytes::from(format!("{appender} {}", sent.len()));
                let position =
                    log.append(&topic, &value, value.clone()).await.expect("an append that outlives the outage");
                sent.push((position, value));
                acknowledged.fetch_add(1, Ordering::SeqCst);
            }
            sent
        });
    }
    until_async("appends", async || acknowledged.load(Ordering::SeqCst) >= 200).await;
    contract::collect(consumer.as_mut(), 100).await;
    broker.kill();

    let waiting = {
        let (log, topic) = (Arc::clone(&log), topic.clone());
        tokio::spawn(async move { log.append(&topic, b"key", Bytes::from_static(b"sent to a dead broker")).await })
    };
    // What the consumer had fetched before the kill may still come, and then nothing, but no error.
    while !poll(consumer.as_mut()).await.is_empty() {}
    assert!(!waiting.is_finished());
    broker.restart();

    let waited = waiting.await.unwrap().expect("the waiting append goes on after the restart");
    let before = acknowledged.load(Ordering::SeqCst);
    until_async("appends after the restart", async || acknowledged.load(Ordering::SeqCst) >= before + 200).await;
    stop.store(true, Ordering::SeqCst);
    let mut sent: BTreeMap<Position, Bytes> = BTreeMap::new();
    let mut count = 1;
    for (position, value) in appenders.join_all().await.into_iter().flatten() {
        sent.insert(position, value);
        count += 1;
    }
    sent.insert(waited, Bytes::from_static(b"sent to a dead broker"));
    assert_eq!(sent.len(), count, "each at its own position");
    assert_eq!(log.end_offsets(&topic).await.unwrap().iter().sum::<u64>(), count as u64, "and nothing beside them");

    let mut fresh = log.subscribe(&topic, &contract::unique("group")).await.unwrap();
    let found = contract::collect(fresh.as_mut(), count).await;
    assert!(found.into_iter().map(|record| (record.position, record.value)).collect::<BTreeMap<_, _>>() == sent);

    // The member of before the outage reads on, too.
    let deadline = Instant::now() + Duration::from_secs(60);
    while !poll(consumer.as_mut()).await.iter().any(|record| record.position == waited) {
        assert!(Instant::now() < deadline, "the consumer does not recover");
    }

    broker.kill();
    let start = Instant::now();
    let refused = consumer.commit(&[waited]).await.unwrap_err();
    assert!(refused.to_string().contains(&broker.address()), "{refused}");
    assert!(start.elapsed() < Duration::from_secs(30), "{:?}", start.elapsed());
    broker.restart();
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let retried = consumer.commit(&[waited]).await;
        let committed = log.committed_offsets(&topic, &group).await;
        if retried.is_ok() && committed.is_ok_and(|next| next[waited.partition as usize] == waited.offset + 1) {
            break;
        }
        assert!(Instant::now() < deadline, "commits do not recover");
        poll(consumer.as_mut()).await;
    }
}

async fn poll<R: Reader + ?Sized>(consumer: &mut R) -> Vec<eventlog::Record> {
    consumer.poll(1000, usize::MAX, Duration::from_millis(500)).await.expect("a poll during an outage is empty")
}
