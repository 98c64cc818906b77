//! Comparisons of two populations of runs against a plain model: every run in a list, counted test by test.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, unreachable_pub)]

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::{Map, Value, json};
use test_support::clock::now;
use test_support::engine;
use test_support::events::run;
use test_support::query_service::QueryService;
use test_support::rows::EventRows;
use test_support::sample::sample;

const TESTS: usize = 12;
/// Commits of the default branch, two a day, and how many of the newest also ran on another branch.
const COMMITS: i64 = 70;
const ON_BRANCH: i64 = 20;
const STEP: i64 = 43_200;

#[derive(Debug)]
struct Run {
    branch: &'static str,
    configuration: u64,
    time: i64,
    start: i64,
    /// What each test did and was expected to do.
    tests: BTreeMap<String, (&'static str, &'static str)>,
}

fn name(number: usize) -> String {
    format!("{number}.html")
}

/// Tests fail the more often the larger their number is, some only on the branch, and a few commits are retried.
fn runs(runner: &mut TestRunner) -> Vec<Run> {
    let mut runs = Vec::new();
    let newest = now() - 3600;
    for age in 0..COMMITS {
        let branches: &[&'static str] = if age < ON_BRANCH { &["main", "eng/work"] } else { &["main"] };
        for branch in branches {
            for configuration in 0..2 {
                for retry in 0..sample(runner, prop_oneof![3 => 1i64..2, 1 => 2i64..3]) {
                    let mut tests: BTreeMap<String, (&str, &str)> =
                        (TESTS..5 * TESTS).map(|number| (name(number), ("PASS", "PASS"))).collect();
                    for number in 0..TESTS {
                        let is_worse = *branch != "main" && number % 3 == 0 || age < 14 && number % 4 == 1;
                        let share = (number as f64 / 60.0 + if is_worse { 0.5 } else { 0.0 }).min(0.9);
                        let did = prop_oneof![
                            2 => Just(None),
                            (10.0 * (1.0 - share)) as u32 + 1 => Just(Some(("PASS", "PASS"))),
                            (10.0 * share) as u32 + 1 => Just(Some(("TEXT", "PASS"))),
                            1 => Just(Some(("TEXT PASS", "PASS"))),
                            1 => Just(Some(("TEXT", "FAIL"))),
                        ];
                        if let Some(did) = sample(runner, did) {
                            tests.insert(name(number), did);
                        }
                    }
                    let time = newest - age * STEP;
                    runs.push(Run { branch, configuration, time, start: time + 60 * (retry + 1), tests });
                }
            }
        }
    }
    runs
}

/// Places of each test where it failed only, and the others.
type Counts = BTreeMap<String, (u64, u64)>;

fn counts(runs: &[&Run], unexpected: bool) -> Counts {
    let mut places: BTreeMap<(String, u64, i64), (bool, bool)> = BTreeMap::new();
    for run in runs {
        for (test, (actual, expected)) in &run.tests {
            let (failed, passed) = places.entry((test.clone(), run.configuration, run.time)).or_default();
            for word in actual.split(' ') {
                let fails = word == "TEXT" && !(unexpected && *expected == "FAIL");
                *(if fails { &mut *failed } else { &mut *passed }) = true;
            }
        }
    }
    let mut counts = Counts::new();
    for ((test, ..), (failed, passed)) in places {
        let (bad, good) = counts.entry(test).or_default();
        *(if failed && !passed { bad } else { good }) += 1;
    }
    counts
}

/// The chance of so many failures or more in a sample, by plain counting of ways.
fn chance((fail, pass): (u64, u64), (base_fail, base_pass): (u64, u64)) -> f64 {
    let choose = |whole: u64, part: u64| (0..part).map(|n| (whole - n) as f64 / (part - n) as f64).product::<f64>();
    let (sample, base, failures) = (fail + pass, base_fail + base_pass, fail + base_fail);
    if sample == 0 || base == 0 {
        return 1.0;
    }
    let ways = |inside: u64| choose(sample, inside) * choose(base, failures - inside);
    let possible = (fail..=failures.min(sample)).filter(|inside| failures - inside <= base);
    possible.map(ways).sum::<f64>() / choose(sample + base, failures)
}

/// The level of each test that failed in the sample.
fn levels(
    sample: &Counts,
    base: &Counts,
    failed: &BTreeSet<String>,
    compared: usize,
) -> BTreeMap<String, &'static str> {
    let of = |counts: &Counts, test: &String| counts.get(test).copied().unwrap_or_default();
    let mut chances: Vec<(f64, &String)> =
        failed.iter().map(|test| (chance(of(sample, test), of(base, test)), test)).collect();
    chances.sort_by(|one, other| one.0.total_cmp(&other.0));
    let share = |(fail, pass): (u64, u64)| pass as f64 / (fail + pass) as f64;
    let mut levels = BTreeMap::new();
    for (rank, (_, test)) in chances.iter().enumerate() {
        let later = chances[rank..].iter().enumerate();
        let adjusted = later.map(|(more, (chance, _))| chance * compared as f64 / (rank + more + 1) as f64);
        let adjusted = adjusted.fold(1.0, f64::min);
        let (sample, base) = (of(sample, test), of(base, test));
        let is_alone = base == (0, 0);
        let drop = share(base) - share(sample);
        let level = match () {
            () if is_alone && (sample.0 + sample.1 < 6 || share(sample) >= 0.95) => "none",
            () if is_alone => {
                if share(sample) < 0.9 {
                    "extreme"
                } else {
                    "significant"
                }
            }
            () if sample.0 < 3 || adjusted >= 0.05 || drop <= 0.05 => "none",
            () => {
                if drop > 0.15 {
                    "extreme"
                } else {
                    "significant"
                }
            }
        };
        levels.insert((*test).clone(), level);
    }
    levels
}

/// One question and the runs that it means.
struct Question {
    query: &'static str,
    sample: fn(&Run, i64) -> bool,
    base: fn(&Run, i64) -> bool,
}

fn weeks(run: &Run, now: i64, weeks: i64, ago: i64) -> bool {
    let week = 7 * 86_400;
    run.time <= now - ago * week && run.time > now - (ago + weeks) * week
}

const QUESTIONS: [Question; 5] = [
    Question {
        query: "",
        sample: |run, now| run.branch == "main" && weeks(run, now, 1, 0),
        base: |run, now| run.branch == "main" && weeks(run, now, 4, 1),
    },
    Question {
        query: "branch=eng/work&base_branch=main&weeks=2",
        sample: |run, now| run.branch == "eng/work" && weeks(run, now, 2, 0),
        base: |run, now| run.branch == "main" && weeks(run, now, 4, 0),
    },
    Question {
        query: "version=14.0.1&base_version=14.0.0&weeks=3&base_weeks=3&ago=1",
        sample: |run, now| run.branch == "main" && run.configuration == 1 && weeks(run, now, 3, 1),
        base: |run, now| run.branch == "main" && run.configuration == 0 && weeks(run, now, 3, 1),
    },
    Question {
        query: "weeks=2&base_weeks=1&base_ago=3&unexpected=false",
        sample: |run, now| run.branch == "main" && weeks(run, now, 2, 0),
        base: |run, now| run.branch == "main" && weeks(run, now, 1, 3),
    },
    Question {
        query: "weeks=2&base_ago=20",
        sample: |run, now| run.branch == "main" && weeks(run, now, 2, 0),
        base: |_, _| false,
    },
];

#[tokio::test(flavor = "multi_thread")]
async fn a_regression_is_what_the_counts_of_both_populations_say() {
    let mut runner = TestRunner::deterministic();
    let runs = runs(&mut runner);
    let mut views = EventRows::default();
    let results = |run: &Run| -> Value {
        let leaf = |(test, (actual, expected)): (&String, &(&str, &str))| {
            (test.clone(), json!({ "actual": actual, "expected": expected }))
        };
        run.tests.iter().map(leaf).collect::<Map<_, _>>().into()
    };
    for (number, of) in runs.iter().enumerate() {
        let on = json!({ "platform": "mac", "version": 14_000_000 + of.configuration, "is_simulator": false, "architecture": "arm64" });
        let commit = json!({ "repository_id": "webkit", "branch": of.branch, "timestamp": of.time, "order": 0, "hash": format!("{:040x}", of.time) });
        views.add(run("s", on.clone(), &commit, of.start, &results(of)), number as u64 + 1);
        // A run that broke as a whole says nothing about its tests.
        if number % 9 == 0 {
            let crashed: Map<String, Value> =
                (0..TESTS).map(|number| (name(number), json!({ "actual": "CRASH" }))).collect();
            views.add(run("s", on, &commit, of.start + 1, &crashed.into()), 10_000 + number as u64);
        }
    }
    let directory = tempfile::tempdir().unwrap();
    let engine = engine::start(directory.path()).await;
    let service = QueryService::start(&engine, directory.path(), "populations", [views]).await;
    let mut seen = BTreeSet::new();
    for question in QUESTIONS {
        let path = format!("/api/compare/populations/s?{}", question.query);
        let (status, body) = service.get(&path).await;
        assert_eq!(status, 200, "{path}: {}", String::from_utf8_lossy(&body));
        let answer: Value = serde_json::from_slice(&body).unwrap();
        let unexpected = !question.query.contains("unexpected=false");
        let of = |is_in: fn(&Run, i64) -> bool| runs.iter().filter(|run| is_in(run, now())).collect::<Vec<_>>();
        let (in_sample, in_base) = (of(question.sample), of(question.base));
        assert_eq!(
            (&answer["sample"]["runs"], &answer["base"]["runs"]),
            (&json!(in_sample.len()), &json!(in_base.len())),
            "{path}"
        );
        let (sample, base) = (counts(&in_sample, unexpected), counts(&in_base, unexpected));
        let fails = |(actual, expected): &(&str, &str)| actual.contains("TEXT") && !(unexpected && *expected == "FAIL");
        let failed = in_sample
            .iter()
            .flat_map(|run| run.tests.iter().filter(|(_, did)| fails(did)).map(|(test, _)| test.clone()));
        let failed: BTreeSet<String> = failed.collect();
        assert_eq!(answer["compared"], 5 * TESTS, "{path}");
        let expected = levels(&sample, &base, &failed, 5 * TESTS);
        let number = |test: &Value, name: &str| test[name].as_u64().unwrap();
        let mut found = BTreeMap::new();
        for test in answer["tests"].as_array().unwrap() {
            let name = test["test"].as_str().unwrap().to_owned();
            let counted = (
                (number(test, "sample_failed"), number(test, "sample_passed")),
                (number(test, "base_failed"), number(test, "base_passed")),
            );
            let of = |counts: &Counts| counts.get(&name).copied().unwrap_or_default();
            assert_eq!(counted, (of(&sample), of(&base)), "{path} {name}");
            let difference = test["chance"].as_f64().unwrap() - chance(counted.0, counted.1);
            assert!(difference.abs() < 1e-9, "{path} {name}");
            found.insert(name, test["regression"].as_str().unwrap().to_owned());
        }
        seen.extend(found.values().cloned());
        assert_eq!(found, expected.into_iter().map(|(test, level)| (test, level.to_owned())).collect(), "{path}");
        let count = |level: &str| found.values().filter(|of| *of == level).count();
        assert_eq!(
            (&answer["extreme"], &answer["significant"]),
            (&json!(count("extreme")), &json!(count("significant")))
        );
    }
    assert!(seen.contains("extreme") && seen.contains("none"), "{seen:?}");
    for wrong in
        ["branch=main&base_branch=master&base_ago=0&base_weeks=1", "weeks=1&base_weeks=1&base_ago=0", "weeks=40&ago=20"]
    {
        let (status, body) = service.get(&format!("/api/compare/populations/s?{wrong}")).await;
        assert_eq!(status, 400, "{wrong}: {}", String::from_utf8_lossy(&body));
    }
    let (status, body) = service.get("/compare/populations?suite=s&weeks=1&base_weeks=4").await;
    assert_eq!(status, 200);
    assert!(String::from_utf8(body).unwrap().contains("fail far more often"));
    engine.shutdown().await;
}
