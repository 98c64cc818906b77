//! An intake beside an empty log, without a store.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request};
use embedded::LocalLog;
use eventlog::{EventLog, Position, TopicSpec};
use ingest::IntakeOptions;
use schema::blobs::Blobs;
use schema::event::{self, Event};
use schema::{EVENTS_TOPIC, PROCESSOR_GROUP};
use serde_json::Value;
use tempfile::TempDir;
use tower::ServiceExt;

/// An intake with a log of its own.
pub struct Intake {
    router: Router,
    pub log: Arc<LocalLog>,
    _folder: TempDir,
}

/// What a request was answered.
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Value,
}

impl Intake {
    /// An intake whose store is away: uploads with complete commits need none.
    pub async fn start() -> Self {
        Self::with(IntakeOptions::default()).await
    }

    pub async fn with(options: IntakeOptions) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let log = Arc::new(LocalLog::open(&folder.path().join("log")).unwrap());
        let topic = TopicSpec { name: EVENTS_TOPIC.into(), partitions: 2, retention: None, max_message_bytes: 1 << 20 };
        log.ensure_topic(&topic).await.unwrap();
        let blobs = Blobs::in_folder(&folder.path().join("blobs")).unwrap();
        let client = clickhouse::Client::default().with_url("http://127.0.0.1:9");
        let router = ingest::router(log.clone(), client, blobs, options);
        Self { router, log, _folder: folder }
    }

    /// The same, whose events count as processed at once.
    pub async fn processing(self) -> Self {
        let mut consumer = self.log.subscribe(EVENTS_TOPIC, PROCESSOR_GROUP).await.unwrap();
        tokio::spawn(async move {
            loop {
                let records = consumer.poll(1000, 1 << 30, Duration::from_secs(1)).await.unwrap();
                let done: Vec<Position> = records.iter().map(|record| record.position).collect();
                consumer.commit(&done).await.unwrap();
            }
        });
        self
    }

    pub async fn post(&self, path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Answer {
        let mut request = Request::post(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = self.router.clone().oneshot(request.body(Body::from(body)).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
        Answer { status: parts.status.as_u16(), headers: parts.headers, body: serde_json::from_slice(&body).unwrap() }
    }

    /// The appended events, those of each partition in their order.
    pub async fn events(&self) -> Vec<Event> {
        let count = self.appended().await;
        let mut reader = self.log.read(EVENTS_TOPIC, &[0, 0]).await.unwrap();
        let mut records = Vec::new();
        while (records.len() as u64) < count {
            records.extend(reader.poll(1000, 1 << 30, Duration::from_secs(10)).await.unwrap());
        }
        records.iter().map(|record| event::decode(&record.value).unwrap()).collect()
    }

    /// How many events were appended.
    pub async fn appended(&self) -> u64 {
        self.log.end_offsets(EVENTS_TOPIC).await.unwrap().iter().sum()
    }
}
