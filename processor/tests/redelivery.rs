//! A processor that dies after its inserts and before its offset commit: the batch comes again and changes nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, unreachable_pub)]

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use embedded::LocalLog;
use eventlog::{Consumer, EventLog, LogError, Position, Reader, Record, TopicSpec};
use schema::{DEAD_LETTER_TOPIC, EVENTS_TOPIC, PROCESSOR_GROUP};
use test_support::events::encoded_run;
use test_support::processing::Surroundings;
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
    async fn first_offsets(&self, topic: &str) -> Result<Vec<u64>, LogError> {
        self.0.first_offsets(topic).await
    }
    async fn read(&self, topic: &str, from: &[u64]) -> Result<Box<dyn Reader>, LogError> {
        self.0.read(topic, from).await
    }
    async fn subscribe(&self, topic: &str, group: &str) -> Result<Box<dyn Consumer>, LogError> {
        Ok(Box::new(ForgetfulConsumer(self.0.subscribe(topic, group).await?)))
    }
}

#[async_trait]
impl Reader for ForgetfulConsumer {
    async fn poll(&mut self, max: usize, bytes: usize, wait: Duration) -> Result<Vec<Record>, LogError> {
        self.0.poll(max, bytes, wait).await
    }
}

#[async_trait]
impl Consumer for ForgetfulConsumer {
    async fn keep_alive(&mut self) -> Result<(), LogError> {
        self.0.keep_alive().await
    }
    async fn commit(&mut self, _: &[Position]) -> Result<(), LogError> {
        Err(LogError::Unavailable { address: "nowhere".into(), cause: "commits are lost".into() })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_was_inserted_but_not_committed_shows_once() {
    let around = Surroundings::start().await;
    let Surroundings { log, client, .. } = &around;
    for index in 0..10 {
        log.append(EVENTS_TOPIC, &index.to_string().into_bytes(), encoded_run("s", index)).await.unwrap();
    }
    log.append(EVENTS_TOPIC, b"bad", Bytes::from_static(b"no event")).await.unwrap();

    // Dies between insert and commit, three times.
    let (_go_on, stop) = watch::channel(false);
    for _ in 0..3 {
        let (applied, mut shown) = watch::channel(0);
        let forgetful: Arc<dyn EventLog> = Arc::new(Forgetful(Arc::clone(log)));
        let processor = around.processor(forgetful, applied, stop.clone());
        shown.wait_for(|batches| *batches > 0).await.unwrap();
        processor.abort();
        assert!(processor.await.unwrap_err().is_cancelled());
        assert_eq!(log.committed_offsets(EVENTS_TOPIC, PROCESSOR_GROUP).await.unwrap().iter().sum::<u64>(), 0);
    }

    around.process().await;
    for (table, rows) in [
        ("runs", 10),
        ("results", 20),
        ("failures", 10),
        ("uploads", 10),
        ("commits", 10),
        ("commit_names", 10),
        ("links", 10),
        ("linked_runs", 0),
        ("tests", 2),
        ("suites", 1),
        ("configurations", 1),
        ("repositories", 1),
    ] {
        assert_eq!(around.count(table).await, rows, "{table}");
    }
    let next: u64 = client.query("SELECT sum(next_offset) FROM watermarks").fetch_one().await.unwrap();
    assert_eq!(next, log.end_offsets(EVENTS_TOPIC).await.unwrap().iter().sum::<u64>());
    assert!(log.end_offsets(DEAD_LETTER_TOPIC).await.unwrap().iter().sum::<u64>() >= 1);
    around.engine.shutdown().await;
}
