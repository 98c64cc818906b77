//! What a processor works between: a local log and an engine.
#![allow(dead_code)]

use std::sync::Arc;

use clickhouse::Client;
use embedded::{Engine, EngineOptions, LocalLog};
use eventlog::{EventLog, TopicSpec};
use schema::blobs::Blobs;
use schema::event::{self, Header, Request};
use schema::retention::Retention;
use schema::store::{self, StoreAddress};
use schema::{DEAD_LETTER_TOPIC, EVENTS_TOPIC, PROCESSOR_GROUP};
use serde_json::json;
use tempfile::TempDir;
use tokio::sync::watch;

pub struct Surroundings {
    pub log: Arc<LocalLog>,
    pub engine: Engine,
    pub client: Client,
    pub blobs: Blobs,
    directory: TempDir,
}

impl Surroundings {
    pub async fn start() -> Self {
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
            cluster: None,
        };
        store::migrate(&address, &Retention::default()).await.unwrap();
        let blobs = Blobs::in_folder(&directory.path().join("blobs")).unwrap();
        Self { log, engine, client: address.client(), blobs, directory }
    }

    /// Runs a processor until it has committed everything in the log.
    pub async fn process(&self) {
        let (stopping, stop) = watch::channel(false);
        let (applied, _shown) = watch::channel(0);
        let log: Arc<dyn EventLog> = self.log.clone();
        let (client, blobs) = (self.client.clone(), self.blobs.clone());
        let processor = tokio::spawn(processor::run(log, client, blobs, Retention::default(), applied, stop));
        let ends = self.log.end_offsets(EVENTS_TOPIC).await.unwrap();
        while self.log.committed_offsets(EVENTS_TOPIC, PROCESSOR_GROUP).await.unwrap() != ends {
            assert!(!processor.is_finished(), "{:?}", processor.await);
            tokio::task::yield_now().await;
        }
        stopping.send(true).unwrap();
        processor.await.unwrap().unwrap();
    }

    pub async fn count(&self, table: &str) -> u64 {
        self.client.query(&format!("SELECT count() FROM {table}")).fetch_one().await.unwrap()
    }
}

/// An encoded run of two tests, one of which crashes, at its own commit.
pub fn upload(suite: &str, index: i64) -> Vec<u8> {
    let commit =
        json!({"repository_id": "w", "branch": "main", "timestamp": 1_790_000_000 + index, "revision": index + 1});
    let configuration =
        json!({"platform": "Mac", "version": 14_000_000, "is_simulator": false, "architecture": "arm64"});
    let header = Header {
        event_id: uuid::Uuid::now_v7(),
        received_at: 1_790_000_100,
        request: Request::Upload {
            suite: suite.into(),
            configuration: serde_json::from_value(configuration).unwrap(),
            commits: vec![serde_json::from_value(commit).unwrap()],
            timestamp: 1_790_000_050,
            links: Some(event::Links::default()),
        },
        payload: None,
        fingerprint: None,
        request_id: None,
        trace: None,
    };
    event::encode(&header, r#"{"results":{"a":{"actual":"CRASH"},"b":{}}}"#).unwrap()
}
