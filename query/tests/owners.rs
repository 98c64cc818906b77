//! Who owns tests: what the configuration, files and uploads say, at every door.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, unreachable_pub)]

use std::path::Path;

use answers::OwnerPattern;
use axum::http::StatusCode;
use schema::event::{Event, Request};
use schema::owners::SuiteOwners;
use schema::rename::TestRename;
use serde_json::{Map, Value, json};
use test_support::clock::now;
use test_support::engine;
use test_support::events::{header, run};
use test_support::query_service::QueryService;
use test_support::rows::EventRows;

const HOUR: i64 = 3600;
const HOSTILE: &str = "<b>&\"'@team";

fn entry(suite: Option<&str>, pattern: &str, owners: &[&str]) -> OwnerPattern {
    let owners = owners.iter().map(|owner| (*owner).to_owned()).collect();
    OwnerPattern { suite: suite.map(str::to_owned), pattern: pattern.to_owned(), owners }
}

/// Uploads of an hour each, the newest last.
#[derive(Default)]
struct Log {
    rows: EventRows,
    offset: u64,
}

impl Log {
    fn add(&mut self, event: Event) {
        self.offset += 1;
        self.rows.add(event, self.offset);
    }

    fn request(&mut self, at: i64, request: Request) {
        let test_results = serde_json::value::to_raw_value(&()).unwrap();
        self.add(Event { header: header(at, request), test_results });
    }

    /// A run of nine steady tests and these, each with its state and whoever owns it.
    fn run(&mut self, suite: &str, hours: i64, tests: &[(&str, &str, Value)]) {
        let time = now() - hours * HOUR;
        let commit = json!({ "repository_id": "webkit", "branch": "main", "timestamp": time - 600, "hash": format!("{time:040x}") });
        let configuration =
            json!({ "platform": "mac", "version": 14_002_000, "is_simulator": false, "architecture": "arm64" });
        let mut results: Map<String, Value> = (0..9).map(|index| (format!("ok/{index}"), json!({}))).collect();
        for (test, state, owners) in tests {
            let mut leaf = json!({ "actual": state, "time": 5 });
            if !owners.is_null() {
                leaf["owners"] = owners.clone();
            }
            results.insert((*test).to_owned(), leaf);
        }
        self.add(run(suite, configuration, &commit, time, &results.into()));
    }
}

/// A suite in which tests pass for ten hours and fail for two: `owned/…` as uploads say, `css/…`, `renamed/…` and `free/…`.
fn log() -> EventRows {
    let mut log = Log::default();
    for hours in (1..=12).rev() {
        let state = if hours <= 2 { "TEXT" } else { "PASS" };
        let old = hours > 6;
        log.run(
            "s",
            hours,
            &[
                ("owned/moved", state, if old { json!(["@old"]) } else { json!(["@new", "ada@example.org"]) }),
                ("owned/left", state, if old { json!(["@old"]) } else { Value::Null }),
                ("owned/hostile", state, json!([HOSTILE])),
                (
                    if old { "renamed/old" } else { "renamed/new" },
                    state,
                    if old { json!("@renamed") } else { Value::Null },
                ),
                ("css/a", state, json!(["@upload"])),
                ("free/a", state, Value::Null),
            ],
        );
        log.run("plain", hours, &[("a", state, Value::Null)]);
    }
    let file = |text: &str, folder: &str| {
        let (suite, text, folder) = ("s".to_owned(), text.to_owned(), folder.to_owned());
        Request::Owners(SuiteOwners { suite, text, folder })
    };
    log.request(now() - 30, file("* @everybody\n", ""));
    log.request(now() - 20, file("/tests/css/ @css\n", "tests"));
    log.rows.owner_files[0].version = 1;
    log.rows.owner_files[1].version = 2;
    let (suite, from, to) = ("s".into(), "renamed/old".into(), "renamed/new".into());
    log.request(now() - 10, Request::Rename(TestRename { suite, from, to, at: now() - 6 * HOUR - 60, is_open: true }));
    log.rows
}

/// Names and owners of what triage lists.
async fn triaged(service: &QueryService, query: &str) -> Vec<(String, String)> {
    let answer = service.json(&format!("/api/triage?suite=s{query}")).await;
    let owners = |test: &Value| {
        let owners: Vec<&str> = test["owners"].as_array().unwrap().iter().map(|one| one.as_str().unwrap()).collect();
        (test["test"].as_str().unwrap().to_owned(), owners.join(" "))
    };
    let mut tests: Vec<(String, String)> = answer["tests"].as_array().unwrap().iter().map(owners).collect();
    tests.sort();
    tests
}

fn told(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(test, owners)| ((*test).to_owned(), (*owners).to_owned())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_door_knows_the_owners() {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine::start(folder.path()).await;
    let service = QueryService::start(&engine, folder.path(), "owners", [log()]).await;
    files_and_uploads_say_who_owns_tests(&service).await;
    the_configuration_counts_before_all(&service, folder.path()).await;
    let service = QueryService::start(&engine, folder.path(), "renamed", [renamed()]).await;
    // What was said of a test goes on under its new name until a run says otherwise.
    assert_eq!(triaged(&service, "").await, told(&[("new", "@a")]));
    engine.shutdown().await;
}

async fn files_and_uploads_say_who_owns_tests(service: &QueryService) {
    let all = [
        ("css/a", "@css"),
        ("free/a", ""),
        ("owned/hostile", HOSTILE),
        ("owned/left", ""),
        ("owned/moved", "@new ada@example.org"),
        ("renamed/new", ""),
    ];
    assert_eq!(triaged(service, "").await, told(&all));
    assert_eq!(triaged(service, "&owner=@NEW").await, told(&all[4..5]));
    assert_eq!(triaged(service, "&owner=none&q=-free").await, told(&[all[3], all[5]]));
    assert_eq!(triaged(service, "&q=owner:any%20-owner:css").await, told(&[all[2], all[4]]));
    assert!(triaged(service, "&owner=@old").await.is_empty() && triaged(service, "&owner=@everybody").await.is_empty());
    assert_eq!(service.get("/api/triage?suite=s&owner=/(/").await.0, StatusCode::BAD_REQUEST);

    let feed = service.text("/triage.atom?suite=s&owner=@new").await;
    assert_eq!(feed.matches("<entry>").count(), 1, "{feed}");
    assert!(feed.contains("Owned by @new"), "{feed}");
    for page in ["/triage?suite=s", "/investigate?suite=s", "/owners?suite=s"] {
        let page = service.text(page).await;
        assert!(page.contains("@css") && !page.contains("<b>&\""), "{page}");
    }
    let page = service.text("/investigate?suite=s&owner=@css").await;
    assert!(page.contains("css&#x2f;a") && !page.contains("owned&#x2f;moved"), "{page}");
    let changes = service.json("/api/changes/s?owner=@css").await;
    let changes = changes["changes"].as_array().unwrap().len();
    assert_eq!((changes, service.json("/api/changes/s?owner=@old").await["changes"].as_array().unwrap().len()), (1, 0));

    let question =
        json!({ "suite": "s", "tests": [{ "test": "css/a", "state": "TEXT" }, { "test": "x", "state": "TEXT" }] });
    let (status, body) = service.post("/api/verdicts", question.to_string()).await;
    let verdicts: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((status, &verdicts["tests"][0]["owners"]), (StatusCode::OK, &json!(["@css"])), "{verdicts:#}");
    assert_eq!(verdicts["tests"][1]["owners"], json!([]));

    let owners = service.json("/api/owners").await;
    let new = |owner: Value| {
        let found = owners["owners"].as_array().unwrap().iter().find(|one| one["owner"] == owner);
        found.map(|one| one["new"].as_u64().unwrap())
    };
    assert_eq!([new(json!("@css")), new(json!("@new")), new(json!("@old"))], [Some(1), Some(1), None], "{owners:#}");
    assert_eq!(new(Value::Null), Some(4), "those of both suites that nobody owns");
}

async fn the_configuration_counts_before_all(service: &QueryService, folder: &Path) {
    let entries = vec![
        entry(None, "owned/*", &["@conf", "@too"]),
        entry(Some("s"), "*/hostile", &[]),
        entry(Some("plain"), "*", &["@plain"]),
    ];
    let service = &service.with_owners(folder, entries);
    let expected = [
        ("css/a", "@css"),
        ("free/a", ""),
        ("owned/hostile", ""),
        ("owned/left", "@conf @too"),
        ("owned/moved", "@conf @too"),
        ("renamed/new", ""),
    ];
    assert_eq!(triaged(service, "").await, told(&expected));
    let plain = service.json("/api/triage?suite=plain&owner=@plain").await;
    assert_eq!(plain["tests"].as_array().unwrap().len(), 1);
}

/// Runs of a test that was renamed, and of which nobody names an owner since.
fn renamed() -> EventRows {
    let mut log = Log::default();
    for hours in (1..=12).rev() {
        let state = if hours <= 2 { "TEXT" } else { "PASS" };
        let test = if hours > 6 { "old" } else { "new" };
        let owners = if hours > 6 { json!("@a") } else { Value::Null };
        log.run("s", hours, &[(test, state, owners)]);
    }
    let (suite, from, to) = ("s".into(), "old".into(), "new".into());
    log.request(now() - 10, Request::Rename(TestRename { suite, from, to, at: now() - 6 * HOUR - 60, is_open: true }));
    log.rows
}
