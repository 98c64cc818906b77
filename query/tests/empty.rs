//! A store in which nothing is yet: every page says so, and none fails.
#![allow(clippy::unwrap_used, missing_docs)]

use test_support::engine;
use test_support::query_service::QueryService;
use test_support::rows::EventRows;

const PAGES: [&str; 25] = [
    "/",
    "/?suite=unit",
    "/?suite=unit&test=a",
    "/search",
    "/suites",
    "/triage",
    "/triage.atom",
    "/causes",
    "/changes",
    "/investigate",
    "/investigate?suite=unit",
    "/flaky",
    "/flaky?suite=&branch=x",
    "/costs",
    "/costs?by=week&owner=@a",
    "/owners",
    "/quality",
    "/durations",
    "/trends",
    "/compare",
    "/compare/populations",
    "/dashboards",
    "/commits",
    "/uploads",
    "/dead-letters",
];

#[tokio::test(flavor = "multi_thread")]
async fn every_page_is_there() {
    let directory = tempfile::tempdir().unwrap();
    let engine = engine::start(directory.path()).await;
    let service = QueryService::start(&engine, directory.path(), "empty", [EventRows::default()]).await;
    for path in PAGES {
        let (status, body) = service.get(path).await;
        assert_eq!(status.as_u16(), 200, "{path}: {}", String::from_utf8_lossy(&body));
    }
}
