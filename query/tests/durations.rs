//! Durations against a plain model: every time in a list, sorted.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, unreachable_pub)]

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use test_support::clock::now;
use test_support::engine;
use test_support::events::run;
use test_support::query_service::QueryService;
use test_support::rows::EventRows;
use test_support::sample::sample;

const TEST: &str = "a/b.html";
/// Parts of four weeks are this long, seconds.
const STEP: i64 = 43_200;

/// When a run started, where it ran, and how long the run and its test took; milliseconds.
#[derive(Debug, Clone, Copy)]
struct Run {
    configuration: u64,
    at: i64,
    suite: Option<i64>,
    test: Option<i64>,
}

fn runs(runner: &mut TestRunner) -> Vec<Run> {
    let took = || prop_oneof![1 => Just(None), 6 => (0i64..600_000).prop_map(Some)];
    let now = now();
    let mut run = |configuration: u64, age: i64| Run {
        configuration,
        // Never near to where a quarter of the time ends.
        at: now - 10_800 - age * 21_600,
        suite: sample(runner, took()),
        test: sample(runner, took()),
    };
    // The last configuration stopped two weeks ago, and comes back only for whoever asks for what is not recent.
    let of = |configuration: u64, first: i64| (first..108).map(move |age| (configuration, age));
    of(0, 0).chain(of(1, 0)).chain(of(2, 60)).map(|(configuration, age)| run(configuration, age)).collect()
}

impl Run {
    /// When its commit was. One configuration tests, lately, what is older than all that is asked about.
    fn committed(&self) -> i64 {
        if self.configuration == 1 { self.at - 60 * 86_400 } else { self.at }
    }
}

fn views(runs: &[Run]) -> EventRows {
    let mut views = EventRows::default();
    for (offset, one) in runs.iter().enumerate() {
        let (Run { configuration, at, suite, test }, committed) = (one, one.committed());
        let commit = json!({
            "repository_id": "webkit", "branch": "main", "timestamp": committed, "order": 0,
            "hash": format!("{committed:040x}"),
        });
        let shown = json!({
            "platform": "mac", "version": 14_000_000 + configuration, "is_simulator": false, "architecture": "arm64",
        });
        let result = match test {
            Some(time) => json!({ "actual": "PASS", "time": time }),
            None => json!({ "actual": "PASS" }),
        };
        let mut event = run("s", shown, &commit, *at, &json!({ "a": { "b.html": result } }));
        let statistics = match suite {
            Some(took) => json!({ "start_time": at, "end_time": *at as f64 + *took as f64 / 1000.0 }),
            // No times: hostile ones must not count, nor break the others.
            None => json!({ "start_time": "soon", "end_time": -1e300, "tests_skipped": 1 }),
        };
        let mut document: Value = serde_json::from_str(event.test_results.get()).unwrap();
        document["run_stats"] = statistics;
        event.test_results = serde_json::value::to_raw_value(&document).unwrap();
        views.add(event, offset as u64 + 1);
    }
    views
}

/// Runs, median, 95th percentile and maximum.
fn took(mut times: Vec<i64>) -> Option<Value> {
    times.sort_unstable();
    let at = |share: f64| times.get((share * times.len() as f64) as usize);
    Some(json!({ "runs": times.len(), "p50": at(0.5)?, "p95": at(0.95)?, "longest": times.last()? }))
}

fn model(runs: &[Run], time: impl Fn(&Run) -> Option<i64>) -> (Value, Value) {
    let mut parts: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
    let mut lines: BTreeMap<u64, Vec<(i64, i64)>> = BTreeMap::new();
    for run in runs {
        if let Some(time) = time(run) {
            parts.entry(run.at / STEP * STEP).or_default().push(time);
            lines.entry(run.configuration).or_default().push((run.at, time));
        }
    }
    let with = |mut shown: Value, members: Value| {
        shown.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        shown
    };
    let parts = parts.into_iter().map(|(from, times)| with(took(times).unwrap(), json!({ "from": from })));
    let lately = now() - 7 * 86_400;
    let median = |line: &[(i64, i64)], is_lately: bool| {
        let times = line.iter().filter(|(at, _)| (*at >= lately) == is_lately).map(|(_, time)| *time).collect();
        took(times).map_or(Value::Null, |took| took["p50"].clone())
    };
    let mut lines: Vec<Value> = lines
        .iter()
        .map(|(configuration, line)| {
            let members = json!({
                "version": 14_000_000 + configuration, "lately": median(line, true), "before": median(line, false),
            });
            with(took(line.iter().map(|(_, time)| *time).collect()).unwrap(), members)
        })
        .collect();
    lines.sort_by_key(|line| -line["p50"].as_i64().unwrap());
    (parts.collect(), lines.into())
}

#[tokio::test(flavor = "multi_thread")]
async fn percentiles_are_those_of_the_times_that_were_uploaded() {
    let mut runner = TestRunner::deterministic();
    let all = runs(&mut runner);
    let directory = tempfile::tempdir().unwrap();
    let engine = engine::start(directory.path()).await;
    let service = QueryService::start(&engine, directory.path(), "durations", [views(&all)]).await;
    let recent: Vec<Run> = all.iter().copied().filter(|run| run.configuration < 2).collect();
    let only: Vec<Run> = all.iter().copied().filter(|run| run.configuration == 1).collect();
    for (query, runs) in [("recent=false", &all), ("", &recent), ("version=14.0.1", &only)] {
        for (path, expected) in [
            ("/api/durations/s", model(runs, |run| run.suite)),
            ("/api/durations/s/a/b.html", model(runs, |run| run.test)),
        ] {
            let path = format!("{path}?{query}");
            let mut found = service.json(&path).await;
            assert_eq!(found["step"], STEP, "{path}");
            for row in found["rows"].as_array_mut().unwrap() {
                let configuration = row.as_object_mut().unwrap().remove("configuration").unwrap();
                row["version"] = configuration["version"].clone();
            }
            assert_eq!((&found["parts"], &found["rows"]), (&expected.0, &expected.1), "{path}");
        }
    }
    slowest(&service, &only).await;
    plan(&service, &only).await;
    engine.shutdown().await;
}

/// The median of the newest forty runs.
async fn plan(service: &QueryService, runs: &[Run]) {
    let mut newest = runs.to_vec();
    newest.sort_by_key(|run| -run.at);
    let mut times: Vec<i64> = newest.iter().take(40).filter_map(|run| run.test).collect();
    times.sort_unstable();
    let median = times[(times.len() - 1) / 2];
    let found = service.json("/api/plan/s?version=14.0.1").await;
    assert_eq!(found, json!({ "suite": "s", "tests": { TEST: median } }));
    assert_eq!(service.json("/api/plan/other").await, json!({ "suite": "other", "tests": {} }));
    assert_eq!(service.json("/api/plan/s?branch=next").await["tests"], json!({}));
    assert_eq!(service.get("/api/plan/s?weeks=2").await.0, 400);
}

/// The newest run's tests, each beside the median of the runs before it.
async fn slowest(service: &QueryService, runs: &[Run]) {
    let newest = runs.iter().max_by_key(|run| run.at).unwrap();
    let before = runs.iter().filter(|run| run.at < newest.at).filter_map(|run| run.test).collect();
    let usual = took(before).unwrap();
    let found = service.json("/api/slowest/s?version=14.0.1").await;
    assert_eq!(found["uuid"], newest.committed() * 100);
    let expected =
        newest.test.map(|time| json!({ "test": TEST, "time": time, "usual": usual["p50"], "runs": usual["runs"] }));
    assert_eq!(found["tests"], json!(expected.into_iter().collect::<Vec<_>>()));
    assert!(newest.test.is_some(), "the sample has to say how long the newest took");
    let none = service.json("/api/slowest/s?branch=next").await;
    assert_eq!((&none["uuid"], &none["tests"]), (&Value::Null, &json!([])));
}
