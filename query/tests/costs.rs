//! What flaky tests cost, against a plain model: every run in a list, and what each test did and took in it.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, unreachable_pub)]

use std::collections::{BTreeMap, BTreeSet};

use axum::http::StatusCode;
use schema::seconds::monday;
use serde_json::{Map, Value, json};
use test_support::clock::now;
use test_support::engine;
use test_support::events::run;
use test_support::query_service::QueryService;
use test_support::rows;

const DAY: i64 = 86_400;
/// Three runs a day.
const STEP: i64 = DAY / 3;
const HOSTILE: &str = "<img src=x onerror=alert(1)>\"'.html";
/// Tests, their owners, and what they do run after run: P passed, F failed, R failed and passed on a retry.
const TESTS: [(&str, &[&str], &str); 5] = [
    ("a.html", &["@x", "@y"], "PFPR"),
    ("b.html", &["@x"], "PFF"),
    (HOSTILE, &[], "FPP"),
    ("broken.html", &["@x"], "F"),
    ("steady.html", &["@y"], "P"),
];
/// Tests that pass, so that no run broke as a whole.
const OTHERS: usize = 20;

/// A run, and what each of [`TESTS`] did and took in it.
struct Run {
    configuration: u64,
    at: i64,
    did: Vec<(char, u64)>,
}

fn runs() -> Vec<Run> {
    let now = now();
    let mut all = Vec::new();
    for age in (0..3 * 7 * 3).rev() {
        for configuration in 0..2 {
            let number = (age as usize) + configuration as usize;
            let of_test = |(_, _, does): &(&str, &[&str], &str)| {
                let letter = does.as_bytes()[number % does.len()] as char;
                (letter, 100 + number as u64 * 7 % 90)
            };
            let did = TESTS.iter().map(of_test).collect();
            all.push(Run { configuration, at: now - 1800 - age * STEP, did });
        }
    }
    all
}

impl Run {
    fn event(&self) -> schema::event::Event {
        let committed = self.at - 600;
        let commit = json!({
            "repository_id": "webkit", "branch": "main", "timestamp": committed, "order": 0,
            "hash": format!("{committed:040x}"),
        });
        let configuration = json!({
            "platform": "mac", "version": 14_000_000 + self.configuration, "is_simulator": false, "architecture": "arm64",
        });
        let mut results: Map<String, Value> = (0..OTHERS).map(|number| (format!("ok-{number}"), json!({}))).collect();
        for ((name, owners, _), (letter, time)) in TESTS.iter().zip(&self.did) {
            let mut leaf = match letter {
                'P' => json!({ "actual": "PASS", "time": time }),
                'F' => json!({ "actual": "TEXT", "time": time }),
                _ => json!({
                    "actual": "TEXT PASS", "time": time,
                    "attempts": [{ "state": "TEXT", "time": 1000 }, { "state": "PASS", "time": time }],
                }),
            };
            if !owners.is_empty() {
                leaf["owners"] = json!(owners);
            }
            results.insert((*name).to_owned(), leaf);
        }
        run("s", configuration, &commit, self.at, &results.into())
    }
}

/// Tests, runs and milliseconds.
#[derive(Debug, Default, PartialEq, Eq)]
struct Sum {
    tests: BTreeSet<String>,
    runs: BTreeSet<(u64, i64)>,
    time: u64,
}

impl Sum {
    fn counts(&self) -> (u64, u64, u64) {
        (self.tests.len() as u64, self.runs.len() as u64, self.time)
    }
}

/// What the flaky tests cost in the runs since a time, by test, owner and week.
fn model(runs: &[Run], since: i64) -> [BTreeMap<String, Sum>; 3] {
    let mut sums: [BTreeMap<String, Sum>; 3] = Default::default();
    for run in runs.iter().filter(|run| run.at >= since) {
        for ((name, owners, does), (letter, time)) in TESTS.iter().zip(&run.did) {
            if does.len() == 1 || *letter == 'P' {
                continue;
            }
            let lost = if *letter == 'R' { 1000 + time } else { *time };
            let nobody = [""];
            let owners = if owners.is_empty() { &nobody[..] } else { owners };
            let keys = [
                vec![(*name).to_owned()],
                owners.iter().map(|one| (*one).to_owned()).collect(),
                vec![monday(run.at).to_string()],
            ];
            for (sums, keys) in sums.iter_mut().zip(keys) {
                for key in keys {
                    let sum = sums.entry(key).or_default();
                    sum.tests.insert((*name).to_owned());
                    sum.runs.insert((run.configuration, run.at));
                    sum.time += lost;
                }
            }
        }
    }
    sums
}

fn counts(cost: &Value) -> (u64, u64, u64) {
    let number = |member: &str| cost[member].as_u64().unwrap();
    (number("tests"), number("spoilt"), number("time_lost"))
}

#[tokio::test(flavor = "multi_thread")]
async fn flaky_tests_cost_runs_and_time() {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine::start(folder.path()).await;
    let runs = runs();
    let rows = || rows::of(runs.iter().map(Run::event));
    let service = QueryService::start(&engine, folder.path(), "costs", [rows()]).await;
    costs_are_those_of_a_plain_count(&service, &runs, &["test", "owner", "week"]).await;
    owners_are_told_the_same(&service).await;
    costs_are_narrowed_and_told_in_every_form(&service).await;
    // Of runs from before outcomes were kept the results say the same, though not who owns them.
    let before = [rows::without_outcomes(rows())];
    let service = QueryService::start(&engine, folder.path(), "costs_of_results", before).await;
    costs_are_those_of_a_plain_count(&service, &runs, &["test", "week"]).await;
    engine.shutdown().await;
}

async fn costs_are_those_of_a_plain_count(service: &QueryService, runs: &[Run], sums: &[&str]) {
    let expected = model(runs, now() - 14 * DAY);
    for (by, expected) in ["test", "owner", "week"].into_iter().zip(&expected).filter(|(by, _)| sums.contains(by)) {
        let answer = service.json(&format!("/api/costs?suite=s&weeks=2&by={by}")).await;
        let key = |cost: &Value| match by {
            "test" => cost["test"].as_str().unwrap().to_owned(),
            "owner" => cost["owners"].get(0).and_then(Value::as_str).unwrap_or_default().to_owned(),
            _ => cost["week"].to_string(),
        };
        let costs = answer["costs"].as_array().unwrap();
        let found: BTreeMap<String, (u64, u64, u64)> = costs.iter().map(|cost| (key(cost), counts(cost))).collect();
        let expected: BTreeMap<String, (u64, u64, u64)> =
            expected.iter().map(|(key, sum)| (key.clone(), sum.counts())).collect();
        assert_eq!(found, expected, "by {by}");
        if by != "week" {
            let lost: Vec<u64> = costs.iter().map(|cost| counts(cost).2).collect();
            assert!(lost.is_sorted_by(|one, other| one >= other), "{lost:?}");
        }
        let total: u64 = model(runs, now() - 14 * DAY)[0].values().map(|sum| sum.time).sum();
        assert_eq!((counts(&answer["total"]).0, counts(&answer["total"]).2), (3, total), "by {by}");
    }
    // The list of flaky tests counts the same runs.
    let flaky = service.json("/api/flaky?suite=s&weeks=2").await;
    for test in flaky["tests"].as_array().unwrap() {
        let spoilt = expected[0][test["test"].as_str().unwrap()].runs.len() as u64;
        assert_eq!(test["spoilt"], spoilt, "{test:#}");
    }
    assert_eq!(flaky["tests"].as_array().unwrap().len(), 3);
}

/// Four weeks are those of verdicts, and read with them; fewer are read for themselves.
async fn owners_are_told_the_same(service: &QueryService) {
    for weeks in [1, 2, 4, 5] {
        let costs = service.json(&format!("/api/costs?suite=s&by=owner&weeks={weeks}")).await;
        let expected: BTreeMap<Option<&str>, (u64, u64)> = costs["costs"]
            .as_array()
            .unwrap()
            .iter()
            .map(|cost| (cost["owners"].get(0).and_then(Value::as_str), (counts(cost).1, counts(cost).2)))
            .collect();
        let owners = service.json(&format!("/api/owners?suite=s&weeks={weeks}")).await;
        let found: BTreeMap<Option<&str>, (u64, u64)> = owners["owners"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| (one["owner"].as_str(), (one["spoilt"].as_u64().unwrap(), one["time_lost"].as_u64().unwrap())))
            .collect();
        assert_eq!((expected.len(), &found), (3, &expected), "{weeks} weeks");
        let of = |owner: &Value, group: &str| owner[group].as_u64().unwrap();
        let groups = owners["owners"].as_array().unwrap().iter().map(|one| (of(one, "still"), of(one, "flaky")));
        assert_eq!(groups.collect::<BTreeSet<_>>(), [(0, 1), (1, 2)].into(), "{owners:#}");
    }
}

async fn costs_are_narrowed_and_told_in_every_form(service: &QueryService) {
    let tests = async |query: &str| -> Vec<String> {
        let answer = service.json(&format!("/api/costs?weeks=2{query}")).await;
        answer["costs"].as_array().unwrap().iter().map(|cost| cost["test"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(tests("").await.len(), 3);
    assert_eq!(tests("&owner=@y").await, ["a.html"]);
    assert_eq!(tests("&owner=none&suite=s").await, [HOSTILE]);
    assert_eq!(tests("&q=b.html%20owner:x").await, ["b.html"]);
    assert_eq!(tests("&limit=1").await.len(), 1);
    assert_eq!(service.get("/api/costs?suite=other").await.0, StatusCode::NOT_FOUND);
    for wrong in ["by=day", "weeks=0", "q=status:new", "limit=0"] {
        assert_eq!(service.get(&format!("/api/costs?{wrong}")).await.0, StatusCode::BAD_REQUEST, "{wrong}");
    }
    let csv = service.text("/api/costs?weeks=2&format=csv").await;
    assert_eq!(csv.lines().next().unwrap(), "suite,test,week,tests,spoilt,time_lost,owners");
    assert!(csv.contains("s,a.html,,1,") && csv.contains(",'@x @y"), "{csv}");
    for page in [
        "/costs",
        "/costs?by=owner",
        "/costs?by=week&weeks=2",
        "/costs?suite=s&owner=none",
        "/owners",
        "/owners?suite=s",
    ] {
        let page = service.text(page).await;
        assert!(!page.contains("<img src=x"), "{page}");
    }
    assert!(service.text("/costs?suite=s&owner=@y").await.contains("a.html"));
    assert!(service.text("/costs?suite=s&owner=@z").await.contains("Show all of them"));
}
