//! Triage against a plain model: what each test did, commit by commit, as a text for each configuration.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, unreachable_pub)]

use std::collections::{BTreeMap, BTreeSet};

use answers::triage::MAX_CANDIDATES;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use schema::event::Event;
use serde_json::{Map, Value, json};
use test_support::clock::now;
use test_support::engine;
use test_support::events::run;
use test_support::query_service::QueryService;
use test_support::rows::EventRows;
use test_support::sample::sample;

const CONFIGURATIONS: usize = 3;
const TESTS: usize = 60;
/// Two commits a day.
const COMMITS: usize = 20;
const STEP: i64 = 43_200;
const DAYS: i64 = 3;
/// A configuration that stopped more than a week ago, with everything failing.
const SILENT: usize = 9;

/// Oldest first: P where it passed, F where it failed, - where it did not run.
type Did = Vec<String>;

fn did(runner: &mut TestRunner) -> Did {
    let pass = "P".repeat(COMMITS);
    let from = |index: usize| format!("{}{}", "P".repeat(index), "F".repeat(COMMITS - index));
    let until = |index: usize| format!("{}{}", "F".repeat(index), "P".repeat(COMMITS - index));
    let gone = |index: usize| format!("{}{}", "F".repeat(index), "-".repeat(COMMITS - index));
    let skipped = |index: usize| until(index).replacen('P', "-", 2);
    let shape = prop_oneof![
        8 => Just(pass),
        2 => (0..COMMITS).prop_map(from),
        2 => (3..COMMITS).prop_map(until),
        1 => Just(gone(COMMITS / 2)),
        1 => Just(gone(COMMITS - 1)),
        1 => (3..COMMITS - 2).prop_map(skipped),
        2 => (3..COMMITS - 8).prop_map(|index| format!("{}PPPPP{}", "F".repeat(index), "F".repeat(COMMITS - 5 - index))),
        1 => Just("PF".repeat(COMMITS / 2)),
        1 => Just("FP".repeat(COMMITS / 2)),
    ];
    (0..CONFIGURATIONS).map(|_| sample(runner, shape.clone())).collect()
}

/// What a configuration says of a test; `since` is the first commit that is new.
fn standing(did: &str, since: usize) -> &'static str {
    let flips = did.as_bytes().windows(2).filter(|pair| pair[0] != pair[1]).count();
    let gaps = did.len() - did.trim_end_matches('-').len();
    let ran = did.trim_end_matches('-');
    match () {
        () if !did.contains('F') => "passing",
        () if flips > 3 => "flaky",
        // Half of the commits without a test that ran on every one before are no chance; one is.
        () if gaps > COMMITS / 4 => "removed",
        () if ran.ends_with('F') => {
            let first = ran.trim_end_matches('F').len();
            // Nothing is known to be new where nothing is known of before.
            if first >= since && first > 0 { "new" } else { "still" }
        }
        () => {
            let first = ran.trim_end_matches('P').len();
            if first >= since { "fixed" } else { "passing" }
        }
    }
}

/// The group of a test and the configurations that put it there.
fn expected(test: &Did, since: usize) -> (&'static str, BTreeSet<usize>) {
    let standings: Vec<&str> = test.iter().map(|did| standing(did, since)).collect();
    let those = |names: &[&str]| -> BTreeSet<usize> {
        (0..CONFIGURATIONS).filter(|index| names.contains(&standings[*index])).collect()
    };
    let failing = those(&["new", "still"]);
    if !failing.is_empty() {
        return (if standings.contains(&"new") { "new" } else { "still" }, failing);
    }
    match ["flaky", "fixed", "removed"].into_iter().find(|group| standings.contains(group)) {
        Some(first) => (first, those(&[first])),
        None => ("notrun", [SILENT].into()),
    }
}

/// How often a failing test failed before and was fixed, where it did so most often.
fn came_back(test: &Did, affected: &BTreeSet<usize>) -> usize {
    let rows = |did: &str| did.split('P').filter(|row| row.len() >= 2).count().saturating_sub(1);
    affected.iter().map(|index| rows(&test[*index])).max().unwrap_or(0)
}

fn configuration(index: usize) -> Value {
    json!({ "platform": "mac", "version": 14_000_000 + index, "is_simulator": false, "architecture": "arm64" })
}

fn results(commit: usize, index: usize, tests: &[Did]) -> Value {
    let leaf = |failed: bool| json!({ "actual": if failed { "TEXT" } else { "PASS" } });
    let ran = tests.iter().enumerate().filter(|(_, test)| test[index].as_bytes()[commit] != b'-');
    let mut found: Map<String, Value> =
        ran.map(|(number, test)| (format!("{number}.html"), leaf(test[index].as_bytes()[commit] == b'F'))).collect();
    // So many pass that no run counts as broken as a whole.
    found.extend((0..3 * TESTS).map(|number| (format!("steady-{number}.html"), leaf(false))));
    found.into()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_test_is_in_the_group_that_its_runs_put_it_in() {
    let mut runner = TestRunner::deterministic();
    let tests: Vec<Did> = (0..TESTS).map(|_| did(&mut runner)).collect();
    let newest = now() - 3600;
    let time = |commit: usize| newest - (COMMITS - 1 - commit) as i64 * STEP;
    let commit = |commit: usize| {
        let time = time(commit);
        json!({ "repository_id": "webkit", "branch": "main", "timestamp": time, "order": 0, "hash": format!("{time:040x}") })
    };
    let mut views = EventRows::default();
    let mut offset = 0;
    let mut add = |event| {
        offset += 1;
        views.add(event, offset);
    };
    let everything_failed = vec![vec!["F".repeat(COMMITS); CONFIGURATIONS]; TESTS];
    for index in 0..CONFIGURATIONS {
        for at in 0..COMMITS {
            // An upload that a later one takes back, failures and all.
            add(run("s", configuration(index), &commit(at), time(at), &results(at, index, &everything_failed)));
            add(run("s", configuration(index), &commit(at), time(at), &results(at, index, &tests)));
        }
        // A run that broke as a whole says nothing about its tests, once a sound one came after it.
        add(run("s", configuration(index), &commit(3), time(3) + 60, &results(3, index, &everything_failed)));
    }
    for at in 0..3 {
        add(run("s", configuration(SILENT), &commit(at), time(at), &results(at, 0, &everything_failed)));
    }
    add(many_failures(configuration(0), &commit(COMMITS - 1), time(COMMITS - 1)));
    let directory = tempfile::tempdir().unwrap();
    let engine = engine::start(directory.path()).await;
    let service = QueryService::start(&engine, directory.path(), "triage", [views]).await;
    what_is_not_looked_at_is_told(&service).await;
    let (status, body) = service.get(&format!("/api/triage?suite=s&days={DAYS}&limit=1000")).await;
    assert_eq!(status, 200, "{}", String::from_utf8_lossy(&body));
    let answer: Value = serde_json::from_slice(&body).unwrap();

    let since = (0..COMMITS).find(|at| time(*at) >= now() - DAYS * 86_400).unwrap();
    let version = |one: &Value| (one["version"].as_u64().unwrap() - 14_000_000) as usize;
    let shown = |test: &Value| {
        let configurations = test["configurations"].as_array().unwrap().iter().map(version).collect::<BTreeSet<_>>();
        (test["test"].as_str().unwrap().to_owned(), (test["group"].as_str().unwrap().to_owned(), configurations))
    };
    let found: BTreeMap<_, _> = answer["tests"].as_array().unwrap().iter().map(shown).collect();
    let model: BTreeMap<_, _> = tests
        .iter()
        .enumerate()
        .map(|(number, test)| {
            let (group, affected) = expected(test, since);
            (format!("{number}.html"), (group.to_owned(), affected))
        })
        .collect();
    for (number, test) in tests.iter().enumerate() {
        let name = format!("{number}.html");
        assert_eq!(found.get(&name), model.get(&name), "{name}: {test:#?}");
    }
    assert_eq!(found.len(), model.len());
    let (mut again, mut believed) = (0, 0);
    for test in answer["tests"].as_array().unwrap() {
        let name = test["test"].as_str().unwrap();
        let number: usize = name.trim_end_matches(".html").parse().unwrap();
        let ((group, affected), aftermath) = (&model[name], &test["aftermath"]);
        let times = if matches!(group.as_str(), "new" | "still") { came_back(&tests[number], affected) } else { 0 };
        assert_eq!(aftermath["earlier"].as_array().unwrap().len(), times, "{name}: {:#?}", tests[number]);
        again += times;
        assert_eq!(aftermath["fix"].is_object(), matches!(group.as_str(), "fixed" | "flaky"), "{name}");
        if group == "fixed" {
            let told = aftermath["fix"]["passes"].as_u64().unwrap() as usize;
            let passes = |index: &usize| COMMITS - tests[number][*index].trim_end_matches('P').len();
            assert!(affected.iter().any(|index| passes(index) == told), "{name}: {told} {:#?}", tests[number]);
            believed += 1;
        }
    }
    assert!(again > 2 && believed > 2, "{again} {believed}");
    for group in ["new", "still", "fixed", "flaky", "removed", "notrun"] {
        let count = model.values().filter(|(of, _)| of == group).count();
        assert!(count > 0 && answer["counts"][group] == count, "{group}: {count}, {}", answer["counts"]);
    }
    engine.shutdown().await;
}

/// A run with one more failing test than are looked at.
fn many_failures(configuration: Value, commit: &Value, start: i64) -> Event {
    let failing = MAX_CANDIDATES + 1;
    let results: Map<String, Value> = (0..failing + 2000)
        .map(|number| (format!("{number}.html"), json!({ "actual": if number < failing { "TEXT" } else { "PASS" } })))
        .collect();
    run("many", configuration, commit, start, &results.into())
}

async fn what_is_not_looked_at_is_told(service: &QueryService) {
    let told = format!("More than {MAX_CANDIDATES} tests failed in the last weeks");
    for (suite, is_cut) in [("s", false), ("many", true)] {
        assert_eq!(service.json(&format!("/api/triage?suite={suite}")).await["is_cut"], is_cut, "{suite}");
        assert_eq!(service.text(&format!("/triage?suite={suite}")).await.contains(&told), is_cut, "{suite}");
    }
    assert_eq!(service.json("/api/triage?suite=many").await["counts"]["still"], MAX_CANDIDATES);
}
