//! The query service on a real engine, without an intake: rows are written as the processor writes them.
#![allow(dead_code)]

use std::path::Path;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use embedded::{Engine, EngineOptions};
use processor::rows::EventRows;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use query::{Limits, QueryOptions, Repository, Watermark};
use schema::blobs::Blobs;
use schema::event::{Event, Header, Links, Request as Kind};
use schema::retention::Retention;
use schema::store::{self, StoreAddress};
use serde_json::{Value, json};
use tokio::sync::watch;
use tower::ServiceExt;

pub fn now() -> i64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() as i64
}

/// Something that the strategy makes.
pub fn sample<T>(runner: &mut TestRunner, strategy: impl Strategy<Value = T>) -> T {
    strategy.new_tree(runner).unwrap().current()
}

/// A run as an event of the log.
pub fn run(suite: &str, configuration: Value, commit: &Value, start: i64, results: &Value) -> Event {
    let document = json!({ "details": {}, "run_stats": {}, "results": results });
    let header = Header {
        event_id: uuid::Uuid::now_v7(),
        received_at: start,
        request: Kind::Upload {
            suite: suite.to_owned(),
            configuration: serde_json::from_value(configuration).unwrap(),
            commits: vec![serde_json::from_value(commit.clone()).unwrap()],
            timestamp: start,
            links: Some(Links { queue: None, build: Some("https://ci.example.org/1".into()), worker: None }),
        },
        payload: None,
        fingerprint: None,
        request_id: None,
        trace: None,
    };
    Event { header, test_results: serde_json::value::to_raw_value(&document).unwrap() }
}

pub fn options() -> QueryOptions {
    let limits = Limits { max: 1000, default: 100 };
    let webkit = Repository {
        id: "webkit".into(),
        default_branch: "main".into(),
        representations: Vec::new(),
        commit_url: None,
    };
    QueryOptions {
        intake: &[],
        title: "Results".into(),
        address: None,
        alerts: query::AlertOptions::default(),
        repositories: vec![webkit],
        archive_routes: serde_json::Map::new(),
        xcode_cloud_suites: Vec::new(),
        default_architecture: None,
        tests_limits: limits,
        suites_limits: limits,
        commits_limits: limits,
        dashboard_queries: Vec::new(),
        masters: std::collections::BTreeSet::new(),
        bug_trackers: std::collections::BTreeMap::new(),
    }
}

/// An engine in a folder.
pub async fn engine(folder: &Path) -> Engine {
    Engine::start(EngineOptions::new(folder.join("store"))).await.unwrap()
}

pub struct Service {
    app: Router,
    pub client: clickhouse::Client,
}

impl Service {
    /// A service over a database of its own, filled with these batches.
    pub async fn start(
        engine: &Engine,
        folder: &Path,
        database: &str,
        batches: impl Iterator<Item = EventRows>,
    ) -> Self {
        let address = StoreAddress {
            url: engine.url().to_owned(),
            database: database.to_owned(),
            user: engine.user().to_owned(),
            password: engine.password().to_owned(),
            cluster: None,
        };
        store::migrate(&address, &Retention::default()).await.unwrap();
        let client = address.client();
        for views in batches {
            processor::write(&client, &views).await.unwrap();
        }
        let (_, watermark) = watch::channel(1);
        let blobs = Blobs::in_folder(&folder.join("blobs")).unwrap();
        let stop = watch::channel(false).1;
        let app = query::router(client.clone(), blobs, Watermark::Here(watermark), options(), stop);
        Self { app, client }
    }

    pub async fn get(&self, path: &str) -> (StatusCode, Vec<u8>) {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let response = self.app.clone().oneshot(request).await.unwrap();
        let status = response.status();
        (status, to_bytes(response.into_body(), usize::MAX).await.unwrap().to_vec())
    }
}
