//! Reads are bounded: what an endpoint reads does not grow with the history that its question does not need.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, unreachable_pub)]

use std::sync::LazyLock;

use schema::event::Event;
use serde_json::json;
use test_support::clock::now;
use test_support::engine;
use test_support::events::run;
use test_support::query_service::QueryService;
use test_support::rows::EventRows;

const CONFIGURATIONS: u64 = 4;
const RUNS_PER_WEEK: i64 = 12;
/// Verdicts are made from the runs of so many weeks, which lie in one more week of the calendar.
const VERDICT_WEEKS: i64 = 5;
/// Weeks of the calendar in which half a year lies.
const HALF_A_YEAR: u64 = 27;
const TESTS: usize = 200;
const SUITES: [&str; 2] = ["layout-tests", "api-tests"];
/// Granules are read as a whole, so that small questions read much more than they need.
const SLACK: u64 = 1000;

fn event(suite: &str, configuration: u64, index: i64, tests: &[String]) -> Event {
    // One time for all, so that a commit is the same wherever it ran.
    static NOW: LazyLock<i64> = LazyLock::new(now);
    let time = *NOW - 600 - index * (7 * 86_400 / RUNS_PER_WEEK);
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
    run(suite, configuration, &commit, time, &results.into())
}

/// A week of runs, `age` weeks ago.
fn week(age: i64) -> EventRows {
    let tests: Vec<String> = (0..TESTS).map(|number| format!("{number:04}.html")).collect();
    let mut views = EventRows::default();
    for index in age * RUNS_PER_WEEK..(age + 1) * RUNS_PER_WEEK {
        for configuration in 0..CONFIGURATIONS {
            for suite in SUITES {
                views.add(event(suite, configuration, index, &tests), 1);
            }
        }
    }
    if age == 0 {
        views.add(of_change(), 1);
    }
    views
}

/// A run of a change under review, in which a test fails.
fn of_change() -> Event {
    let time = now() - 300;
    let commit = json!({
        "repository_id": "webkit", "branch": "change/7", "timestamp": time, "hash": format!("{time:040x}"),
    });
    let configuration =
        json!({ "platform": "mac", "version": 14_000_000, "is_simulator": false, "architecture": "arm64" });
    let results = json!({ "0011.html": { "actual": "CRASH" }, "0100.html": { "actual": "TEXT" }, "0101.html": {} });
    run("layout-tests", configuration, &commit, time, &results)
}

/// Rows that the engine read since it started.
async fn rows_read(service: &QueryService) -> u64 {
    let sql = "SELECT sum(value) FROM system.events WHERE event = 'SelectedRows'";
    service.client.query(sql).fetch_one().await.unwrap()
}

/// Rows read for one answer.
async fn cost(service: &QueryService, path: &str) -> u64 {
    let before = rows_read(service).await;
    // Asking for the counter reads the table of counters, too.
    let counter = rows_read(service).await - before;
    let (status, body) = service.get(path).await;
    assert_eq!(status, 200, "{path}: {}", String::from_utf8_lossy(&body));
    (rows_read(service).await - before).saturating_sub(2 * counter)
}

#[tokio::test(flavor = "multi_thread")]
async fn no_endpoint_reads_in_proportion_to_history() {
    let directory = tempfile::tempdir().unwrap();
    let folder = directory.path();
    let engine = engine::start(folder).await;
    let short = QueryService::start(&engine, folder, "week", [week(0)]).await;
    let month = QueryService::start(&engine, folder, "month", (0..VERDICT_WEEKS).rev().map(week)).await;
    let long = QueryService::start(&engine, folder, "year", (0..52).rev().map(week)).await;
    let mut grown = Vec::new();
    for path in [
        "/api/results/layout-tests?limit=10",
        "/api/results/layout-tests/0010.html?limit=10",
        "/api/results/layout-tests/0010.html?ref=99995@main",
        "/api/results-summary/layout-tests/0010.html?limit=5",
        "/api/results-summary/layout-tests/0010.html?limit=5&ref=99995@main",
        "/api/failures/layout-tests?limit=10",
        "/api/failures/layout-tests?limit=10&collapsed=false",
        "/api/upload?suite=layout-tests&limit=2",
        "/api/upload?limit=2",
        "/api/urls?limit=10",
        "/api/urls?suite=layout-tests&limit=10",
        "/api/urls/queue",
        "/api/suites",
        "/api/layout-tests/tests?limit=10",
        "/api/layout-tests/tests?test=001",
        "/api/changes-under-review",
        "/api/commits?limit=10",
        "/api/commits?ref=99995@main",
        "/api/commits/siblings?ref=99995@main",
        "/api/commits/previous?ref=99995@main",
        "/api/commits/next?ref=99995@main",
        "/api/commits/branches",
        "/causes?suite=layout-tests&weeks=1",
        "/api/causes/messages?suite=layout-tests&weeks=1&text=a",
        "/durations?suite=layout-tests&weeks=1",
        "/durations?suite=layout-tests&test=0010.html&weeks=1",
        "/api/timeline/layout-tests/0010.html?limit=10",
        "/commits?limit=10",
        "/commit?ref=99995@main",
        "/api/compare?suite=layout-tests&before=99990@main&after=99995@main",
        "/compare?suite=layout-tests&before=99990@main&after=99995@main",
        "/api/slowest/layout-tests?weeks=1",
        "/api/compare/populations/layout-tests?weeks=1&base_weeks=1",
        "/compare/populations?suite=layout-tests&weeks=1&base_weeks=1",
    ] {
        let (one, year) = (cost(&short, path).await, cost(&long, path).await);
        eprintln!("{one:>8} {year:>8} rows  {path}");
        if year > 3 * one + SLACK {
            grown.push(path);
        }
    }
    assert!(grown.is_empty(), "read more of 52 weeks than of one: {grown:#?}");
    // Verdicts are made from the runs of four weeks, whatever was before them, and however little is counted.
    for path in [
        "/?suite=layout-tests&test=0010.html&limit=10",
        "/suites?suite=layout-tests&limit=10",
        "/investigate?suite=layout-tests",
        "/badge/layout-tests.svg",
        "/badge/layout-tests/0010.html.svg",
        "/triage?suite=layout-tests",
        "/api/triage?suite=layout-tests",
        "/api/standing?suite=layout-tests&test=0010.html",
        "/api/flaky?suite=layout-tests&weeks=4",
        "/api/flaky?suite=layout-tests&weeks=1",
        "/api/costs?suite=layout-tests&weeks=1",
        "/api/verdicts/quality?suite=layout-tests&weeks=1",
        "/flaky?suite=layout-tests&weeks=1",
        "/trends?suite=layout-tests&weeks=1",
        "/trends?suite=layout-tests&test=0010.html&weeks=1",
        "/api/changes/layout-tests?weeks=1",
        "/dashboards",
        "/api/changes-under-review/7",
        "/change/7",
    ] {
        let (four_weeks, year) = (cost(&month, path).await, cost(&long, path).await);
        eprintln!("{four_weeks:>8} {year:>8} rows  {path}");
        if 2 * year > 3 * four_weeks + 2 * SLACK {
            grown.push(path);
        }
    }
    assert!(grown.is_empty(), "read more of 52 weeks than of four: {grown:#?}");
    // Old tests are told from new ones by the runs of half a year, whatever was before them.
    let path = "/api/new-tests?suite=layout-tests";
    let (four_weeks, year) = (cost(&month, path).await, cost(&long, path).await);
    let runs = HALF_A_YEAR * RUNS_PER_WEEK.unsigned_abs() * CONFIGURATIONS * SUITES.len() as u64;
    assert!(year <= four_weeks + runs + SLACK, "{year} rows of 52 weeks, {four_weeks} of four: {path}");
    engine.shutdown().await;
}
