//! Triage against a plain model: what each test did, commit by commit, as a text for each configuration.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, unreachable_pub)]

mod support;

use std::collections::{BTreeMap, BTreeSet};

use processor::rows::EventRows;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::{Map, Value, json};
use support::{Service, engine, now, run, sample};

const CONFIGURATIONS: usize = 3;
const TESTS: usize = 60;
/// Two commits a day.
const COMMITS: usize = 20;
const STEP: i64 = 43_200;
const DAYS: i64 = 3;

/// Oldest first: P where it passed, F where it failed, - where it did not run.
type Did = Vec<String>;

fn did(runner: &mut TestRunner) -> Did {
    let pass = "P".repeat(COMMITS);
    let from = |index: usize| format!("{}{}", "P".repeat(index), "F".repeat(COMMITS - index));
    let until = |index: usize| format!("{}{}", "F".repeat(index), "P".repeat(COMMITS - index));
    let removed = |index: usize| until(index).replace('P', "-");
    let skipped = |index: usize| until(index).replacen('P', "-", 2);
    let shape = prop_oneof![
        4 => Just(pass),
        2 => (0..COMMITS).prop_map(from),
        2 => (1..COMMITS).prop_map(until),
        1 => (1..COMMITS).prop_map(removed),
        1 => (1..COMMITS).prop_map(skipped),
        1 => proptest::collection::vec(prop::bool::weighted(0.2), COMMITS)
            .prop_map(|failed| failed.iter().map(|failed| if *failed { 'F' } else { 'P' }).collect()),
    ];
    (0..CONFIGURATIONS).map(|_| sample(runner, shape.clone())).collect()
}

/// The group of a test and the configurations that put it there.
fn expected(test: &Did, since: usize) -> Option<(&'static str, BTreeSet<usize>)> {
    // Where it did not run it did not fail.
    let all = test;
    let test: Did = all.iter().map(|did| did.replace('-', "P")).collect();
    let flips = |did: &str| did.as_bytes().windows(2).filter(|pair| pair[0] != pair[1]).count();
    let is_flaky = |index: &usize| flips(&test[*index]) >= 3;
    let flaky: BTreeSet<usize> = (0..CONFIGURATIONS).filter(is_flaky).collect();
    let failing: BTreeSet<usize> =
        (0..CONFIGURATIONS).filter(|index| !is_flaky(index) && test[*index].ends_with('F')).collect();
    if failing.len() > flaky.len() {
        let first = failing.iter().map(|index| test[*index].trim_end_matches('F').len()).min()?;
        return Some((if first >= since && first > 0 { "new" } else { "still" }, failing));
    }
    if !flaky.is_empty() {
        return Some(("flaky", flaky));
    }
    let is_fixed = |index: &usize| {
        let failed = test[*index].trim_end_matches('P');
        failed.ends_with("FF") && all[*index][failed.len()..].contains('P') && failed.len() >= since
    };
    let fixed: BTreeSet<usize> = (0..CONFIGURATIONS).filter(is_fixed).collect();
    (!fixed.is_empty()).then_some(("fixed", fixed))
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
    let alone: Value = json!({ "0.html": { "actual": "CRASH" } });
    for index in 0..CONFIGURATIONS {
        for at in 0..COMMITS {
            // An upload that a later one takes back, failures and all.
            add(run("s", configuration(index), &commit(at), time(at), &results(at, index, &everything_failed)));
            add(run("s", configuration(index), &commit(at), time(at), &results(at, index, &tests)));
        }
        // A run that broke as a whole says nothing about its tests.
        add(run("s", configuration(index), &commit(COMMITS - 1), newest + 60, &alone));
    }
    // A configuration that stopped more than a week ago, with everything failing.
    for at in 0..3 {
        add(run("s", configuration(9), &commit(at), time(at), &results(at, 0, &everything_failed)));
    }
    let directory = tempfile::tempdir().unwrap();
    let engine = engine(directory.path()).await;
    let service = Service::start(&engine, directory.path(), "triage", std::iter::once(views)).await;
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
        .filter_map(|(number, test)| {
            let (group, affected) = expected(test, since)?;
            Some((format!("{number}.html"), (group.to_owned(), affected)))
        })
        .collect();
    for (number, test) in tests.iter().enumerate() {
        let name = format!("{number}.html");
        assert_eq!(found.get(&name), model.get(&name), "{name}: {test:#?}");
    }
    assert_eq!(found.len(), model.len());
    for group in ["new", "still", "fixed", "flaky"] {
        let count = model.values().filter(|(of, _)| of == group).count();
        assert!(count > 0 && answer["counts"][group] == count, "{group}: {count}, {}", answer["counts"]);
    }
    engine.shutdown().await;
}
