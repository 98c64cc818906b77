//! A service whose store does not answer says why on pages that have their style, and serves what needs no store: the store is
//! away, or a question asks more of it than one may.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, unreachable_pub)]

use answers::StatementLimits;
use serde_json::json;
use test_support::clock::now;
use test_support::engine;
use test_support::events::run;
use test_support::query_service::QueryService;
use test_support::rows::EventRows;

/// What links of a page end in that is not a page: styles and scripts.
fn assets(html: &str) -> Vec<&str> {
    let quoted = html.split('"').filter(|text| text.starts_with('/'));
    quoted.filter(|path| path.ends_with(".css") || path.ends_with(".js")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_fail_with_their_style() {
    let directory = tempfile::tempdir().unwrap();
    let engine = engine::start(directory.path()).await;
    let service = QueryService::start(&engine, directory.path(), "away", []).await;
    let mut views = EventRows::default();
    let time = now() - 3600;
    let commit = json!({ "repository_id": "webkit", "branch": "main", "timestamp": time, "order": 0 });
    let configuration =
        json!({ "platform": "mac", "version": 14_000_000, "is_simulator": false, "architecture": "arm64" });
    views.add(run("s", configuration, &commit, time + 60, &json!({ "t": { "actual": "TEXT" } })), 1);
    let other = QueryService::start(&engine, directory.path(), "limited", [views]).await;
    too_large_a_question_is_told_so(&other, directory.path()).await;
    engine.shutdown().await;
    for page in [
        "/",
        "/triage",
        "/flaky?suite=s",
        "/causes?suite=s",
        "/investigate",
        "/suites",
        "/commits",
        "/durations?suite=s",
        "/trends?suite=s",
    ] {
        let (status, html) = service.get(page).await;
        let html = String::from_utf8(html).unwrap();
        assert_eq!(status, 503, "{page}: {html}");
        assert!(html.contains("<h1>") && html.contains("The store is away"), "{page}: {html}");
        let assets = assets(&html);
        assert!(assets.iter().any(|path| path.ends_with(".css")), "{page}: {html}");
        for asset in assets {
            let (status, body) = service.get(asset).await;
            assert!(status == 200 && !body.is_empty(), "{asset} of {page}: {status}");
        }
    }
    let (status, error) = service.get("/api/suites").await;
    let error: serde_json::Value = serde_json::from_slice(&error).unwrap();
    assert_eq!((status.as_u16(), error["error"].as_str()), (503, Some("Service Unavailable")));
    for path in ["/documentation", "/api/openapi.json"] {
        assert_eq!(service.get(path).await.0, 200, "{path}");
    }
}

/// A mebibyte is too little for any question.
async fn too_large_a_question_is_told_so(service: &QueryService, folder: &std::path::Path) {
    let limited = service.limited(folder, StatementLimits { mebibytes: 1, ..StatementLimits::default() });
    let (status, html) = limited.get("/triage?suite=s").await;
    let html = String::from_utf8(html).unwrap();
    assert_eq!(status, 422, "{html}");
    assert!(html.contains("That asks for too much") && html.contains("fewer weeks"), "{html}");
    let (status, error) = limited.get("/api/triage?suite=s").await;
    let error: serde_json::Value = serde_json::from_slice(&error).unwrap();
    assert_eq!(status, 422, "{error}");
    assert!(error["description"].as_str().unwrap().starts_with("This question needs more memory"), "{error}");
    // What others ask meanwhile is answered.
    assert_eq!(service.get("/triage?suite=s").await.0, 200);
}
