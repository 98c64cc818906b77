//! The commits that a page suspects: those after the last good run, without its own commit.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, unreachable_pub)]

use serde_json::json;
use test_support::clock::now;
use test_support::engine;
use test_support::events::{commit, run};
use test_support::query_service::QueryService;
use test_support::rows::EventRows;

/// Commits, one each second.
const COMMITS: i64 = 5;

/// Addresses of ranges of commits in a page.
fn ranges(page: &str) -> Vec<String> {
    let links = page.split("href=\"/commits?after_uuid=").skip(1);
    links.map(|rest| format!("/commits?after_uuid={}", rest.split('"').next().unwrap().replace("&amp;", "&"))).collect()
}

/// Identifiers of the commits that a page lists, the newest first.
fn listed(page: &str) -> Vec<i64> {
    let rows = page.split("data-key=").skip(1);
    let identifier = |row: &str| row.split("@main").next().unwrap().rsplit('>').next().unwrap().parse().unwrap();
    rows.map(identifier).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_commit_that_passed_is_no_suspect() {
    let newest = now() - 3600;
    let mut views = EventRows::default();
    let commits: Vec<_> = (1..=COMMITS)
        .map(|number| {
            let time = newest - COMMITS + number;
            json!({
                "repository_id": "webkit", "branch": "main", "timestamp": time, "order": 0,
                "hash": format!("{time:040x}"), "identifier": format!("{number}@main"),
            })
        })
        .collect();
    let mut offset = 0;
    let mut add = |event| {
        offset += 1;
        views.add(event, offset);
    };
    for one in &commits {
        add(commit(newest, one.clone()));
    }
    let configuration =
        json!({ "platform": "mac", "version": 14_000_000, "is_simulator": false, "architecture": "arm64" });
    for (number, start, actual) in [(2, newest, "PASS"), (5, newest + 60, "TEXT")] {
        let mut results = json!({ "broken.html": { "actual": actual } });
        for steady in 0..20 {
            results[format!("steady-{steady}.html")] = json!({ "actual": "PASS" });
        }
        add(run("s", configuration.clone(), &commits[number - 1], start, &results));
    }
    let directory = tempfile::tempdir().unwrap();
    let engine = engine::start(directory.path()).await;
    let service = QueryService::start(&engine, directory.path(), "suspects", [views]).await;
    let get = async |path: &str| {
        let (status, body) = service.get(path).await;
        assert_eq!(status, 200, "{path}");
        String::from_utf8(body).unwrap()
    };
    // A timeline says it twice: beside the configuration, and under the strip of its changes.
    for (page, times) in [
        ("/?suite=s&test=broken.html", 2),
        ("/triage?suite=s&q=broken", 1),
        ("/compare?suite=s&before=2@main&after=5@main", 1),
    ] {
        let mut found = Vec::new();
        for range in ranges(&get(page).await) {
            found.push(listed(&get(&range).await));
        }
        assert_eq!(found, vec![[5, 4, 3]; times], "{page}");
    }
    engine.shutdown().await;
}
