//! Runs selected by ranges, times, SDKs and limits, against a plain model: every row in a list, filtered and sorted.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, unreachable_pub)]

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use schema::event::Event;
use serde_json::{Value, json};
use test_support::clock::now;
use test_support::events::run;
use test_support::query_service::QueryService;
use test_support::sample::sample;
use test_support::{engine, rows};

const QUESTIONS: usize = 250;
const TEST: &str = "a.html";

#[derive(Debug, Clone, PartialEq)]
struct Run {
    configuration: u64,
    sdk: String,
    uuid: u64,
    start: i64,
    actual: &'static str,
}

fn commit(age: i64) -> Value {
    let time = now() / 1000 * 1000 - age;
    json!({ "repository_id": "webkit", "branch": "main", "timestamp": time, "order": 0, "hash": format!("{age:040x}") })
}

/// Runs over sixty weeks on three configurations, one of which stopped half a year ago.
fn runs(runner: &mut TestRunner) -> Vec<(Run, Event)> {
    let mut found: BTreeMap<(u64, u64, String, i64), (Run, Event)> = BTreeMap::new();
    for _ in 0..400 {
        let configuration = sample(runner, 0u64..3);
        let oldest = if configuration == 2 { 26 } else { 0 };
        let age = sample(runner, prop_oneof![oldest * 7i64..60 * 7, oldest * 7i64..(oldest + 4) * 7]) * 86_400;
        let sdk = sample(runner, prop_oneof!["", "21A1", "22B2"]);
        let commit = commit(age);
        let time = commit["timestamp"].as_i64().unwrap();
        let start = time + sample(runner, 0i64..5) * 3 * 86_400;
        let actual = sample(runner, prop::sample::select(vec!["PASS", "TEXT", "CRASH"]));
        let mut shown = json!({
            "platform": "mac", "version": 14_000_000 + configuration, "is_simulator": false, "architecture": "arm64",
        });
        if !sdk.is_empty() {
            shown["sdk"] = json!(sdk);
        }
        let uuid = time as u64 * 100;
        let event = run("s", shown, &commit, start, &json!({ TEST: { "actual": actual } }));
        let run = Run { configuration, sdk: sdk.clone(), uuid, start, actual };
        found.insert((configuration, uuid, sdk, start), (run, event));
    }
    found.into_values().collect()
}

/// (configuration, sdk) → uuid, start and state of each row as it is answered.
type Answer = BTreeMap<(u64, String), Vec<(u64, i64, String)>>;

/// What a question about runs selects, by section 4 of the wire contract.
#[derive(Debug)]
struct Asked {
    after_uuid: Option<u64>,
    before_uuid: Option<u64>,
    after_time: Option<i64>,
    before_time: Option<i64>,
    sdk: Option<&'static str>,
    limit: usize,
}

impl Asked {
    fn query(&self) -> String {
        let mut query = format!("recent=false&limit={}", self.limit);
        let mut add = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                query.push_str(&format!("&{name}={value}"));
            }
        };
        add("after_uuid", self.after_uuid.map(|it| it.to_string()));
        add("before_uuid", self.before_uuid.map(|it| it.to_string()));
        add("after_time", self.after_time.map(|it| it.to_string()));
        add("before_time", self.before_time.map(|it| it.to_string()));
        add("sdk", self.sdk.map(str::to_owned));
        query
    }

    fn expected(&self, runs: &[Run]) -> Answer {
        let times = usize::from(self.after_time.is_some()) + usize::from(self.before_time.is_some());
        let commits = usize::from(self.after_uuid.is_some()) + usize::from(self.before_uuid.is_some());
        let by_time = times > commits;
        let mut answer = Answer::new();
        for configuration in 0..3 {
            let mut rows: Vec<&Run> = runs
                .iter()
                .filter(|run| run.configuration == configuration)
                .filter(|run| self.after_uuid.is_none_or(|it| run.uuid >= it))
                .filter(|run| run.uuid <= self.before_uuid.unwrap_or(now() as u64 * 100 + 99))
                .filter(|run| self.after_time.is_none_or(|it| run.start >= it))
                .filter(|run| self.before_time.is_none_or(|it| run.start <= it))
                .filter(|run| self.sdk.is_none_or(|it| run.sdk == it))
                .collect();
            if by_time {
                rows.sort_by(|a, b| (b.start, &a.sdk, a.uuid).cmp(&(a.start, &b.sdk, b.uuid)));
            } else {
                rows.sort_by(|a, b| (b.uuid, &a.sdk, a.start).cmp(&(a.uuid, &b.sdk, b.start)));
            }
            rows.truncate(self.limit);
            rows.sort_by_key(|run| if by_time { run.start as u64 } else { run.uuid });
            for run in rows {
                let rows = answer.entry((configuration, run.sdk.clone())).or_default();
                rows.push((run.uuid, run.start, run.actual.to_owned()));
            }
        }
        answer
    }
}

fn answered(body: &[u8]) -> Answer {
    let answer: Vec<Value> = serde_json::from_slice(body).unwrap();
    let entry = |entry: &Value| {
        let configuration = &entry["configuration"];
        let sdk = configuration["sdk"].as_str().unwrap_or_default().to_owned();
        let row = |row: &Value| {
            let actual = row["actual"].as_str().unwrap().to_owned();
            (row["uuid"].as_u64().unwrap(), row["start_time"].as_i64().unwrap(), actual)
        };
        let rows = entry["results"].as_array().unwrap().iter().map(row).collect();
        ((configuration["version"].as_u64().unwrap() - 14_000_000, sdk), rows)
    };
    answer.iter().map(entry).collect()
}

/// The same of uploads, which are one list.
fn uploaded(body: &[u8]) -> Answer {
    let uploads: Vec<Value> = serde_json::from_slice(body).unwrap();
    let mut answer = Answer::new();
    for upload in &uploads {
        let (configuration, commit) = (&upload["configuration"], &upload["commits"][0]);
        let sdk = configuration["sdk"].as_str().unwrap_or_default().to_owned();
        let uuid = commit["timestamp"].as_u64().unwrap() * 100 + commit["order"].as_u64().unwrap();
        let actual = upload["test_results"]["results"][TEST]["actual"].as_str().unwrap().to_owned();
        let rows = answer.entry((configuration["version"].as_u64().unwrap() - 14_000_000, sdk)).or_default();
        rows.push((uuid, upload["timestamp"].as_i64().unwrap(), actual));
    }
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_are_selected_ordered_and_limited_as_the_contract_says() {
    let directory = tempfile::tempdir().unwrap();
    let engine = engine::start(directory.path()).await;
    let mut runner = TestRunner::deterministic();
    let (runs, events): (Vec<Run>, Vec<Event>) = runs(&mut runner).into_iter().unzip();
    let service = QueryService::start(&engine, directory.path(), "model", [rows::of(events)]).await;
    let day = |runner: &mut TestRunner| sample(runner, prop::option::weighted(0.3, 0i64..60 * 7));
    for _ in 0..QUESTIONS {
        let base = now() / 1000 * 1000;
        let uuid = |days: i64| ((base - days * 86_400) * 100) as u64;
        let asked = Asked {
            after_uuid: day(&mut runner).map(uuid),
            before_uuid: day(&mut runner).map(uuid),
            after_time: day(&mut runner).map(|days| base - days * 86_400),
            before_time: day(&mut runner).map(|days| base - days * 86_400),
            sdk: sample(&mut runner, prop_oneof![4 => Just(None), 1 => Just(Some("21A1"))]),
            limit: sample(&mut runner, prop_oneof![1usize..10, 1usize..120, Just(5000)]),
        };
        let path = format!("/api/results/s/{TEST}?{}", asked.query());
        let (status, body) = service.get(&path).await;
        assert_eq!(status, 200, "{path}");
        assert_eq!(answered(&body), asked.expected(&runs), "{path}");
        if asked.after_time.is_none() && asked.before_time.is_none() {
            let path = format!("/api/upload?suite=s&{}", asked.query());
            let (status, body) = service.get(&path).await;
            assert_eq!(status, 200, "{path}");
            assert_eq!(uploaded(&body), asked.expected(&runs), "{path}");
        }
    }
    engine.shutdown().await;
}
