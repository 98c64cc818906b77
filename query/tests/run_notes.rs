//! What uploads say of their runs beside the results: on the page of a run, by its page in the CI, and what is missing.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, unreachable_pub)]

use axum::http::StatusCode;
use schema::event::{Event, Request};
use schema::run_notes::RunNotes;
use serde_json::{Value, json};
use test_support::clock::now;
use test_support::engine;
use test_support::events::run;
use test_support::query_service::QueryService;
use test_support::rows::EventRows;

fn configuration() -> Value {
    json!({ "platform": "linux", "version": 22_004_000, "is_simulator": false, "architecture": "x86_64" })
}

fn noted(suite: &str, commit: &Value, start: i64, results: &Value, notes: &Value) -> Event {
    let mut event = run(suite, configuration(), commit, start, results);
    if let Request::Upload { notes: said, .. } = &mut event.header.request {
        *said = Some(Box::new(serde_json::from_value::<RunNotes>(notes.clone()).unwrap()));
    }
    event
}

fn shard(index: u32) -> Value {
    json!({
        "run": { "id": "77", "link": "https://ci.example.org/77", "tool": "pytest" },
        "shard": { "index": index, "count": 4, "of": "77" },
        "expects": ["a1", "a2", "<b>x"],
    })
}

async fn get(service: &QueryService, path: &str) -> (StatusCode, String) {
    let (status, body) = service.get(path).await;
    (status, String::from_utf8(body).unwrap())
}

fn commit(start: i64, second: i64) -> Value {
    let hash = format!("{:040x}", second + 1);
    json!({ "repository_id": "app", "branch": "main", "timestamp": start + second, "order": 0, "hash": hash })
}

/// Two of four parts of a run, a run that is not well, and one whose upload was replaced by one that says nothing.
fn views(start: i64) -> EventRows {
    let pass = json!({ "actual": "PASS" });
    let mut views = EventRows::default();
    views.add(noted("parts", &commit(start, 0), start + 60, &json!({ "a1": pass }), &shard(1)), 1);
    views.add(noted("parts", &commit(start, 0), start + 62, &json!({ "c": pass }), &shard(3)), 2);
    let broken = json!({
        "run": { "exit_code": 3, "link": "https://ci.example.org/78" }, "problems": ["<i>the report is broken off"],
        "change": { "id": "12", "authors": ["ada"] },
    });
    views.add(noted("whole", &commit(start, 1), start + 70, &json!({ "t": pass }), &broken), 3);
    views.add(noted("again", &commit(start, 2), start + 80, &json!({ "t": pass }), &broken), 4);
    views.add(run("again", configuration(), &commit(start, 2), start + 80, &json!({ "t": pass })), 5);
    views
}

/// The other two parts.
fn rest(start: i64) -> EventRows {
    let mut views = EventRows::default();
    for (index, test) in [(2, "a2"), (4, "<b>x")] {
        let results = json!({ test: { "actual": "PASS" } });
        let event = noted("parts", &commit(start, 0), start + 59 + i64::from(index), &results, &shard(index));
        views.add(event, 5 + u64::from(index));
    }
    views
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_tells_what_is_wrong_with_it_and_what_is_missing() {
    let start = now() - 7200;
    let directory = tempfile::tempdir().unwrap();
    let engine = engine::start(directory.path()).await;
    let service = QueryService::start(&engine, directory.path(), "notes", [views(start)]).await;

    let runs = service.json("/api/run?link=https://ci.example.org/77").await;
    assert_eq!(runs.as_array().unwrap().len(), 2, "{runs}");
    for run in runs.as_array().unwrap() {
        let missing = json!({ "shards": [2, 4], "of": 4, "tests": ["<b>x", "a2"], "tests_missing": 2 });
        assert_eq!((&run["missing"], &run["id"], &run["tool"]), (&missing, &json!("77"), &json!("pytest")), "{run}");
    }
    let (status, page) = get(&service, "/investigate?suite=parts").await;
    assert_eq!(status, 200);
    assert!(page.contains("missing: shards 2, 4 of 4; 2 tests"), "{page}");
    assert!(page.contains("&lt;b&gt;x") && !page.contains("<b>x"), "names are escaped: {page}");

    let run = service.json("/api/run?suite=whole").await;
    assert_eq!((&run[0]["exit_code"], &run[0]["change"]), (&json!(3), &json!("12")));
    assert_eq!((&run[0]["problems"][0], &run[0]["missing"]), (&json!("<i>the report is broken off"), &Value::Null));
    let (_, page) = get(&service, "/investigate?suite=whole").await;
    assert!(page.contains("exit code 3") && page.contains("change 12 by ada"), "{page}");
    assert!(page.contains("&lt;i&gt;the report is broken off") && !page.contains("<i>the"), "{page}");

    let again = service.json("/api/run?suite=again").await;
    assert_eq!(
        (again[0].get("exit_code"), &again[0]["problems"]),
        (None, &json!([])),
        "what was replaced says nothing"
    );
    let (status, _) = get(&service, "/api/run?link=https://ci.example.org/none").await;
    assert_eq!(status, 404);
    for wrong in ["/api/run", "/api/run?link=https://a&suite=b", "/api/run?suite=whole&colour=red"] {
        assert_eq!(get(&service, wrong).await.0, 400, "{wrong}");
    }

    // From a page of the CI to the page of the run.
    let target = service.location("/run?link=https://ci.example.org/78").await.unwrap();
    assert!(target.starts_with("/investigate?suite=whole&uuid="), "{target}");
    let (status, page) = get(&service, &target).await;
    assert!(status == 200 && page.contains("exit code 3"), "{target}: {page}");

    let complete = QueryService::start(&engine, directory.path(), "complete", [views(start), rest(start)]).await;
    let runs = complete.json("/api/run?link=https://ci.example.org/77").await;
    assert_eq!(runs.as_array().unwrap().len(), 4, "{runs}");
    assert!(runs.as_array().unwrap().iter().all(|run| run["missing"] == Value::Null), "{runs}");
    let (_, page) = get(&complete, "/investigate?suite=parts").await;
    assert!(!page.contains("missing"), "{page}");
    engine.shutdown().await;
}
