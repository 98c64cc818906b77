//! Trends against a plain model: every run in a list, counted by day and week; and against the other answers that tell the
//! same.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, unreachable_pub)]

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use schema::seconds::monday;
use serde_json::{Map, Value, json};
use test_support::clock::now;
use test_support::engine;
use test_support::events::run;
use test_support::query_service::QueryService;
use test_support::rows::EventRows;
use test_support::sample::sample;

const DAY: i64 = 86_400;
/// Three runs a day.
const STEP: i64 = DAY / 3;
const WEEKS: i64 = 5;
const HOSTILE: &str = "<img src=x onerror=alert(1)>\"'.html";
const TESTS: [&str; 8] =
    ["chance.html", "rarely.html", "always.html", "broke.html", "fixed.html", HOSTILE, "turned.html", "half.html"];
/// Tests that pass, so that a run of which the others fail did not break as a whole.
const STEADY: usize = 60;

/// A run, and what each of [`TESTS`] did: P passed, F failed, E failed as expected, S was skipped, - is not in the run.
#[derive(Debug, Clone)]
struct Run {
    configuration: u64,
    at: i64,
    took: Option<i64>,
    did: Vec<char>,
    times: Vec<i64>,
    is_broken: bool,
}

fn runs(runner: &mut TestRunner) -> Vec<Run> {
    let now = now();
    let letters = |letters: &'static str| prop::sample::select(letters.chars().collect::<Vec<_>>());
    let mut all = Vec::new();
    // The oldest runs started before the time that is asked about.
    for age in (0..3 * 7 * (WEEKS + 1)).rev() {
        for configuration in 0..2 {
            let has_changed = age < 40;
            let did = vec![
                sample(runner, letters("PPFP-S")),
                sample(runner, letters("PPPPPPPPPPPPPPPPPPF")),
                sample(runner, letters("FFFE")),
                if has_changed { 'F' } else { 'P' },
                if has_changed { 'P' } else { 'F' },
                sample(runner, letters("PPPF")),
                // It fails throughout the last week, and was flaky before.
                if age < 24 { 'F' } else { sample(runner, letters("PPF")) },
                // It fails on one configuration, and is flaky on the other one.
                if configuration == 0 { 'F' } else { sample(runner, letters("PPPF")) },
            ];
            all.push(Run {
                configuration,
                at: now - 1800 - age * STEP,
                took: sample(runner, prop_oneof![1 => Just(None), 4 => (1i64..900_000).prop_map(Some)]),
                times: TESTS.map(|_| sample(runner, 1i64..90_000)).to_vec(),
                did,
                is_broken: age % 17 == 5,
            });
        }
    }
    all
}

impl Run {
    fn event(&self) -> schema::event::Event {
        let committed = self.at - 600 - self.configuration as i64;
        let commit = json!({
            "repository_id": "webkit", "branch": "main", "timestamp": committed, "order": 0,
            "hash": format!("{committed:040x}"),
        });
        let configuration = json!({
            "platform": "mac", "version": 14_000_000 + self.configuration, "is_simulator": false, "architecture": "arm64",
        });
        let steady = if self.is_broken { json!({ "actual": "CRASH" }) } else { json!({}) };
        let mut results: Map<String, Value> =
            (0..STEADY).map(|number| (format!("steady-{number}.html"), steady.clone())).collect();
        for ((name, letter), time) in TESTS.iter().zip(&self.did).zip(&self.times) {
            let mut leaf = match letter {
                'P' => json!({ "actual": "PASS" }),
                'F' => json!({ "actual": "TEXT" }),
                'E' => json!({ "actual": "TEXT", "expected": "FAIL" }),
                'S' => json!({ "actual": "SKIP" }),
                _ => continue,
            };
            if *letter != 'S' {
                leaf["time"] = (*time).into();
            }
            results.insert((*name).to_owned(), leaf);
        }
        let mut event = run("s", configuration, &commit, self.at, &results.into());
        if let Some(took) = self.took {
            let mut document: Value = serde_json::from_str(event.test_results.get()).unwrap();
            document["run_stats"] = json!({ "start_time": self.at, "end_time": self.at as f64 + took as f64 / 1000.0 });
            event.test_results = serde_json::value::to_raw_value(&document).unwrap();
        }
        event
    }

    /// Results and unexpected failures among those of the test, or of all tests; none if the test did not run.
    fn counts(&self, test: Option<usize>) -> Option<(i64, i64)> {
        let own: Vec<char> = match test {
            Some(test) => vec![self.did[test]],
            None => self.did.clone(),
        };
        let ran = own.iter().filter(|letter| "PFE".contains(**letter)).count() as i64;
        let failed = own.iter().filter(|letter| **letter == 'F').count() as i64;
        match test {
            Some(_) => (ran > 0).then_some((ran, failed)),
            None => Some((ran + STEADY as i64, failed)),
        }
    }

    fn time(&self, test: Option<usize>) -> Option<i64> {
        match test {
            Some(test) => "PFE".contains(self.did[test]).then(|| self.times[test]),
            None => self.took,
        }
    }
}

/// A share as a reader of the answer reads it.
fn share(part: i64, all: i64) -> Value {
    if all > 0 { serde_json::from_str(&json!(part as f64 / all as f64).to_string()).unwrap() } else { Value::Null }
}

fn part(length: &str, from: i64, runs: &[&Run], test: Option<usize>) -> Value {
    let sound: Vec<(i64, i64)> =
        runs.iter().filter(|run| !run.is_broken).map(|run| run.counts(test).unwrap()).collect();
    let (results, unexpected) = sound.iter().fold((0, 0), |sums, one| (sums.0 + one.0, sums.1 + one.1));
    let mut part = json!({
        "part": length, "from": from, "runs": runs.len(), "broken": runs.iter().filter(|run| run.is_broken).count(),
        "results": results, "unexpected": unexpected,
        "rate": share(unexpected, results),
    });
    if length == "week" {
        let mut times: Vec<i64> = runs.iter().filter_map(|run| run.time(test)).collect();
        times.sort_unstable();
        part["timed"] = times.len().into();
        for (name, share) in [("p50", 0.5), ("p90", 0.9), ("p99", 0.99)] {
            part[name] = times.get((share * times.len() as f64) as usize).copied().into();
        }
    }
    part
}

fn model(runs: &[Run], test: Option<usize>) -> (Vec<Value>, Vec<Value>) {
    let mut days: BTreeMap<i64, Vec<&Run>> = BTreeMap::new();
    let mut weeks: BTreeMap<i64, Vec<&Run>> = BTreeMap::new();
    let since = now() - WEEKS * 7 * DAY;
    for run in runs.iter().filter(|run| run.at >= since && run.counts(test).is_some()) {
        days.entry(run.at / DAY * DAY).or_default().push(run);
        weeks.entry(monday(run.at)).or_default().push(run);
    }
    let shown = |length: &str, parts: BTreeMap<i64, Vec<&Run>>| {
        parts.iter().map(|(from, runs)| part(length, *from, runs, test)).collect::<Vec<_>>()
    };
    (shown("day", days), shown("week", weeks))
}

/// Parts of an answer without what their length or the rule of verdicts decides.
fn counted(parts: &Value) -> Vec<Value> {
    let plain = |part: &Value| {
        let mut part = part.as_object().unwrap().clone();
        for name in ["flaky", "spoilt", "spoilt_rate"] {
            part.remove(name);
        }
        if part["part"] == "day" {
            for name in ["timed", "p50", "p90", "p99"] {
                assert_eq!(part.remove(name), Some(Value::Null));
            }
        }
        Value::Object(part)
    };
    parts.as_array().unwrap().iter().map(plain).collect()
}

fn sum(parts: &Value, member: &str) -> u64 {
    parts.as_array().unwrap().iter().map(|part| part[member].as_u64().unwrap_or(0)).sum()
}

fn address(path: &str, test: Option<&str>, more: &str) -> String {
    address_within(WEEKS, path, test, more)
}

fn address_within(weeks: i64, path: &str, test: Option<&str>, more: &str) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("suite", "s").append_pair("weeks", &weeks.to_string());
    if let Some(test) = test {
        query.append_pair("test", test);
    }
    format!("{path}?{}{more}", query.finish())
}

#[tokio::test(flavor = "multi_thread")]
async fn trends_are_counts_of_the_runs_that_were_uploaded() {
    let all = runs(&mut TestRunner::deterministic());
    let mut views = EventRows::default();
    for (event, offset) in all.iter().map(Run::event).zip(1..) {
        views.add(event, offset);
    }
    let directory = tempfile::tempdir().unwrap();
    let engine = engine::start(directory.path()).await;
    let service = QueryService::start(&engine, directory.path(), "trends", [views]).await;
    let one: Vec<Run> = all.iter().filter(|run| run.configuration == 1).cloned().collect();
    for (more, runs) in [("", &all), ("&version=14.0.1", &one)] {
        for test in std::iter::once(None).chain((0..TESTS.len()).map(Some)) {
            let path = address("/api/trends", test.map(|test| TESTS[test]), more);
            let found = service.json(&path).await;
            let (days, weeks) = model(runs, test);
            assert_eq!(counted(&found["by_day"]), days, "{path}");
            assert_eq!(counted(&found["by_week"]), weeks, "{path}");
            assert_eq!((&found["is_cut"], &found["has_more_changes"]), (&json!(false), &json!(false)), "{path}");
        }
    }
    flakiness(&service).await;
    changes(&service).await;
    formats(&service).await;
    pages(&service).await;
    engine.shutdown().await;
}

/// However many weeks are asked about, as much was spoilt in them as the list of flaky tests says, and each week of the suite is
/// that of its tests.
async fn flakiness(service: &QueryService) {
    for weeks in [WEEKS, 2, 1] {
        flakiness_within(service, weeks).await;
    }
    // What was flaky before the week asked about, and fails since, is not flaky in it. Where it began to fail is known.
    let listed = service.json(&address_within(1, "/api/flaky", None, "&limit=1000")).await;
    let names: Vec<&Value> = listed["tests"].as_array().unwrap().iter().map(|test| &test["test"]).collect();
    assert!(names.contains(&&json!("half.html")) && !names.contains(&&json!("turned.html")), "{names:?}");
    let turned = service.json(&address_within(1, "/api/trends", Some("turned.html"), "")).await;
    let changes = turned["changes"].as_array().unwrap();
    assert!(!changes.is_empty() && changes.iter().all(|change| change["kind"] == "broke"), "{turned:#}");
    let since = turned["since"].as_u64().unwrap();
    let began_before = |change: &Value| change["after"]["uuid"].as_u64().is_some_and(|uuid| uuid / 100 < since);
    assert!(changes.iter().all(began_before), "{turned:#}");
}

async fn flakiness_within(service: &QueryService, weeks: i64) {
    let listed = service.json(&address_within(weeks, "/api/flaky", None, "&limit=1000")).await;
    let listed = listed["tests"].as_array().unwrap();
    assert!(listed.iter().any(|test| test["test"] == "chance.html"), "{listed:#?}");
    let suite = service.json(&address_within(weeks, "/api/trends", None, "")).await;
    let mut by_week: BTreeMap<u64, (u64, u64)> = BTreeMap::new();
    for test in TESTS {
        let found = service.json(&address_within(weeks, "/api/trends", Some(test), "")).await;
        let sums = ["spoilt", "results", "unexpected"].map(|member| sum(&found["by_week"], member));
        match listed.iter().find(|one| one["test"] == test) {
            None => assert_eq!(sums[0], 0, "{test} in {weeks} weeks"),
            Some(one) => {
                let counts = ["spoilt", "runs", "unexpected"].map(|member| one[member].as_u64().unwrap());
                assert_eq!(counts, sums, "{test} in {weeks} weeks");
            }
        }
        for week in found["by_week"].as_array().unwrap() {
            let spoilt = week["spoilt"].as_u64().unwrap();
            assert_eq!(week["flaky"], u64::from(spoilt > 0), "{test}");
            let sums = by_week.entry(week["from"].as_u64().unwrap()).or_default();
            *sums = (sums.0 + u64::from(spoilt > 0), sums.1 + spoilt);
            let results = week["results"].as_u64().unwrap();
            assert_eq!(week["spoilt_rate"], share(spoilt as i64, results as i64), "{test}: {week}");
        }
    }
    let of_week = |week: &Value| {
        let [from, flaky, spoilt] = ["from", "flaky", "spoilt"].map(|name| week[name].as_u64().unwrap());
        assert_eq!(week["spoilt_rate"], Value::Null);
        (from, (flaky, spoilt))
    };
    let of_suite: BTreeMap<u64, (u64, u64)> = suite["by_week"].as_array().unwrap().iter().map(of_week).collect();
    assert_eq!(of_suite, by_week);
    assert!(of_suite.values().any(|(flaky, _)| *flaky > 1), "{of_suite:?}");
}

/// The change points are those of the answer about changes, and what is left out is told.
async fn changes(service: &QueryService) {
    let ids = |changes: &Value| -> Vec<Value> {
        changes["changes"].as_array().unwrap().iter().map(|change| change["id"].clone()).collect()
    };
    let all = service.json(&address("/api/trends", None, "")).await;
    let listed = service.json(&format!("/api/changes/s?weeks={WEEKS}")).await;
    assert!(ids(&all).len() >= 2 && ids(&all) == ids(&listed), "{all:#?} {listed:#?}");
    let broke = service.json(&address("/api/trends", Some("broke.html"), "")).await;
    assert_eq!(ids(&broke).len(), 1, "{broke:#?}");
    let change = &broke["changes"][0];
    assert_eq!((&change["kind"], &change["tests"], &change["configurations"]), (&json!("broke"), &json!(1), &json!(2)));
    assert_eq!(change["time"], change["until"]["uuid"].as_u64().unwrap() / 100);
    let newest = service.json(&address("/api/trends", None, "&limit=1")).await;
    assert_eq!((ids(&newest), &newest["has_more_changes"]), (ids(&all)[..1].to_vec(), &json!(true)));
}

/// Days and weeks are the rows of a file.
async fn formats(service: &QueryService) {
    let answer = service.json(&address("/api/trends", None, "")).await;
    let csv = service.text(&address("/api/trends", None, "&format=csv")).await;
    let lines: Vec<&str> = csv.trim().lines().collect();
    assert_eq!(lines[0], "part,from,runs,broken,results,unexpected,rate,timed,p50,p90,p99,flaky,spoilt,spoilt_rate");
    let parts = ["by_day", "by_week"].map(|name| answer[name].as_array().unwrap().len());
    assert_eq!(lines.len(), 1 + parts.iter().sum::<usize>());
    assert!(lines[1].starts_with("day,") && lines.last().unwrap().starts_with("week,"), "{csv}");
    let (status, parquet) = service.get(&address("/api/trends", None, "&format=parquet")).await;
    assert!(status.is_success() && parquet.starts_with(b"PAR1"));
    for wrong in ["/api/trends", "/api/trends?suite=", "/api/trends?suite=s&weeks=53", "/api/trends?suite=s&x=1"] {
        assert_eq!(service.get(wrong).await.0.as_u16(), 400, "{wrong}");
    }
}

/// Pages draw a plot of each kind, with marks that lead to the changes, and escape names.
async fn pages(service: &QueryService) {
    let escaped = "&lt;img src=x onerror=alert(1)&gt;&quot;&#x27;.html";
    for (test, says) in [(None, "the whole suite"), (Some(HOSTILE), escaped), (Some("broke.html"), "broke.html")] {
        let page = service.text(&address("/trends", test, "")).await;
        assert!(page.contains(says) && !page.contains("<img"), "{page}");
        assert_eq!(page.matches("role=\"img\"").count(), 4);
        assert!(page.matches("<circle").count() > 4 && page.matches("<rect").count() > 20, "{page}");
        assert!(!page.contains("NaN") && !page.contains("style="), "{page}");
    }
    let page = service.text(&address("/trends", Some("broke.html"), "")).await;
    // Each plot has the marks of wide screens and those of phones.
    assert_eq!(page.matches("<a class=\"broke\" href=\"&#x2f;changes?").count(), 8, "{page}");
    let nothing = service.text("/trends?suite=s&test=none").await;
    assert!(nothing.contains("No run in 12 weeks has a result of none"), "{nothing}");
}
