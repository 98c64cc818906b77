//! Commits of one second get places of their own in it: what the intake appends says which.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use embedded::LocalLog;
use eventlog::{EventLog, Position, TopicSpec};
use ingest::IntakeOptions;
use schema::blobs::Blobs;
use schema::event::{self, Request as Asked};
use schema::{EVENTS_TOPIC, PROCESSOR_GROUP};
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::ServiceExt;

const SECOND: i64 = 1_790_000_000;

struct Intake {
    router: Router,
    log: Arc<LocalLog>,
    _folder: TempDir,
}

impl Intake {
    /// An intake whose store is away: what it knows of commits is what it has placed itself. What it appends counts as
    /// processed at once.
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let log = Arc::new(LocalLog::open(&folder.path().join("log")).unwrap());
        let topic = TopicSpec { name: EVENTS_TOPIC.into(), partitions: 2, retention: None, max_message_bytes: 1 << 20 };
        log.ensure_topic(&topic).await.unwrap();
        let blobs = Blobs::in_folder(&folder.path().join("blobs")).unwrap();
        let client = clickhouse::Client::default().with_url("http://127.0.0.1:9");
        let router = ingest::router(log.clone(), client, blobs, IntakeOptions::default());
        let mut consumer = log.subscribe(EVENTS_TOPIC, PROCESSOR_GROUP).await.unwrap();
        tokio::spawn(async move {
            loop {
                let records = consumer.poll(1000, 1 << 30, Duration::from_secs(1)).await.unwrap();
                let done: Vec<Position> = records.iter().map(|record| record.position).collect();
                consumer.commit(&done).await.unwrap();
            }
        });
        Self { router, log, _folder: folder }
    }

    /// Uploads a run of some commits; status and answer.
    async fn upload(&self, commits: Value) -> (u16, Value) {
        let configuration = json!({"platform": "Mac", "version": "14", "is_simulator": false, "architecture": "arm64"});
        let document = json!({
            "suite": "s", "configuration": configuration, "commits": commits, "timestamp": SECOND + 60,
            "test_results": { "results": {"a": {}} },
        });
        let request = Request::post("/api/upload").body(Body::from(document.to_string())).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
        (parts.status.as_u16(), serde_json::from_slice(&body).unwrap())
    }

    /// Hash and order of each commit of each appended upload.
    async fn appended(&self) -> Vec<(String, i64)> {
        let count: u64 = self.log.end_offsets(EVENTS_TOPIC).await.unwrap().iter().sum();
        let mut reader = self.log.read(EVENTS_TOPIC, &[0, 0]).await.unwrap();
        let mut records = Vec::new();
        while (records.len() as u64) < count {
            records.extend(reader.poll(1000, 1 << 30, Duration::from_secs(10)).await.unwrap());
        }
        let commits = |record: &eventlog::Record| match event::decode(&record.value).unwrap().header.request {
            Asked::Upload { commits, .. } => commits,
            _ => Vec::new(),
        };
        let place = |commit: schema::commit::Commit| (commit.hash.unwrap(), commit.order);
        records.iter().flat_map(commits).map(place).collect()
    }
}

fn commit(hash: &str) -> Value {
    json!({"repository_id": "w", "branch": "main", "timestamp": SECOND, "hash": hash})
}

#[tokio::test(flavor = "multi_thread")]
async fn commits_of_one_second_are_placed_one_after_the_other_however_they_come() {
    let intake = Arc::new(Intake::start().await);
    let hashes: Vec<String> = (0..20).map(|number| format!("a{number:02}")).collect();
    let uploads: Vec<_> = hashes
        .iter()
        .flat_map(|hash| [hash.clone(), hash.clone()])
        .map(|hash| {
            let intake = Arc::clone(&intake);
            tokio::spawn(async move { intake.upload(json!([commit(&hash)])).await.0 })
        })
        .collect();
    for upload in uploads {
        assert_eq!(upload.await.unwrap(), 200);
    }
    let placed: BTreeSet<(String, i64)> = intake.appended().await.into_iter().collect();
    assert_eq!(placed.len(), hashes.len(), "each commit has one place: {placed:?}");
    let orders: BTreeSet<i64> = placed.iter().map(|(_, order)| *order).collect();
    assert_eq!(orders, (0..20).collect(), "no place is given away twice, none is left out");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_upload_may_name_several_commits_of_a_second() {
    let intake = Intake::start().await;
    let ordered = json!({"repository_id": "w", "branch": "main", "timestamp": SECOND, "hash": "d4", "order": 7});
    let other = json!({"repository_id": "w", "branch": "side", "timestamp": SECOND, "hash": "b2"});
    let commits = json!([commit("a1"), commit("b2"), ordered, commit("c3"), commit("a1ff"), other]);
    assert_eq!(intake.upload(commits).await.0, 200);
    let expected = [("a1", 0), ("b2", 1), ("d4", 7), ("c3", 8), ("a1ff", 0), ("b2", 0)];
    assert_eq!(intake.appended().await, expected.map(|(hash, order)| (hash.to_owned(), order)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_without_room_refuses_another_commit() {
    let intake = Intake::start().await;
    let full: Vec<Value> = (0..100).map(|number| commit(&format!("a{number:02}"))).collect();
    assert_eq!(intake.upload(Value::Array(full)).await.0, 200);
    let (status, answer) = intake.upload(json!([commit("b2")])).await;
    let description = answer["description"].as_str().unwrap();
    assert_eq!(status, 400, "{description}");
    assert!(description.starts_with("'main' of 'w' has 100 commits at second 1790000000 already"), "{description}");
    assert_eq!(intake.upload(json!([commit("a42")])).await.0, 200, "known commits are taken as ever");
}
