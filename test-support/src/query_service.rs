//! The query service on the embedded engine, without an intake: its database is filled with rows.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use answers::guest::Guest;
use answers::{OwnerPattern, Repository, StatementLimits, Store, Watermark};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use clickhouse::Client;
use embedded::Engine;
use query::{Limits, QueryOptions};
use schema::blobs::Blobs;
use schema::clock::Clock;
use schema::retention::Retention;
use serde_json::{Value, json};
use tokio::sync::watch;
use tower::ServiceExt;

use crate::rows::{self, EventRows};
use crate::{Task, engine};

/// A service over a database of its own, which is asked without a socket.
pub struct QueryService {
    /// A client of the database.
    pub client: Client,
    router: Router,
    applied: watch::Sender<u64>,
}

impl QueryService {
    /// Makes the database, fills it with each batch of rows, and starts the service. Archives lie in `blobs` below
    /// `folder`.
    pub fn start<'a>(
        engine: &'a Engine,
        folder: &'a Path,
        database: &'a str,
        batches: impl IntoIterator<Item = EventRows>,
    ) -> Task<'a, Self> {
        Self::start_at(engine, folder, database, batches, Clock::system())
    }

    /// The same by a clock: what is answered depends on what time it is.
    pub fn start_at<'a>(
        engine: &'a Engine,
        folder: &'a Path,
        database: &'a str,
        batches: impl IntoIterator<Item = EventRows>,
        clock: Clock,
    ) -> Task<'a, Self> {
        Self::filled(engine, folder, database, batches.into_iter().collect(), clock)
    }

    fn filled<'a>(
        engine: &'a Engine,
        folder: &'a Path,
        database: &'a str,
        batches: Vec<EventRows>,
        clock: Clock,
    ) -> Task<'a, Self> {
        Box::pin(Self::made(engine, folder, database, batches, clock))
    }

    async fn made(engine: &Engine, folder: &Path, database: &str, batches: Vec<EventRows>, clock: Clock) -> Self {
        let client = engine::migrated(engine, database).await;
        for batch in batches {
            rows::write(&client, &batch).await;
        }
        Self::over(client, folder, |store| store, clock)
    }

    /// A service over what a client reads; `with` says what else its store has.
    fn over(client: Client, folder: &Path, with: impl FnOnce(Store) -> Store, clock: Clock) -> Self {
        let (applied, watermark) = watch::channel(1);
        let webkit = Repository { id: "webkit".into(), default_branch: "main".into() };
        let store = Store::new(client.clone(), Watermark::Here(watermark), clock, Retention::default(), vec![webkit]);
        let router = router_of(with(store.limited(StatementLimits::default())), folder);
        Self { client, router, applied }
    }

    /// Adds rows to those that are there already.
    pub fn add<'a>(&'a self, batch: &'a EventRows) -> Task<'a, ()> {
        Box::pin(async {
            rows::write(&self.client, batch).await;
            self.applied.send_modify(|applied| *applied += 1);
        })
    }

    /// The same rows, of which no statement may take more than this.
    pub fn limited(&self, folder: &Path, limits: StatementLimits) -> Self {
        // The engine counts what a thread takes once it is 4 MiB, which no question takes of so few rows.
        let client = self.client.clone().with_setting("max_untracked_memory", "0");
        Self::over(client, folder, |store| store.limited(limits), Clock::system())
    }

    /// The same rows, asked by another clock. What was answered before is not remembered.
    pub fn at(&self, folder: &Path, clock: Clock) -> Self {
        Self::over(self.client.clone(), folder, |store| store, clock)
    }

    /// The same rows, of which SQL is asked as this user.
    pub fn with_guest(&self, folder: &Path, guest: Guest) -> Self {
        Self::over(self.client.clone(), folder, |store| store.with_guest(guest), Clock::system())
    }

    /// The same rows, of whose tests the configuration says who owns them.
    pub fn with_owners(&self, folder: &Path, patterns: Vec<OwnerPattern>) -> Self {
        Self::over(self.client.clone(), folder, |store| store.with_owners(patterns), Clock::system())
    }

    /// Status and body of the answer to a GET request.
    pub fn get(&self, path: &str) -> Task<'_, (StatusCode, Vec<u8>)> {
        Box::pin(self.send(Request::get(path).body(Body::empty()).unwrap()))
    }

    /// Status and headers of the answer to a GET request.
    pub fn headers(&self, path: &str) -> Task<'_, (StatusCode, HeaderMap)> {
        let request = Request::get(path).body(Body::empty()).unwrap();
        Box::pin(async {
            let response = self.router.clone().oneshot(request).await.unwrap();
            (response.status(), response.headers().clone())
        })
    }

    /// Where the answer to a GET request leads.
    pub async fn location(&self, path: &str) -> Option<String> {
        let (_, headers) = self.headers(path).await;
        Some(headers.get("location")?.to_str().unwrap().to_owned())
    }

    /// The text of the answer to a GET request, which has to be 200.
    pub async fn text(&self, path: &str) -> String {
        let (status, body) = self.get(path).await;
        let text = String::from_utf8(body).unwrap();
        assert_eq!(status, StatusCode::OK, "{path}: {text}");
        text
    }

    /// The same as JSON.
    pub async fn json(&self, path: &str) -> Value {
        serde_json::from_str(&self.text(path).await).unwrap()
    }

    /// Posts JSON to a path; the status and the body of the answer.
    pub fn post(&self, path: &str, json: String) -> Task<'_, (StatusCode, Vec<u8>)> {
        let request = Request::post(path).header("Content-Type", "application/json");
        Box::pin(self.send(request.body(Body::from(json)).unwrap()))
    }

    /// Headers and body of the answer to posted JSON.
    pub async fn posted(&self, path: &str, json: String) -> (HeaderMap, Vec<u8>) {
        let request = Request::post(path).header("Content-Type", "application/json");
        let response = self.router.clone().oneshot(request.body(Body::from(json)).unwrap()).await.unwrap();
        let headers = response.headers().clone();
        (headers, to_bytes(response.into_body(), usize::MAX).await.unwrap().to_vec())
    }

    /// What a tool of the Model Context Protocol answers.
    pub async fn tool(&self, name: &str, arguments: Value) -> Value {
        let params = json!({ "name": name, "arguments": arguments });
        let call = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
        let request = Request::post("/mcp").header("Content-Type", "application/json");
        let request = request.header("Accept", "application/json, text/event-stream").header("Host", "localhost");
        let (status, body) = self.send(request.body(Body::from(call.to_string())).unwrap()).await;
        let answer: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(status, StatusCode::OK, "{name}: {answer}");
        answer["result"].clone()
    }

    async fn send(&self, request: Request<Body>) -> (StatusCode, Vec<u8>) {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status = response.status();
        (status, to_bytes(response.into_body(), usize::MAX).await.unwrap().to_vec())
    }
}

fn router_of(store: Store, folder: &Path) -> Router {
    let blobs = Blobs::in_folder(&folder.join("blobs")).unwrap();
    query::router(store, blobs, options(), watch::channel(false).1)
}

/// No bug tracker, and limits that no test reaches by chance.
fn options() -> QueryOptions {
    let limits = Limits { max: 1000, default: 100 };
    QueryOptions {
        door: access::Door::open(),
        intake: &[],
        title: "Results".into(),
        address: None,
        archive_origin: None,
        repositories: BTreeMap::new(),
        archive_routes: serde_json::Map::new(),
        xcode_cloud_suites: Vec::new(),
        default_architecture: None,
        tests_limits: limits,
        suites_limits: limits,
        commits_limits: limits,
        dashboard_queries: Vec::new(),
        masters: BTreeSet::new(),
        bug_trackers: BTreeMap::new(),
    }
}
