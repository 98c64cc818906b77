//! Pages and answers as they were last looked at; `cargo insta review` shows what a change did to them.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, unreachable_pub)]

use schema::clock::Clock;
use serde_json::{Value, json};
use test_support::engine;
use test_support::events::run;
use test_support::query_service::QueryService;
use test_support::rows::{EventRows, damaged_letter};

/// 2026-11-02 03:46:40 UTC.
const START: i64 = 1_793_591_200;

fn views() -> EventRows {
    let mut views = EventRows::default();
    for index in 0..6 {
        let time = START + index * 3600;
        let commit = json!({
            "repository_id": "webkit", "branch": "main", "timestamp": time, "order": 0, "hash": format!("{index:040x}"),
            "identifier": format!("{}@main", 1000 + index), "message": format!("Change <{index}>\n\nMore of it."),
            "author": { "name": "Ada & Co", "emails": ["ada@example.org"] },
        });
        for style in ["Release", "Debug"] {
            let configuration = json!({
                "platform": "mac", "version": 14_002_001, "version_name": "Sonoma", "is_simulator": false,
                "architecture": "arm64", "style": style, "model": "Mac14,3",
            });
            let broken = if index > 3 { "TEXT" } else { "PASS" };
            let flaky = if index % 2 == 0 { "PASS" } else { "TIMEOUT" };
            let results = json!({
                "a<b>.html": { "actual": "PASS", "expected": "PASS", "time": 12 },
                "css": {
                    "broken.html": { "actual": broken, "expected": "PASS", "log": "<pre>" },
                    "flaky.html": { "actual": flaky, "expected": "PASS" },
                },
            });
            views.add(run("layout-tests", configuration, &commit, time + 60, &results), index as u64 + 1);
        }
    }
    views.dead_letters.push(damaged_letter(17, START));
    views
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_and_answers_look_as_before() {
    let directory = tempfile::tempdir().unwrap();
    let engine = engine::start(directory.path()).await;
    // An hour after the newest run, whenever this is tested.
    let clock = Clock::standing_at(START as u64 + 6 * 3600);
    let service = QueryService::start_at(&engine, directory.path(), "snapshots", [views()], clock).await;
    for (name, path) in [
        ("page_test", "/?suite=layout-tests&test=css/flaky.html&recent=false"),
        ("page_no_test", "/?suite=layout-tests&recent=false"),
        ("page_suites", "/suites?recent=false"),
        ("page_failures", "/investigate?recent=false"),
        ("page_trends", "/trends?recent=false&weeks=2"),
        ("page_commits", "/commits"),
        ("page_commit", "/commit?ref=1005@main"),
        ("page_documentation", "/documentation"),
        ("page_dead_letters", "/dead-letters"),
        ("page_missing", "/nowhere"),
        ("answer_test", "/api/results/layout-tests/css/broken.html?recent=false"),
        ("answer_suite", "/api/results/layout-tests?recent=false&style=Debug&limit=2"),
        ("answer_failures", "/api/failures/layout-tests?recent=false&collapsed=false&limit=1"),
        ("answer_trends", "/api/trends?suite=layout-tests&test=css/broken.html&recent=false&weeks=2"),
        ("answer_commits", "/api/commits?limit=2"),
        ("answer_dead_letter", "/api/dead-letters/0-17"),
        ("answer_error", "/api/results/layout-tests?limit=0"),
        ("answer_openapi", "/api/openapi.json"),
    ] {
        let (_, body) = service.get(path).await;
        let shown = match serde_json::from_slice::<Value>(&body) {
            Ok(answer) => serde_json::to_string_pretty(&answer).unwrap(),
            Err(_) => String::from_utf8(body).unwrap(),
        };
        insta::assert_snapshot!(name, shown);
    }
    engine.shutdown().await;
}
