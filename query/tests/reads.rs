//! Reads are bounded: what an endpoint reads does not grow with the history that its question does not need.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use embedded::{Engine, EngineOptions};
use processor::rows::Views;
use query::{Limits, QueryOptions, Repository, Watermark};
use schema::blobs::Blobs;
use schema::event::{Event, Header, Links, Request as Kind};
use schema::store::{self, StoreAddress};
use serde_json::json;
use tokio::sync::watch;
use tower::ServiceExt;

const CONFIGURATIONS: u64 = 4;
const RUNS_PER_WEEK: i64 = 12;
const TESTS: usize = 200;
const SUITES: [&str; 2] = ["layout-tests", "api-tests"];
/// Granules are read as a whole, so that small questions read much more than they need.
const SLACK: u64 = 1000;

fn now() -> i64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() as i64
}

fn event(suite: &str, configuration: u64, index: i64, tests: &[String]) -> Event {
    let time = now() - 600 - index * (7 * 86_400 / RUNS_PER_WEEK);
    let commit = json!({
        "repository_id": "webkit", "branch": "main", "timestamp": time, "hash": format!("{time:040x}"),
        "identifier": format!("{}@main", 100_000 - index),
    });
    let configuration = json!({
        "platform": "mac", "version": 14_000_000 + configuration, "is_simulator": false, "architecture": "arm64",
    });
    let result = |test: &String| {
        let actual = if index % 7 == 0 && test.starts_with("001") { "TEXT" } else { "PASS" };
        (test.clone(), json!({ "actual": actual }))
    };
    let results: serde_json::Map<_, _> = tests.iter().map(result).collect();
    let document = json!({ "details": {}, "run_stats": {}, "results": results });
    let header = Header {
        event_id: uuid::Uuid::now_v7(),
        received_at: time,
        request: Kind::Upload {
            suite: suite.to_owned(),
            configuration: serde_json::from_value(configuration).unwrap(),
            commits: vec![serde_json::from_value(commit).unwrap()],
            timestamp: time,
            links: Some(Links { queue: None, build: Some("https://ci.example.org/1".into()), worker: None }),
        },
        payload: None,
    };
    Event { header, test_results: serde_json::value::to_raw_value(&document).unwrap() }
}

/// A week of runs, `age` weeks ago.
fn week(age: i64) -> Views {
    let tests: Vec<String> = (0..TESTS).map(|number| format!("{number:04}.html")).collect();
    let mut views = Views::default();
    for index in age * RUNS_PER_WEEK..(age + 1) * RUNS_PER_WEEK {
        for configuration in 0..CONFIGURATIONS {
            for suite in SUITES {
                views.add(event(suite, configuration, index, &tests), 1);
            }
        }
    }
    views
}

fn options() -> QueryOptions {
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

struct Service {
    app: Router,
    client: clickhouse::Client,
}

impl Service {
    /// Rows that the engine read since it started.
    async fn rows_read(&self) -> u64 {
        let sql = "SELECT sum(value) FROM system.events WHERE event = 'SelectedRows'";
        self.client.query(sql).fetch_one().await.unwrap()
    }

    /// Rows read for one answer.
    async fn cost(&self, path: &str) -> u64 {
        let before = self.rows_read().await;
        // Asking for the counter reads the table of counters, too.
        let counter = self.rows_read().await - before;
        let request = Request::get(path).body(Body::empty()).unwrap();
        let response = self.app.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        (self.rows_read().await - before).saturating_sub(2 * counter)
    }
}

async fn service(engine: &Engine, blobs: &Blobs, weeks: i64) -> Service {
    let address = StoreAddress {
        url: engine.url().to_owned(),
        database: format!("weeks_{weeks}"),
        user: engine.user().to_owned(),
        password: engine.password().to_owned(),
    };
    store::migrate(&address).await.unwrap();
    let client = address.client();
    for age in (0..weeks).rev() {
        processor::write(&client, &week(age), &[]).await.unwrap();
    }
    let (_, watermark) = watch::channel(1);
    let app = query::router(client.clone(), blobs.clone(), Watermark::Here(watermark), options());
    Service { app, client }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_endpoint_reads_in_proportion_to_history() {
    let directory = tempfile::tempdir().unwrap();
    let engine = Engine::start(EngineOptions {
        data_dir: directory.path().join("store"),
        library: None,
        connections: 8,
        max_memory_bytes: 2 << 30,
        port: 0,
        password: None,
    })
    .await
    .unwrap();
    let blobs = Blobs::in_folder(&directory.path().join("blobs")).unwrap();
    let (short, long) = (service(&engine, &blobs, 1).await, service(&engine, &blobs, 52).await);
    let mut grown = Vec::new();
    for path in [
        "/api/results/layout-tests?limit=10",
        "/api/results/layout-tests/0010.html?limit=10",
        "/api/results/layout-tests/0010.html?ref=99995@main",
        "/api/results-summary/layout-tests/0010.html?limit=5",
        "/api/results-summary/layout-tests/0010.html?limit=5&ref=99995@main",
        "/api/failures/layout-tests?limit=10",
        "/api/failures/layout-tests?limit=10&collapsed=false",
        "/api/flaky?suite=layout-tests&weeks=1",
        "/api/upload?suite=layout-tests&limit=2",
        "/api/upload?limit=2",
        "/api/urls?limit=10",
        "/api/urls?suite=layout-tests&limit=10",
        "/api/urls/queue",
        "/api/suites",
        "/api/layout-tests/tests?limit=10",
        "/api/layout-tests/tests?test=001",
        "/api/commits?limit=10",
        "/api/commits?ref=99995@main",
        "/api/commits/siblings?ref=99995@main",
        "/api/commits/previous?ref=99995@main",
        "/api/commits/next?ref=99995@main",
        "/api/commits/branches",
        "/?suite=layout-tests&test=0010.html&limit=10",
        "/suites?suite=layout-tests&limit=10",
        "/flaky?suite=layout-tests&weeks=1",
        "/commits?limit=10",
    ] {
        let (one, year) = (short.cost(path).await, long.cost(path).await);
        eprintln!("{one:>8} {year:>8} rows  {path}");
        if year > 3 * one + SLACK {
            grown.push(path);
        }
    }
    assert!(grown.is_empty(), "read more of 52 weeks than of one: {grown:#?}");
    engine.shutdown().await;
}
