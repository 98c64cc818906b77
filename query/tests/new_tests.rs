//! Tests that came lately, through HTTP.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, unreachable_pub)]

use schema::event::{Event, Request};
use schema::rename::TestRename;
use serde_json::{Value, json};
use test_support::clock::now;
use test_support::engine;
use test_support::events::{commit, header, run};
use test_support::query_service::QueryService;
use test_support::rows::EventRows;

const COMMITS: i64 = 60;
/// Two commits a day.
const STEP: i64 = 43_200;
/// When a test got another name: between these commits.
const RENAMED: i64 = 55;

fn time(number: i64) -> i64 {
    now() / 3600 * 3600 - 3600 - (COMMITS - number) * STEP
}

fn registered(number: i64) -> Value {
    json!({
        "repository_id": "webkit", "branch": "main", "timestamp": time(number), "order": 0,
        "hash": format!("{:040x}", time(number)), "identifier": format!("{number}@main"),
    })
}

/// What ran on a commit: a sound test came with the 50th, one that fails now and then with the 40th, one that fails always
/// with the 52nd, one with another name with the 56th, one with the 10th, which is too long ago, and one on one configuration.
fn results(number: i64, style: &str) -> Value {
    let failed = |fails: bool| json!({ "actual": if fails { "TEXT" } else { "PASS" }, "time": 250 });
    let mut results = json!({});
    for steady in 0..20 {
        results[format!("steady-{steady}.html")] = failed(false);
    }
    if number >= 50 {
        results["<sound>.html"] = failed(false);
    }
    if number >= 40 {
        results["chance.html"] = failed(number % 3 == 0);
    }
    if number >= 52 {
        results["bad.html"] = failed(true);
    }
    results[if number > RENAMED { "after.html" } else { "before.html" }] = failed(false);
    if number >= 10 {
        results["known.html"] = failed(false);
    }
    if style == "Debug" && number >= 58 {
        results["only.html"] = failed(number == 58);
    }
    results
}

fn renamed() -> Event {
    let (suite, at) = ("s".to_owned(), time(RENAMED) + 3600);
    let rename = TestRename { suite, from: "before.html".into(), to: "after.html".into(), at, is_open: true };
    let request = Request::Rename(rename);
    Event { header: header(now(), request), test_results: serde_json::value::to_raw_value(&()).unwrap() }
}

fn rows() -> EventRows {
    let mut rows = EventRows::default();
    for number in 1..=COMMITS {
        let offset = number as u64 * 10;
        rows.add(commit(time(number), registered(number)), offset);
        for (style, more) in [("Release", 1), ("Debug", 2)] {
            let configuration = json!({
                "platform": "mac", "version": 14_000_000, "is_simulator": false, "architecture": "arm64", "style": style,
            });
            let event = run("s", configuration, &registered(number), time(number) + 60, &results(number, style));
            rows.add(event, offset + more);
        }
    }
    rows.add(renamed(), 10_000);
    rows
}

fn names(answer: &Value) -> Vec<&str> {
    answer["tests"].as_array().unwrap().iter().map(|test| test["test"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn tests_that_came_lately() {
    let directory = tempfile::tempdir().unwrap();
    let engine = engine::start(directory.path()).await;
    let service = QueryService::start(&engine, directory.path(), "new_tests", [rows()]).await;
    let answer: Value = service.json("/api/new-tests").await;
    assert_eq!(names(&answer), ["only.html", "bad.html", "<sound>.html", "chance.html"], "{answer:#}");
    assert_eq!((&answer["days"], &answer["weeks"], &answer["unknown"]), (&14.into(), &26.into(), &json!([])));
    let [only, bad, sound, chance] = [0, 1, 2, 3].map(|index| &answer["tests"][index]);
    // 59 runs without a failure are enough, and 93 with one.
    assert_eq!((&sound["standing"], &sound["runs"], &sound["failed"]), (&"passing".into(), &22.into(), &0.into()));
    assert_eq!((&sound["reruns"], &sound["median"], &sound["configurations"]), (&37.into(), &250.into(), &2.into()));
    assert_eq!(sound["first_commit"]["name"], "50@main");
    assert_eq!(sound["first_start"], time(50) + 60);
    assert_eq!((&bad["standing"], &bad["reruns"]), (&"failing".into(), &Value::Null));
    assert_eq!((&chance["standing"], &chance["reruns"]), (&"flaky".into(), &Value::Null));
    assert_eq!((&only["configurations"], &only["runs"], &only["failed"]), (&1.into(), &3.into(), &1.into()));
    assert_eq!((&only["reruns"], &only["first_configuration"]["style"]), (&90.into(), &"Debug".into()));

    let answer: Value = service.json("/api/new-tests?suite=s&days=2").await;
    assert_eq!(names(&answer), ["only.html"]);
    let answer: Value = service.json("/api/new-tests?suite=s&days=56&limit=2").await;
    assert_eq!((names(&answer), &answer["is_cut"]), (vec!["only.html", "bad.html"], &true.into()));
    for limit in ["&limit=2", ""] {
        let path = format!("/api/new-tests?suite=s&days=56{limit}");
        let (_, headers) = service.headers(&format!("{path}&format=csv")).await;
        let is_cut = service.json(&path).await["is_cut"].as_bool().unwrap();
        assert_eq!((headers.contains_key("resultsdb-warning"), is_cut), (is_cut, !limit.is_empty()), "{path}");
    }
    let answer: Value = service.json("/api/new-tests?suite=s&days=56").await;
    assert!(names(&answer).contains(&"known.html"), "{answer:#}");
    assert!(!names(&answer).contains(&"after.html"), "a new name makes no new test");
    assert!(!names(&answer).contains(&"steady-1.html"), "a suite's first tests are not new");
    let answer: Value = service.json("/api/new-tests?suite=s&style=Release").await;
    assert!(!names(&answer).contains(&"only.html"), "{answer:#}");
    assert_eq!(service.json("/api/new-tests?suite=s&branch=nothing").await["tests"], json!([]));
    for wrong in ["days=0", "days=57", "days=x", "weeks=3"] {
        assert_eq!(service.get(&format!("/api/new-tests?{wrong}")).await.0, 400, "{wrong}");
    }
    let csv = service.text("/api/new-tests?format=csv").await;
    assert!(
        csv.starts_with("suite,test,standing,runs,failed,both_ways,reruns,median,configurations,first_start\n"),
        "{csv}"
    );

    let page = service.text("/new-tests").await;
    assert!(page.contains("&lt;sound&gt;.html") && !page.contains("<sound>"), "{page}");
    assert!(page.contains("37 more") && page.contains("50@main"), "{page}");
    assert!(service.text("/new-tests?suite=s&days=1").await.contains("came within 1 days"));
    assert_eq!(service.get("/new-tests?days=57").await.0, 400);
    engine.shutdown().await;
}
