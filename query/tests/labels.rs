//! Configurations with members of a project's own: in answers, filters, bug links, tables and forms.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, unreachable_pub)]

use axum::http::StatusCode;
use serde_json::{Value, json};
use test_support::clock::now;
use test_support::engine;
use test_support::events::run;
use test_support::query_service::QueryService;
use test_support::rows::EventRows;

fn views() -> EventRows {
    let start = now() - 3600;
    let mut views = EventRows::default();
    let commit =
        json!({ "repository_id": "app", "branch": "main", "timestamp": start, "order": 0, "identifier": "7@main" });
    for (offset, (python, actual)) in [("3.12", "PASS"), ("3.13", "FAIL")].into_iter().enumerate() {
        let configuration = json!({
            "platform": "linux", "version": 22_004_000, "is_simulator": false, "architecture": "x86_64",
            "python": python, "job": "<unit>",
        });
        let results = json!({ "test_a": { "actual": actual } });
        views.add(run("unit", configuration, &commit, start + 60, &results), offset as u64 + 1);
    }
    views
}

async fn get(service: &QueryService, path: &str) -> (StatusCode, String) {
    let (status, body) = service.get(path).await;
    (status, String::from_utf8(body).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn labels_are_shown_and_filtered_by() {
    let directory = tempfile::tempdir().unwrap();
    let engine = engine::start(directory.path()).await;
    let service = QueryService::start(&engine, directory.path(), "labels", [views()]).await;
    let of = |query: &str| format!("/api/results/unit/test_a?recent=false{query}");
    let pythons = |answer: &Value| -> Vec<String> {
        let rows = answer.as_array().unwrap().iter();
        let mut found: Vec<String> =
            rows.map(|row| row["configuration"]["python"].as_str().unwrap().to_owned()).collect();
        found.sort();
        found
    };
    assert_eq!(pythons(&service.json(&of("")).await), ["3.12", "3.13"]);
    assert_eq!(pythons(&service.json(&of("&label.python=3.13")).await), ["3.13"]);
    let both = of("&label.python=3.13&label.python=3.12&label.job=%3Cunit%3E");
    assert_eq!(pythons(&service.json(&both).await).len(), 2);
    assert_eq!(service.json(&of("&label.python=3")).await, json!([]));
    let (status, body) = get(&service, &of("&label.Python=3")).await;
    assert!(status == 400 && body.contains("names no label"), "{status} {body}");
    assert_eq!(get(&service, &of("&python=3.13")).await.0, 400);

    let (_, csv) = get(&service, &of("&label.python=3.13&format=csv")).await;
    let mut lines = csv.lines();
    assert!(lines.next().unwrap().ends_with(",labels"), "{csv}");
    assert!(lines.next().unwrap().ends_with(r#""{""job"":""<unit>"",""python"":""3.13""}""#), "{csv}");

    let (_, page) = get(&service, "/?suite=unit&test=test_a&recent=false").await;
    assert!(page.contains("python=3.12") && page.contains("label.python=3.12"), "{page}");
    assert!(!page.contains("<unit>"), "labels are escaped: {page}");
    let suites = service.json("/api/suites?recent=false&label.python=3.12").await;
    assert_eq!(suites.as_array().unwrap().len(), 1, "{suites}");
    forms(&service).await;
    engine.shutdown().await;
}

/// Forms offer the keys that a suite uses.
async fn forms(service: &QueryService) {
    for path in ["/triage", "/durations?suite=unit", "/changes?suite=unit", "/flaky?suite=unit", "/trends?suite=unit"] {
        let (status, page) = get(service, path).await;
        assert_eq!(status, 200, "{path}");
        assert!(page.contains(r#"name="label.python""#) && page.contains("<option>3.13</option>"), "{path}: {page}");
    }
    let (_, page) = get(service, "/triage?suite=unit&label.python=3.13").await;
    assert!(page.contains("<option selected>3.13</option>") && page.contains("test_a"), "{page}");
    let (_, page) = get(service, "/triage?suite=unit&label.python=3.12").await;
    assert!(!page.contains("test_a"), "{page}");
}
