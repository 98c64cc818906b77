//! Histories from the outcomes of whole runs are those that single results give: the same runs are stored once as they are,
//! and once as an earlier version stored them, and every answer is the same.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, unreachable_pub)]

use std::path::Path;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use schema::clock::Clock;
use schema::event::{Event, Request};
use schema::rename::TestRename;
use serde_json::{Map, Value, json};
use test_support::clock::now;
use test_support::engine::{self, Engine};
use test_support::events::{header, run};
use test_support::query_service::QueryService;
use test_support::rows;
use test_support::sample::sample;

const CONFIGURATIONS: usize = 3;
const TESTS: usize = 60;
const COMMITS: usize = 20;
const STEP: i64 = 43_200;

/// What a test may do in a run, and how often. Some are not in the run, some did not run.
fn leaf() -> impl Strategy<Value = Option<Value>> {
    let words =
        || prop::sample::select(vec!["PASS", "TEXT", "FAIL", "CRASH", "TIMEOUT", "TEXT PASS", "SKIP", "IMAGE CRASH"]);
    prop_oneof![
        8 => Just(Some(json!({ "time": 7 }))),
        1 => Just(None),
        2 => (words(), 1..900_u32).prop_map(|(actual, time)| Some(json!({ "actual": actual, "time": time }))),
        1 => (words(), words()).prop_map(|(actual, expected)| Some(json!({ "actual": actual, "expected": expected }))),
        1 => Just(Some(json!({ "actual": "TEXT", "flakiness_num_passes": 2, "flakiness_num_tries": 3 }))),
        1 => Just(Some(json!({ "actual": "PASS", "expected": "PASS TEXT" }))),
        1 => prop::sample::select(vec![json!(900), json!(1.5), json!(-1), json!("5"), json!(true), json!(null), json!(4e18)])
            .prop_map(|time| Some(json!({
                "actual": "TEXT PASS", "time": 9, "attempts": [{ "state": "TEXT", "time": time }, { "time": 3 }, {}, 7],
            }))),
    ]
}

/// Tests of one kind throughout, tests that broke, and tests of which anything may be.
fn did(runner: &mut TestRunner) -> Vec<Option<Value>> {
    let fails = Some(json!({ "actual": "TEXT", "time": 5 }));
    let row = |value: Option<Value>, length: usize| vec![value; length];
    let shape = prop_oneof![
        Just(row(Some(json!({})), COMMITS)),
        (0..=COMMITS).prop_map(move |at| [row(Some(json!({})), at), row(fails.clone(), COMMITS - at)].concat()),
        Just(row(Some(json!({ "actual": "FAIL", "expected": "FAIL" })), COMMITS)),
        proptest::collection::vec(leaf(), COMMITS),
        proptest::collection::vec(leaf(), COMMITS),
    ];
    sample(runner, shape)
}

/// A result with a log where it failed, so that lists have something to tell.
fn with_log(result: &Value, time: i64) -> Value {
    let mut result = result.clone();
    let failed = ["TEXT", "FAIL", "CRASH", "TIMEOUT", "IMAGE"];
    if result["actual"].as_str().is_some_and(|actual| failed.iter().any(|word| actual.contains(word))) {
        // Of runs on several configurations that start together any may be told.
        result["log"] = format!("\n  failed at {time}\nand more").into();
    }
    result
}

fn event(configuration: usize, time: i64, start: i64, sdk: Option<&str>, results: Map<String, Value>) -> Event {
    let commit =
        json!({ "repository_id": "webkit", "branch": "main", "timestamp": time, "hash": format!("{time:040x}") });
    let configuration = json!({
        "platform": "mac", "version": 14_000_000 + configuration, "is_simulator": false, "architecture": "arm64", "sdk": sdk
    });
    run("s", configuration, &commit, start, &results.into())
}

/// The runs of the suite: some commits ran twice, in two parts, with two SDKs, or broke as a whole; one was uploaded again.
fn events(runner: &mut TestRunner, newest: i64) -> Vec<Event> {
    let mut events = Vec::new();
    for configuration in 0..CONFIGURATIONS {
        let tests: Vec<Vec<Option<Value>>> = (0..TESTS).map(|_| did(runner)).collect();
        for at in 0..COMMITS {
            let time = newest - (COMMITS - 1 - at) as i64 * STEP;
            let steady = (0..2 * TESTS).map(|number| (format!("steady-{number}.html"), json!({ "time": 3 })));
            let own = tests
                .iter()
                .zip(0..)
                .filter_map(|(did, number)| Some((format!("{number}.html"), with_log(did[at].as_ref()?, time))));
            let all: Map<String, Value> = steady.chain(own).collect();
            let half = |is_second: bool| {
                let own = |(name, _): &(&String, &Value)| (name.len() % 2 == 1) == is_second;
                all.iter().filter(own).map(|(name, value)| (name.clone(), value.clone())).collect::<Map<_, _>>()
            };
            match sample(runner, 0..12_u8) {
                0 => events.extend([60, 90].map(|after| event(configuration, time, time + after, None, all.clone()))),
                1 => events.extend(
                    [false, true]
                        .map(|second| event(configuration, time, time + 60 + i64::from(second), None, half(second))),
                ),
                2 => events
                    .extend([None, Some("22A1")].map(|sdk| event(configuration, time, time + 60, sdk, all.clone()))),
                3 => {
                    events.extend([half(true), all].map(|results| event(configuration, time, time + 60, None, results)))
                }
                4 => {
                    let crash = all.keys().map(|name| (name.clone(), json!({ "actual": "CRASH" }))).collect();
                    events.push(event(configuration, time, time + 60, None, crash));
                }
                _ => events.push(event(configuration, time, time + 60, None, all)),
            }
        }
    }
    let rename = |from: &str, to: &str, at: i64| TestRename {
        suite: "s".into(),
        from: from.into(),
        to: to.into(),
        at,
        is_open: true,
    };
    for (from, to, ago) in [("0.html", "1.html", 4), ("2.html", "new.html", 0), ("3.html", "4.html", 9)] {
        let rename = rename(from, to, newest - ago * STEP);
        events.push(Event {
            header: header(newest, Request::Rename(rename)),
            test_results: serde_json::value::to_raw_value(&()).unwrap(),
        });
    }
    events
}

async fn answers(service: &QueryService) -> Vec<(String, String)> {
    let mut answers = Vec::new();
    for path in [
        "/api/triage?suite=s&limit=1000",
        "/api/triage?suite=s&days=14&limit=1000&version=14.0.1",
        "/api/flaky?suite=s&weeks=4&limit=1000",
        "/api/flaky?suite=s&weeks=1&limit=1000",
        "/api/costs?suite=s&weeks=4&limit=1000",
        "/api/costs?suite=s&weeks=2&by=week",
        "/api/changes/s?weeks=4&limit=1000",
        "/badge/s.svg",
        "/badge/s/new.html.svg",
        "/investigate?suite=s&unexpected=true",
        "/investigate?suite=s&unexpected=false&limit=9",
        "/api/failures/s",
        "/api/failures/s?unexpected=false&limit=5",
        "/api/failures/s?collapsed=false",
        "/api/failures/s?collapsed=false&unexpected=false&limit=20",
        "/?suite=s",
    ] {
        answers.push((path.to_owned(), service.text(path).await));
    }
    for number in 0..TESTS {
        let path = format!("/badge/s/{number}.html.svg");
        answers.push((path.clone(), service.text(&path).await));
    }
    let tests: Vec<Value> =
        (0..TESTS).map(|number| json!({ "test": format!("{number}.html"), "state": "TEXT" })).collect();
    let question = json!({ "suite": "s", "change": { "id": "1" }, "tests": tests }).to_string();
    let (status, body) = service.post("/api/verdicts", question).await;
    assert!(status.is_success());
    answers.push(("/api/verdicts".to_owned(), String::from_utf8(body).unwrap()));
    answers
}

#[tokio::test(flavor = "multi_thread")]
async fn whole_runs_say_what_single_results_say() {
    let directory = tempfile::tempdir().unwrap();
    let engine = engine::start(directory.path()).await;
    let mut listed = 0;
    for round in 0..3 {
        let mut runner = TestRunner::deterministic();
        for _ in 0..round {
            sample(&mut runner, any::<u64>());
        }
        let newest = now() - 3600;
        let clock = || Clock::standing_at(newest as u64 + 3600);
        let before = rows::without_outcomes(rows::of(events(&mut runner.clone(), newest)));
        let now = rows::of(events(&mut runner, newest));
        assert!(!now.rosters.is_empty() && now.runs.iter().any(|run| !run.surprises.is_empty()));
        let name = |kind: &str| format!("{kind}_{round}");
        let before = QueryService::start_at(&engine, directory.path(), &name("before"), [before], clock()).await;
        let now = QueryService::start_at(&engine, directory.path(), &name("now"), [now], clock()).await;
        for ((path, before), (_, now)) in answers(&before).await.into_iter().zip(answers(&now).await) {
            let at = before.bytes().zip(now.bytes()).take_while(|(before, now)| before == now).count();
            let from = |text: &str| text.chars().skip(at.saturating_sub(200)).take(400).collect::<String>();
            assert!(before == now, "{path}, round {round}:\n{}\n\n{}", from(&before), from(&now));
            listed += before.matches("\"test\":").count();
        }
    }
    assert!(listed > 200, "{listed} tests are listed");
    let runner = &mut TestRunner::deterministic();
    let rows = rows::of(events(runner, now() - 3600));
    let alone = QueryService::start(&engine, directory.path(), "alone", [rows]).await;
    for table in ["results", "failures"] {
        alone.client.query(&format!("TRUNCATE TABLE {table}")).execute().await.unwrap();
    }
    let triage = alone.json("/api/triage?suite=s&limit=1000").await;
    let listed = triage["tests"].as_array().unwrap().len();
    assert!(listed > 20, "single results are read: {listed} tests are listed without them");
    what_is_remembered_does_not_outlive_the_runs_that_it_is_of(&engine, directory.path()).await;
    engine.shutdown().await;
}

/// What is put together of runs is kept for later questions, and must not outlive them.
async fn what_is_remembered_does_not_outlive_the_runs_that_it_is_of(engine: &Engine, folder: &Path) {
    let newest = now() - 3600;
    let clock = || Clock::standing_at(newest as u64 + 3600);
    let all = || events(&mut TestRunner::deterministic(), newest).into_iter().zip(1..);
    let is_rename = |event: &Event| matches!(event.header.request, Request::Rename(_));
    let rows_of = |is_meant: &dyn Fn(&Event, u64) -> bool| {
        let mut rows = rows::EventRows::default();
        all().filter(|(event, offset)| is_meant(event, *offset)).for_each(|(event, offset)| rows.add(event, offset));
        rows
    };
    // Runs of all times come in three parts, so that histories grow at their ends and in between; people speak last.
    let third = |part: u64| rows_of(&move |event: &Event, offset| !is_rename(event) && offset % 3 == part);
    let growing = QueryService::start_at(engine, folder, "growing", [third(0)], clock()).await;
    for added in [third(1), third(2), rows_of(&|event, _| is_rename(event))] {
        answers(&growing).await;
        growing.add(&added).await;
    }
    let whole = [rows_of(&|_, _| true)];
    let whole = QueryService::start_at(engine, folder, "whole", whole, clock()).await;
    for ((path, grown), (_, expected)) in answers(&growing).await.into_iter().zip(answers(&whole).await) {
        assert!(grown == expected, "{path}:\n{grown}\n\n{expected}");
    }
}
