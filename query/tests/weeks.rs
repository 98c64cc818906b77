//! Lists over weeks, of random histories: a test is judged by four weeks, however few are counted, so that no list of a longer
//! time lacks a test of a shorter one, and every list counts the runs of its weeks: those of a plain model.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, unreachable_pub)]

use std::collections::{BTreeMap, BTreeSet};

use proptest::test_runner::TestRunner;
use schema::clock::Clock;
use schema::event::Event;
use serde_json::{Map, Value, json};
use test_support::engine;
use test_support::events::run;
use test_support::query_service::QueryService;
use test_support::rows::{self, EventRows};
use test_support::sample::sample;

/// 2026-11-30 12:00 UTC, a Monday.
const NOW: i64 = 1_796_040_000;
const HOUR: i64 = 3600;
const WEEK: i64 = 7 * 24 * HOUR;
/// A commit every twelve hours, of six weeks.
const STEP: i64 = 12 * HOUR;
const COMMITS: i64 = 6 * 14;
/// Each commit runs twice, with hours between: every week begins between the two runs of one.
const STARTS: [i64; 2] = [-2 * HOUR, 2 * HOUR];
const CONFIGURATIONS: u64 = 2;
/// Tests that pass, so that no run broke as a whole.
const STEADY: usize = 60;
/// Tests of which anything may be.
const RANDOM: usize = 10;
/// It fails too rarely to be called flaky by a single week.
const RARE: &str = "rare.html";
/// It fails twice in a row now, and failed now and then more than two weeks ago: by the last two weeks it is broken.
const OLD: &str = "old.html";

/// A run, and of each test whether it failed, and what it took. A test may be left out.
#[derive(Debug, Clone)]
struct Run {
    configuration: u64,
    commit: i64,
    at: i64,
    did: BTreeMap<String, (bool, u64)>,
}

/// How often a random test fails before a commit and since, of a hundred runs.
#[derive(Debug, Clone, Copy)]
struct Rates {
    change: i64,
    before: u32,
    since: u32,
}

fn rates(runner: &mut TestRunner) -> Rates {
    let rate = |runner: &mut TestRunner| [0, 5, 30, 100][sample(runner, 0..4_usize)];
    Rates { change: sample(runner, 0..COMMITS), before: rate(runner), since: rate(runner) }
}

fn runs(runner: &mut TestRunner) -> Vec<Run> {
    let tests: Vec<Rates> = (0..RANDOM).map(|_| rates(runner)).collect();
    let mut all = Vec::new();
    for age in (0..COMMITS).rev() {
        for configuration in 0..CONFIGURATIONS {
            for start in STARTS {
                let at = NOW - age * STEP + start;
                if at > NOW {
                    continue;
                }
                let mut did = BTreeMap::new();
                for (number, Rates { change, before, since }) in tests.iter().enumerate() {
                    let rate = if age > *change { *before } else { *since };
                    let (roll, is_there) = (sample(runner, 0..100_u32), sample(runner, 0..20_u32) > 0);
                    if is_there {
                        did.insert(format!("{number}.html"), (roll < rate, u64::from(roll) + 1));
                    }
                }
                did.insert(RARE.to_owned(), (age % 15 == 5, 40));
                did.insert(OLD.to_owned(), (age == 2 || age == 3 || age > 30 && age % 6 == 0, 50));
                all.push(Run { configuration, commit: NOW - age * STEP + STARTS[0] - 600, at, did });
            }
        }
    }
    all
}

impl Run {
    fn event(&self) -> Event {
        let commit = json!({
            "repository_id": "webkit", "branch": "main", "timestamp": self.commit, "order": 0,
            "hash": format!("{:040x}", self.commit),
        });
        let configuration = json!({
            "platform": "mac", "version": 14_000_000 + self.configuration, "is_simulator": false, "architecture": "arm64",
        });
        let mut results: Map<String, Value> = (0..STEADY).map(|number| (format!("ok-{number}"), json!({}))).collect();
        for (test, (has_failed, time)) in &self.did {
            let mut leaf = json!({ "actual": if *has_failed { "TEXT" } else { "PASS" }, "time": time });
            if test == OLD {
                leaf["owners"] = json!(["@old"]);
            }
            results.insert(test.clone(), leaf);
        }
        run("s", configuration, &commit, self.at, &results.into())
    }
}

/// Runs of a test that started within so many weeks, and those that failed.
fn counts(runs: &[Run], test: &str, weeks: i64) -> (u64, u64) {
    let asked = runs.iter().filter(|run| run.at >= NOW - weeks * WEEK).filter_map(|run| run.did.get(test));
    asked.fold((0, 0), |(runs, failed), (has_failed, _)| (runs + 1, failed + u64::from(*has_failed)))
}

fn number(row: &Value, member: &str) -> u64 {
    row[member].as_u64().unwrap()
}

/// The rows of a list by their tests.
fn by_test(rows: &Value) -> BTreeMap<String, Value> {
    rows.as_array().unwrap().iter().map(|row| (row["test"].as_str().unwrap().to_owned(), row.clone())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_of_all_weeks_agree() {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine::start(folder.path()).await;
    let mut runner = TestRunner::deterministic();
    let mut listed = 0;
    for round in 0..2 {
        let runs = runs(&mut runner);
        let rows = || rows::of(runs.iter().map(Run::event));
        let start = async |kind: &str, rows: EventRows| {
            let clock = Clock::standing_at(NOW as u64);
            QueryService::start_at(&engine, folder.path(), &format!("{kind}_{round}"), [rows], clock).await
        };
        let service = start("whole", rows()).await;
        listed += longer_times_list_no_fewer_tests(&service, &runs).await;
        let by_results = start("single", rows::without_outcomes(rows())).await;
        for weeks in 1..=6 {
            for list in ["flaky?", "costs?", "costs?by=week&", "trends?", "verdicts/quality?"] {
                let path = format!("/api/{list}suite=s&weeks={weeks}");
                // Owners come with the lists of tests, which an earlier version did not store.
                let whole = service.text(&path).await.replace("[\"@old\"]", "[]");
                assert_eq!(whole, by_results.text(&path).await, "{path}");
            }
        }
        what_was_before_is_no_failure_that_began(&service).await;
        a_change_is_the_same_in_every_time(&service).await;
        if round == 0 {
            pages_say_what_is_counted(&service).await;
        }
    }
    assert!(listed > 20, "{listed} tests are listed");
    engine.shutdown().await;
}

/// How many tests are listed in all.
async fn longer_times_list_no_fewer_tests(service: &QueryService, runs: &[Run]) -> usize {
    let (mut before, mut listed) = (BTreeMap::new(), 0);
    for weeks in 1..=6 {
        let found = by_test(&service.json(&format!("/api/flaky?suite=s&weeks={weeks}&limit=1000")).await["tests"]);
        for (test, row) in &found {
            assert_eq!(
                (number(row, "runs"), number(row, "unexpected")),
                counts(runs, test, weeks),
                "{test} in {weeks}"
            );
            let (spoilt, flaky_runs) = (number(row, "spoilt"), number(row, "flaky_runs"));
            assert!(0 < spoilt && spoilt <= number(row, "unexpected") && flaky_runs <= number(row, "runs"), "{row:#}");
            let rate = spoilt as f64 / flaky_runs as f64;
            let [found, lower, upper] = ["rate", "lower", "upper"].map(|member| row[member].as_f64().unwrap());
            assert!((found - rate).abs() < 1e-9 && lower <= rate && rate <= upper, "{row:#}");
        }
        lists_of_one_time_agree(service, runs, weeks, &found).await;
        let lacking: Vec<&String> = before.keys().filter(|test| !found.contains_key(*test)).collect();
        assert!(weeks > 4 || lacking.is_empty(), "{lacking:?} are flaky in fewer weeks than {weeks}");
        if weeks <= 4 {
            let is_less = |(test, row): (&String, &Value)| number(row, "spoilt") <= number(&found[test], "spoilt");
            assert!(before.iter().all(is_less), "{weeks} weeks");
        }
        assert!(found.contains_key(RARE), "{weeks} weeks");
        listed += found.len();
        before = found;
    }
    let rare = &by_test(&service.json("/api/flaky?suite=s&weeks=1").await["tests"])[RARE];
    assert_eq!((number(rare, "spoilt"), number(rare, "flips"), number(rare, "configurations")), (4, 4, 2), "{rare:#}");
    assert_eq!((number(rare, "flaky_runs"), &rare["is_flaky_now"]), (number(rare, "runs"), &json!(true)));
    listed
}

/// Costs and trends count what the list of flaky tests counts.
async fn lists_of_one_time_agree(service: &QueryService, runs: &[Run], weeks: i64, flaky: &BTreeMap<String, Value>) {
    let costs = by_test(&service.json(&format!("/api/costs?suite=s&weeks={weeks}&limit=1000")).await["costs"]);
    let spoilt = |rows: &BTreeMap<String, Value>| -> BTreeMap<String, (u64, u64)> {
        rows.iter().map(|(test, row)| (test.clone(), (number(row, "spoilt"), number(row, "time_lost")))).collect()
    };
    assert_eq!(spoilt(&costs), spoilt(flaky), "{weeks} weeks");
    // Each costs a question about every test.
    let tests: BTreeSet<&String> = runs.iter().filter(|_| weeks % 2 == 1).flat_map(|run| run.did.keys()).collect();
    for test in tests {
        let trends = service.json(&format!("/api/trends?suite=s&test={test}&weeks={weeks}")).await;
        let parts = trends["by_week"].as_array().unwrap();
        let sums = ["results", "unexpected", "spoilt"]
            .map(|member| parts.iter().map(|part| number(part, member)).sum::<u64>());
        let (runs, failed) = counts(runs, test, weeks);
        let spoilt = flaky.get(test).map_or(0, |row| number(row, "spoilt"));
        assert_eq!(sums, [runs, failed, spoilt], "{test} in {weeks} weeks");
    }
}

/// What fails now, and failed now and then weeks before, is flaky, however few weeks are asked about.
async fn what_was_before_is_no_failure_that_began(service: &QueryService) {
    for weeks in 1..=4 {
        let flaky = by_test(&service.json(&format!("/api/flaky?suite=s&weeks={weeks}&limit=1000")).await["tests"]);
        assert!(number(&flaky[OLD], "spoilt") >= 8, "{weeks} weeks: {flaky:#?}");
        let quality = service.json(&format!("/api/verdicts/quality?suite=s&weeks={weeks}&owner=@old")).await;
        assert_eq!(quality["total"]["began"], 0, "{weeks} weeks: {quality:#}");
    }
}

/// A shorter time has fewer changes, and no other ones.
async fn a_change_is_the_same_in_every_time(service: &QueryService) {
    let mut longest: BTreeMap<String, Value> = BTreeMap::new();
    for weeks in (1..=4).rev() {
        let path = format!("/api/changes/s?weeks={weeks}&limit=1000");
        let found = service.json(&path).await["changes"].as_array().unwrap().clone();
        let by_id = found.into_iter().map(|change| (change["id"].as_str().unwrap().to_owned(), change));
        if weeks == 4 {
            longest = by_id.collect();
            assert!(!longest.is_empty());
            continue;
        }
        for (id, change) in by_id {
            assert_eq!(Some(&change), longest.get(&id), "{path}");
        }
    }
}

async fn pages_say_what_is_counted(service: &QueryService) {
    let page = service.text("/flaky?suite=s&weeks=1").await;
    let rare = page.split("<tr").find(|row| row.contains(RARE)).unwrap();
    assert!(page.contains("started within 1 week; whether a test is flaky is judged by four"), "{page}");
    assert!(rare.contains("data-label=\"Runs while flaky\">4 of 56<"), "{rare}");
    let page = service.text("/flaky?suite=s&weeks=4").await;
    assert!(page.contains("started within 4 weeks. Share") && !page.contains("judged by four"), "{page}");
}
