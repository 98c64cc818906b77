//! A service whose store is away says so on pages that have their style, and serves what needs no store.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, unreachable_pub)]

use test_support::engine;
use test_support::query_service::QueryService;

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
    engine.shutdown().await;
    for page in ["/", "/triage", "/flaky?suite=s", "/investigate", "/suites", "/commits", "/durations?suite=s"] {
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
