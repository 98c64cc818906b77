//! Failures by what they say: counted against a plain model, looked for by text, masked, and through replaced uploads.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, unreachable_pub)]

use std::collections::{BTreeMap, BTreeSet};

use axum::http::StatusCode;
use proptest::test_runner::TestRunner;
use schema::cause::Pattern;
use schema::cause::primary::primary;
use serde_json::{Map, Value, json};
use test_support::clock::now;
use test_support::engine;
use test_support::events::run;
use test_support::query_service::QueryService;
use test_support::rows::EventRows;
use test_support::sample::sample;

const DAY: i64 = 86_400;
const HOSTILE: &str = "<img src=x onerror=alert(1)>\"' {{ 7*7 }} 100%_";
const TESTS: usize = 12;

/// What a test said in one run, if it failed, and whether that was unexpected.
#[derive(Debug, Clone)]
struct Said {
    test: usize,
    at: i64,
    configuration: i64,
    log: Option<String>,
    is_expected: bool,
}

fn configuration(index: i64) -> Value {
    json!({ "platform": format!("os{index}"), "version": 14_000_000, "is_simulator": false, "architecture": "arm64" })
}

fn commit(at: i64) -> Value {
    json!({ "repository_id": "w", "branch": "main", "timestamp": at, "order": 0, "hash": format!("{at:040x}") })
}

fn name(test: usize) -> String {
    format!("{test}.html")
}

fn log(runner: &mut TestRunner) -> Option<String> {
    let number = sample(runner, 0_u32..100_000);
    let text = match sample(runner, 0..7) {
        0 => format!("Timed out after {number} ms\n  at /home/ci/{number}/a.js:3:1"),
        1 => format!("Failed\n=== RUN   T{number}\n    f_test.go:{number}: no file"),
        2 => format!("no file {HOSTILE}{number}"),
        3 => format!("Traceback (most recent call last):\n  File \"a.py\", line {number}\nValueError: 0x{number:x}"),
        4 => " \n ".to_owned(),
        _ => return None,
    };
    Some(text)
}

/// Runs of five weeks, each with what its tests said.
fn runs(runner: &mut TestRunner) -> Vec<Vec<Said>> {
    let now = now();
    let mut runs = Vec::new();
    for age in (0..35).rev() {
        for configuration in 0..2 {
            let at = now - 3600 - age * DAY;
            let said = |test| {
                let is_expected = sample(runner, 0..5) == 0;
                Said { test, at, configuration, log: log(runner), is_expected }
            };
            runs.push((0..TESTS).map(said).collect());
        }
    }
    runs
}

fn event(said: &[Said]) -> schema::event::Event {
    let leaf = |one: &Said| {
        let leaf = match (&one.log, one.is_expected) {
            (None, _) => json!({ "actual": "PASS" }),
            (Some(log), false) => json!({ "actual": "TEXT", "log": log }),
            (Some(log), true) => json!({ "actual": "TEXT", "expected": "TEXT", "log": log }),
        };
        (name(one.test), leaf)
    };
    let results: Map<String, Value> = said.iter().map(leaf).collect();
    let Said { at, configuration: index, .. } = said[0];
    run("s", configuration(index), &commit(at), at + 60, &Value::Object(results))
}

/// By pattern: failures, tests, commits and configurations.
type Counts = BTreeMap<String, (u64, u64, u64, u64)>;

fn counted<'s>(said: impl Iterator<Item = &'s Said>) -> Counts {
    let mut by_pattern: BTreeMap<String, Vec<&Said>> = BTreeMap::new();
    for one in said {
        let pattern = one.log.as_ref().and_then(|log| primary(log)).and_then(|message| Pattern::of(&message));
        if let Some(pattern) = pattern {
            by_pattern.entry(pattern.text).or_default().push(one);
        }
    }
    let distinct = |said: &[&Said], of: &dyn Fn(&Said) -> i64| {
        said.iter().map(|one| of(one)).collect::<BTreeSet<_>>().len() as u64
    };
    let counts = |said: Vec<&Said>| {
        let tests = distinct(&said, &|one| one.test as i64);
        let (commits, places) = (distinct(&said, &|one| one.at), distinct(&said, &|one| one.configuration));
        (said.len() as u64, tests, commits, places)
    };
    by_pattern.into_iter().map(|(pattern, said)| (pattern, counts(said))).collect()
}

fn answered(answer: &Value) -> Counts {
    let number = |cause: &Value, member: &str| cause[member].as_u64().unwrap();
    let counts = |cause: &Value| {
        let of = |member| number(cause, member);
        (
            cause["pattern"].as_str().unwrap().to_owned(),
            (of("failures"), of("tests"), of("commits"), of("configurations")),
        )
    };
    answer["causes"].as_array().unwrap().iter().map(counts).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_are_grouped_by_what_they_say() {
    let directory = tempfile::tempdir().unwrap();
    let engine = engine::start(directory.path()).await;
    let mut runner = TestRunner::deterministic();
    let runs = runs(&mut runner);
    let mut views = EventRows::default();
    let mut version = 0;
    // Every fifth run was uploaded before, and said other things then, which are not counted.
    for (index, said) in runs.iter().enumerate() {
        if index % 5 == 0 {
            let other = |one: &Said| Said { log: Some("replaced".to_owned()), is_expected: false, ..one.clone() };
            version += 1;
            views.add(event(&said.iter().map(other).collect::<Vec<_>>()), version);
        }
        version += 1;
        views.add(event(said), version);
    }
    // An upload that comes twice changes nothing.
    views.add(event(&runs[1]), 3);
    let service = QueryService::start(&engine, directory.path(), "causes", [views]).await;
    let all = || runs.iter().flatten();

    for weeks in [1, 4, 12] {
        let since = now() - weeks * 7 * DAY;
        for unexpected in [true, false] {
            let path = format!("/api/causes?suite=s&weeks={weeks}&unexpected={unexpected}");
            let answer = service.json(&path).await;
            let meant = |one: &&Said| one.at + 60 >= since && (!unexpected || !one.is_expected);
            let model = counted(all().filter(meant));
            assert_eq!(answered(&answer), model, "{path}");
            let total: u64 = model.values().map(|counts| counts.0).sum();
            assert_eq!(
                (answer["failures"].as_u64(), answer["total"].as_u64()),
                (Some(total), Some(model.len() as u64))
            );
            for cause in answer["causes"].as_array().unwrap() {
                let drawn: u64 = cause["trend"].as_array().unwrap().iter().map(|count| count.as_u64().unwrap()).sum();
                assert_eq!(Some(drawn), cause["failures"].as_u64(), "{cause}");
            }
        }
    }

    texts_are_found(&service, &runs).await;
    one_cause_is_told(&service).await;
    the_page_shows_it(&service).await;
    engine.shutdown().await;
}

async fn texts_are_found(service: &QueryService, runs: &[Vec<Said>]) {
    for text in ["timed OUT after", "100%_", "valueerror: 0x", "_test.go", "é", "home/ci"] {
        let query: String = form_urlencoded(text);
        let found = service
            .json(&format!("/api/causes/messages?suite=s&weeks=12&limit=500&unexpected=false&text={query}"))
            .await;
        let holds = |log: &str| log.to_ascii_lowercase().contains(&text.to_ascii_lowercase());
        let model = runs.iter().flatten().filter(|one| one.log.as_deref().is_some_and(holds)).count();
        assert_eq!(found["has_more"], json!(model > 500), "{text}");
        let found = found["messages"].as_array().unwrap();
        assert_eq!(found.len(), model.min(500), "{text}");
        assert!(found.iter().all(|one| holds(one["message"].as_str().unwrap())), "{text}");
        let starts: Vec<u64> = found.iter().map(|one| one["start_time"].as_u64().unwrap()).collect();
        assert!(starts.is_sorted_by(|one, other| one >= other), "{text}");
        // A list that the last days fill has the same failures at its head.
        for limit in [1, 30] {
            let few = service
                .json(&format!("/api/causes/messages?suite=s&weeks=12&limit={limit}&unexpected=false&text={query}"))
                .await;
            assert_eq!(few["messages"].as_array().unwrap()[..], found[..found.len().min(limit)], "{text}");
            assert_eq!(few["has_more"], json!(model > limit), "{text}");
        }
        let causes = service.json(&format!("/api/causes?suite=s&weeks=12&unexpected=false&text={query}")).await;
        assert_eq!(causes["failures"].as_u64(), Some(model as u64), "{text}");
    }
}

fn form_urlencoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

async fn one_cause_is_told(service: &QueryService) {
    let id = Pattern::of(&primary("Timed out after 7 ms").unwrap()).unwrap().id;
    let answer = service.json(&format!("/api/causes?suite=s&cause={id}")).await;
    let causes = answer["causes"].as_array().unwrap();
    assert_eq!((causes.len(), causes[0]["pattern"].as_str()), (1, Some("Timed out after * ms")), "{answer}");
    let said = service.json(&format!("/api/causes/messages?suite=s&cause={id}&limit=7")).await;
    assert_eq!(said["messages"].as_array().unwrap().len(), 7);
    assert_eq!((&said["has_more"], &said["configurations"]), (&json!(true), &answer["configurations"]));
    assert!(said["messages"].as_array().unwrap().iter().all(|one| one["cause"] == json!(id.to_string())), "{said}");
    let test = service.json("/api/causes/messages?suite=s&test=3.html&limit=500").await;
    assert!(test["messages"].as_array().unwrap().iter().all(|one| one["test"] == "3.html"), "{test}");
    let csv = service.text(&format!("/api/causes?suite=s&cause={id}&format=csv")).await;
    assert!(csv.starts_with("cause,pattern,state,failures,tests,commits,configurations,first_seen,"), "{csv}");
    assert!(
        service
            .text("/api/causes/messages?suite=s&format=csv")
            .await
            .starts_with("test,state,cause,uuid,start_time,message,platform,")
    );
    assert!(service.json("/api/causes?suite=s&rule=1").await["configurations"].as_u64() > Some(0));
    // A rule that there is not made no patterns, which is no suite without failures.
    for door in ["/api/causes?suite=s&rule=9", "/api/causes/messages?suite=s&rule=0", "/causes?suite=s&rule=2"] {
        let (status, body) = service.get(door).await;
        let told = String::from_utf8(body).unwrap();
        assert_eq!(status, StatusCode::BAD_REQUEST, "{door}");
        assert!(told.contains("of the rule of causes; the newest is 1"), "{door}: {told}");
    }
    for wrong in
        ["/api/causes", "/api/causes?suite=s&cause=7", "/api/causes?suite=s&order=x", "/api/causes?suite=s&rule=-1"]
    {
        assert_eq!(service.get(wrong).await.0, StatusCode::BAD_REQUEST, "{wrong}");
    }
    let long = format!("/api/causes?suite=s&text={}", "a".repeat(201));
    assert_eq!(service.get(&long).await.0, StatusCode::BAD_REQUEST);
}

async fn the_page_shows_it(service: &QueryService) {
    let page = service.text("/causes?suite=s").await;
    assert!(page.contains("Timed out after * ms") && page.contains("ValueError: *"), "{page}");
    assert!(page.contains("&lt;img src=x onerror=alert(*)&gt;") && !page.contains("<img"), "{page}");
    let page = service.text("/causes?suite=s&text=timed+out").await;
    assert!(page.contains("What was said") && page.contains("a.js:3:1"), "{page}");
    let page = service.text("/causes?suite=s&platform=none").await;
    assert!(page.contains("No run of s in 4 weeks matches.") && !page.contains("said anything"), "{page}");
}
