//! A processor that dies after its inserts and before its offset commit: the batch comes again and changes nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use embedded::{Engine, EngineOptions, LocalLog};
use eventlog::{Consumer, EventLog, LogError, Position, Record, TopicSpec};
use schema::blobs::Blobs;
use schema::event::{self, Header, Request};
use schema::store::{self, StoreAddress};
use schema::{DEAD_LETTER_TOPIC, EVENTS_TOPIC, PROCESSOR_GROUP};
use serde_json::json;
use tokio::sync::watch;

/// A log that never takes an offset.
struct Forgetful(Arc<LocalLog>);

struct ForgetfulConsumer(Box<dyn Consumer>);

#[async_trait]
impl EventLog for Forgetful {
    async fn ensure_topic(&self, topic: &TopicSpec) -> Result<(), LogError> {
        self.0.ensure_topic(topic).await
    }
    async fn append(&self, topic: &str, key: &[u8], value: Bytes) -> Result<Position, LogError> {
        self.0.append(topic, key, value).await
    }
    async fn end_offsets(&self, topic: &str) -> Result<Vec<u64>, LogError> {
        self.0.end_offsets(topic).await
    }
    async fn committed_offsets(&self, topic: &str, group: &str) -> Result<Vec<u64>, LogError> {
        self.0.committed_offsets(topic, group).await
    }
    async fn subscribe(&self, topic: &str, group: &str) -> Result<Box<dyn Consumer>, LogError> {
        Ok(Box::new(ForgetfulConsumer(self.0.subscribe(topic, group).await?)))
    }
}

#[async_trait]
impl Consumer for ForgetfulConsumer {
    async fn poll(&mut self, max: usize, bytes: usize, wait: Duration) -> Result<Vec<Record>, LogError> {
        self.0.poll(max, bytes, wait).await
    }
    async fn commit(&mut self, _: &[Position]) -> Result<(), LogError> {
        Err(LogError::Unavailable { address: "nowhere".into(), cause: "commits are lost".into() })
    }
}

fn upload(index: i64) -> Vec<u8> {
    let commit =
        json!({"repository_id": "w", "branch": "main", "timestamp": 1_790_000_000 + index, "revision": index + 1});
    let configuration =
        json!({"platform": "Mac", "version": 14_000_000, "is_simulator": false, "architecture": "arm64"});
    let header = Header {
        event_id: uuid::Uuid::now_v7(),
        received_at: 1_790_000_100,
        request: Request::Upload {
            suite: "s".into(),
            configuration: serde_json::from_value(configuration).unwrap(),
            commits: vec![serde_json::from_value(commit).unwrap()],
            timestamp: 1_790_000_050,
            links: Some(event::Links::default()),
        },
        payload: None,
    };
    event::encode(&header, r#"{"results":{"a":{"actual":"CRASH"},"b":{}}}"#).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_was_inserted_but_not_committed_shows_once() {
    let directory = tempfile::tempdir().unwrap();
    let log = Arc::new(LocalLog::open(&directory.path().join("log")).unwrap());
    for name in [EVENTS_TOPIC, DEAD_LETTER_TOPIC] {
        let topic = TopicSpec { name: name.into(), partitions: 2, retention: None, max_message_bytes: 1 << 20 };
        log.ensure_topic(&topic).await.unwrap();
    }
    let engine = Engine::start(EngineOptions::new(directory.path().join("store"))).await.unwrap();
    let address = StoreAddress {
        url: engine.url().into(),
        database: "resultsdb".into(),
        user: engine.user().into(),
        password: engine.password().into(),
    };
    store::migrate(&address).await.unwrap();
    let (client, blobs) = (address.client(), Blobs::in_folder(&directory.path().join("blobs")).unwrap());
    for index in 0..10 {
        log.append(EVENTS_TOPIC, &index.to_string().into_bytes(), upload(index).into()).await.unwrap();
    }
    log.append(EVENTS_TOPIC, b"bad", Bytes::from_static(b"no event")).await.unwrap();

    // Dies between insert and commit, three times.
    let (_go_on, stop) = watch::channel(false);
    for _ in 0..3 {
        let (applied, mut shown) = watch::channel(0);
        let forgetful: Arc<dyn EventLog> = Arc::new(Forgetful(Arc::clone(&log)));
        let processor = tokio::spawn(processor::run(forgetful, client.clone(), blobs.clone(), applied, stop.clone()));
        shown.wait_for(|batches| *batches > 0).await.unwrap();
        processor.abort();
        assert!(processor.await.unwrap_err().is_cancelled());
        assert_eq!(log.committed_offsets(EVENTS_TOPIC, PROCESSOR_GROUP).await.unwrap().iter().sum::<u64>(), 0);
    }

    let (stopping, stop) = watch::channel(false);
    let (applied, _shown) = watch::channel(0);
    let whole: Arc<dyn EventLog> = log.clone();
    let processor = tokio::spawn(processor::run(whole, client.clone(), blobs, applied, stop));
    let ends = log.end_offsets(EVENTS_TOPIC).await.unwrap();
    while log.committed_offsets(EVENTS_TOPIC, PROCESSOR_GROUP).await.unwrap() != ends {
        tokio::task::yield_now().await;
    }
    stopping.send(true).unwrap();
    processor.await.unwrap().unwrap();

    for (table, rows) in [
        ("runs", 10),
        ("results", 20),
        ("failures", 10),
        ("uploads", 10),
        ("commits", 10),
        ("commit_names", 10),
        ("links", 10),
        ("tests", 2),
        ("suites", 1),
        ("configurations", 1),
        ("repositories", 1),
    ] {
        let count: u64 = client.query(&format!("SELECT count() FROM {table}")).fetch_one().await.unwrap();
        assert_eq!(count, rows, "{table}");
    }
    let next: u64 = client.query("SELECT sum(next_offset) FROM watermarks").fetch_one().await.unwrap();
    assert_eq!(next, ends.iter().sum::<u64>());
    assert!(log.end_offsets(DEAD_LETTER_TOPIC).await.unwrap().iter().sum::<u64>() >= 1);
    engine.shutdown().await;
}
