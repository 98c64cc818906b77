//! `as_of`: answers of today about a time that is over are those that were given then.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, unreachable_pub)]

use proptest::test_runner::TestRunner;
use schema::clock::Clock;
use schema::event::{Event, Request};
use serde_json::{Map, Value, json};
use test_support::engine;
use test_support::events::{header, run};
use test_support::query_service::QueryService;
use test_support::rows::{self, EventRows};
use test_support::sample::sample;

const TESTS: usize = 30;
const STEPS: i64 = 24;
/// Seconds between two runs of a configuration.
const STEP: i64 = 14 * 3600;
const BEGIN: i64 = 1_790_000_000;

fn configuration(index: i64) -> Value {
    json!({ "platform": "mac", "version": 14_000_000 + index, "is_simulator": false, "architecture": "arm64" })
}

fn time(step: i64) -> i64 {
    BEGIN + step * STEP
}

/// The runs of a step, which were received a while after they started. Some are about a commit of before.
fn step(runner: &mut TestRunner, step: i64, failing: &mut [u32]) -> Vec<Event> {
    for chance in failing.iter_mut() {
        if sample(runner, 0..8) == 0 {
            *chance = [0, 0, 40, 100][sample(runner, 0..4_usize)];
        }
    }
    let mut events = Vec::new();
    for index in 0..2 {
        let behind = i64::from(sample(runner, 0..6) == 0);
        let at = time((step - behind).max(0));
        let commit = json!({ "repository_id": "w", "branch": "main", "timestamp": at, "order": 0, "hash": format!("{at:040x}") });
        let state = |number: usize, runner: &mut TestRunner| {
            let fails = sample(runner, 0_u32..100) < failing[number];
            json!({ "actual": if fails { "TEXT" } else { "PASS" }, "log": format!("expected {number} but was {}", number + 1) })
        };
        let mut results: Map<String, Value> =
            (0..TESTS).map(|number| (format!("{number}.html"), state(number, runner))).collect();
        results.extend((0..3 * TESTS).map(|number| (format!("steady-{number}.html"), json!({ "actual": "PASS" }))));
        let mut event = run("s", configuration(index), &commit, time(step) + 60 + index, &results.into());
        event.header.received_at = time(step) + 600 + index;
        events.push(event);
    }
    events
}

/// What somebody says in a step.
fn said(step: i64, test: i64) -> Event {
    let bug = json!({ "bug": {
        "suite": "s", "test": format!("{test}.html"), "url": format!("https://b.example.org/{step}"), "is_open": true,
    } });
    let request: Request = serde_json::from_value(bug).unwrap();
    Event { header: header(time(step) + 700, request), test_results: serde_json::value::to_raw_value(&()).unwrap() }
}

const PATHS: [&str; 3] =
    ["/api/triage?suite=s&limit=1000", "/api/changes/s?weeks=4", "/api/triage?suite=s&days=1&q=bug:any"];

async fn verdicts(service: &QueryService, query: &str) -> Value {
    let tests: Vec<Value> =
        (0..TESTS).map(|number| json!({ "test": format!("{number}.html"), "state": "TEXT" })).collect();
    let (status, body) =
        service.post(&format!("/api/verdicts{query}"), json!({ "suite": "s", "tests": tests }).to_string()).await;
    assert_eq!(status, 200, "{}", String::from_utf8_lossy(&body));
    serde_json::from_slice(&body).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_about_a_time_are_those_that_were_given_then() {
    let mut runner = TestRunner::deterministic();
    let directory = tempfile::tempdir().unwrap();
    let engine = engine::start(directory.path()).await;
    let at = |time: i64| Clock::standing_at(u64::try_from(time).unwrap());
    let stored = QueryService::start_at(&engine, directory.path(), "as_of", [], at(BEGIN)).await;
    let (mut failing, mut offset) = (vec![0; TESTS], 0);
    let mut given: Vec<(i64, Vec<Value>)> = Vec::new();
    for number in 0..STEPS {
        let mut views = EventRows::default();
        let mut events = step(&mut runner, number, &mut failing);
        if number % 5 == 3 {
            events.push(said(number, sample(&mut runner, 0..TESTS as i64)));
        }
        for event in events {
            offset += 1;
            views.add(event, offset);
        }
        rows::write(&stored.client, &views).await;
        let now = time(number) + 1000;
        let service = stored.at(directory.path(), at(now));
        let mut answers = Vec::new();
        for path in PATHS {
            answers.push(service.json(path).await);
        }
        answers.push(verdicts(&service, "").await);
        given.push((now, answers));
    }
    let service = stored.at(directory.path(), at(time(STEPS)));
    let mut told = 0;
    for (now, answers) in &given {
        for (path, answer) in PATHS.iter().zip(answers) {
            assert_eq!(&service.json(&format!("{path}&as_of={now}")).await, answer, "{path} at {now}");
            told += answer["tests"].as_array().map_or(0, Vec::len);
        }
        assert_eq!(&verdicts(&service, &format!("?as_of={now}")).await, &answers[3], "verdicts at {now}");
    }
    assert!(told > 100, "{told}");
    // A receipt stands for when its event was made.
    let (now, answers) = &given[9];
    let milliseconds = u64::try_from(*now).unwrap() * 1000 + 999;
    let receipt = format!("3-1-{:08x}-{:04x}-739b-aea5-966c26f8ad91", milliseconds >> 16, milliseconds & 0xffff);
    assert_eq!(&service.json(&format!("{}&as_of={receipt}", PATHS[0])).await, &answers[0], "{receipt}");
    let now = time(STEPS);
    let ahead = "as_of lies ahead";
    for (asked, says) in [
        ("soon", "as_of is a date such as"),
        (&format!("{}", now + 99_999), ahead),
        ("0-117-ffffffff-ffff-7fff-bfff-ffffffffffff", ahead),
    ] {
        let (status, body) = service.get(&format!("{}&as_of={asked}", PATHS[0])).await;
        let body = String::from_utf8(body).unwrap();
        assert!(status == 400 && body.contains(says), "{body}");
    }
    let page = service.text(&format!("/triage?suite=s&as_of={}", given[9].0)).await;
    assert!(page.contains("What was known at") && page.contains("Show what is known now"), "{page}");
    engine.shutdown().await;
}
