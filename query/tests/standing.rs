//! How one test is doing, for whoever mended it: through HTTP.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, unreachable_pub)]

use axum::http::StatusCode;
use schema::event::{Event, Request};
use schema::rename::TestRename;
use serde_json::{Map, Value, json};
use test_support::clock::now;
use test_support::engine;
use test_support::events::{header, run};
use test_support::query_service::QueryService;
use test_support::rows::EventRows;

const RUNS: i64 = 20;
const HOUR: i64 = 3600;
const ODD: &str = "css/odd ?&#%ü=1.html";

fn time(number: i64) -> i64 {
    now() / HOUR * HOUR - HOUR * (RUNS + 1 - number)
}

/// One run an hour on two machines: of one test every run fails since the eleventh, of one every third, on the first machine
/// alone; another fails as expected there in every other run; the rest passes.
fn rows() -> EventRows {
    let mut rows = EventRows::default();
    let mut offset = 0;
    let mut add = |event| {
        offset += 1;
        rows.add(event, offset);
    };
    for number in 1..=RUNS {
        let time = time(number);
        let commit =
            json!({ "repository_id": "webkit", "branch": "main", "timestamp": time, "hash": format!("{time:040x}") });
        for platform in ["mac", "win"] {
            let configuration =
                json!({ "platform": platform, "version": 14_000_000, "is_simulator": false, "architecture": "arm64" });
            let did = |fails: bool| json!({ "actual": if fails && platform == "mac" { "TEXT" } else { "PASS" } });
            let mut results: Map<String, Value> =
                (0..20).map(|steady| (format!("steady-{steady}"), did(false))).collect();
            results.insert("broken.html".into(), did(number > 10));
            results.insert("chance.html".into(), did(number % 3 == 0));
            results.insert(ODD.into(), did(number > 18));
            let mut known = did(number % 2 == 0);
            known["expected"] = json!("FAIL");
            results.insert("known.html".into(), known);
            // A suite may have a slash in its name.
            add(run("unit/fast", configuration, &commit, time + 60, &results.into()));
        }
    }
    let rename = TestRename {
        suite: "unit/fast".into(),
        from: "former.html".into(),
        to: "chance.html".into(),
        at: time(1) - HOUR,
        is_open: true,
    };
    let test_results = serde_json::value::to_raw_value(&()).unwrap();
    add(Event { header: header(now(), Request::Rename(rename)), test_results });
    rows
}

/// Platform, standing, runs and failures on each configuration.
async fn places(service: &QueryService, query: &str) -> Vec<(String, String, u64, u64)> {
    let answer = service.json(&format!("/api/standing?{query}")).await;
    let of = |place: &Value| {
        let text = |member: &Value| member.as_str().unwrap().to_owned();
        let count = |member: &str| place[member].as_u64().unwrap();
        (text(&place["configuration"]["platform"]), text(&place["standing"]), count("runs"), count("unexpected"))
    };
    answer["places"].as_array().unwrap().iter().map(of).collect()
}

fn place(platform: &str, standing: &str, runs: u64, unexpected: u64) -> (String, String, u64, u64) {
    (platform.to_owned(), standing.to_owned(), runs, unexpected)
}

/// Runs, failures and expected failures on the first machine.
fn counts(answer: &Value) -> [&Value; 3] {
    ["runs", "unexpected", "expected_failures"].map(|member| &answer["places"][0][member])
}

#[tokio::test]
async fn a_test_is_counted_since_it_began_to_do_what_it_does() {
    let directory = tempfile::tempdir().unwrap();
    let engine = engine::start(directory.path()).await;
    let service = QueryService::start(&engine, directory.path(), "standing", [rows()]).await;
    let suite = "suite=unit%2Ffast";
    let of = |test: &str| format!("{suite}&test={test}");
    let sound = place("win", "passing", 20, 0);
    assert_eq!(places(&service, &of("broken.html")).await, [place("mac", "new", 10, 10), sound.clone()]);
    let flaky = places(&service, &of("chance.html")).await;
    assert!(
        flaky[0].1 == "flaky" && flaky[0].3 == 6 && (18..=20).contains(&flaky[0].2) && flaky[1] == sound,
        "{flaky:?}"
    );
    assert_eq!(places(&service, &of("former.html")).await, flaky, "a former name");
    let odd = of("css%2Fodd+%3F%26%23%25%C3%BC%3D1.html");
    assert_eq!(places(&service, &odd).await, [place("mac", "new", 2, 2), sound.clone()]);
    assert_eq!(places(&service, &format!("{odd}&platform=win")).await, [sound]);
    for nothing in [of("nobody-knows"), format!("{odd}&branch=other")] {
        assert_eq!(places(&service, &nothing).await, [], "{nothing}");
    }
    let answer = service.json(&format!("/api/standing?{}", of("broken.html"))).await;
    assert_eq!(
        (&answer["places"][0]["state"], &answer["places"][0]["since"]),
        (&json!("TEXT"), &json!(time(11) * 100))
    );
    assert_eq!(counts(&answer), [10, 10, 0]);
    // What failed as expected is no run of one that could have failed unexpectedly.
    let known = service.json(&format!("/api/standing?{}&platform=mac", of("known.html"))).await;
    assert_eq!(counts(&known), [10, 0, 10], "{known:#}");
    for (query, told) in [
        ("test=broken.html", "No test suite specified"),
        ("suite=unit%2Ffast", "No test specified"),
        ("suite=&test=", "No test suite specified"),
        ("suite=s&test=t&x=1", "'x' not supported"),
    ] {
        let (status, body) = service.get(&format!("/api/standing?{query}")).await;
        let body = String::from_utf8_lossy(&body).into_owned();
        assert!(status == StatusCode::BAD_REQUEST && body.contains(told), "{query}: {status} {body}");
    }
}
