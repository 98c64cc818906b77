//! Comparisons of two commits against a plain model: for each configuration and commit a list of runs.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, unreachable_pub)]

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use schema::event::Event;
use serde_json::{Map, Value, json};
use test_support::clock::now;
use test_support::engine;
use test_support::events::{commit, run};
use test_support::query_service::QueryService;
use test_support::rows::EventRows;
use test_support::sample::sample;

const CONFIGURATIONS: usize = 3;
const COMMITS: usize = 5;
const TESTS: usize = 8;
const STEP: i64 = 7200;
/// More tests than are looked up one by one.
const MANY: usize = 5200;

/// What each test did and was expected to do; a test that is missing did not run.
type Run = BTreeMap<String, (&'static str, &'static str)>;

/// Runs by configuration and commit, the oldest commit first.
type Runs = Vec<Vec<Vec<Run>>>;

fn any_run() -> impl Strategy<Value = Run> {
    let state = prop_oneof![
        6 => Just(("PASS", "PASS")),
        2 => Just(("TEXT", "PASS")),
        1 => Just(("CRASH", "PASS")),
        1 => Just(("TEXT PASS", "PASS")),
        1 => Just(("TEXT", "FAIL")),
        1 => Just(("CRASH", "FAIL")),
        1 => Just(("WARNING", "PASS")),
    ];
    let name = (0..TESTS).prop_map(|number| format!("{number}.html"));
    proptest::collection::btree_map(name, state, 1..TESTS)
}

fn time(commit: usize) -> i64 {
    now() / 100_000 * 100_000 - 86_400 - (COMMITS - commit) as i64 * STEP
}

fn known(index: usize) -> Value {
    let time = time(index);
    json!({ "repository_id": "webkit", "branch": "main", "timestamp": time, "order": 0, "hash": format!("{time:040x}"), "identifier": format!("{index}@main") })
}

fn configuration(index: usize) -> Value {
    json!({ "platform": "mac", "version": 14_000_000 + index, "is_simulator": false, "architecture": "arm64" })
}

fn results(run: &Run) -> Value {
    let leaf = |(test, (actual, expected)): (&String, &(&str, &str))| {
        (test.clone(), json!({ "actual": actual, "expected": expected, "time": 5 }))
    };
    run.iter().map(leaf).collect::<Map<_, _>>().into()
}

fn upload(suite: &str, on: usize, at: usize, start: i64, run_of: &Run) -> Event {
    run(suite, configuration(on), &known(at), time(at) + start, &results(run_of))
}

/// States of all attempts: those that count as failures, and the others.
#[derive(Debug, Default, Clone, PartialEq)]
struct Did {
    failed: BTreeSet<usize>,
    other: BTreeSet<usize>,
}

const STATES: [&str; 9] = ["CRASH", "TIMEOUT", "IMAGE", "AUDIO", "TEXT", "FAIL", "ERROR", "WARNING", "PASS"];

impl Did {
    fn of(runs: &[Run], test: &str, unexpected: bool) -> Self {
        let mut did = Self::default();
        for (actual, expected) in runs.iter().filter_map(|run| run.get(test)) {
            for word in actual.split(' ') {
                let position = STATES.iter().position(|name| *name == word).unwrap();
                let is_expected = *expected == word || *expected == "FAIL" && ["TEXT", "FAIL"].contains(&word);
                let fails = position < 7 && !(unexpected && is_expected);
                (if fails { &mut did.failed } else { &mut did.other }).insert(position);
            }
        }
        did
    }

    fn state(&self) -> &'static str {
        self.failed.first().or(self.other.first()).map_or("NOTRUN", |position| STATES[*position])
    }

    fn change(&self, after: &Self) -> Option<&'static str> {
        let ran = |did: &Self| !did.failed.is_empty() || !did.other.is_empty();
        let both = |did: &Self| !did.failed.is_empty() && !did.other.is_empty();
        if self.failed.is_empty() && after.failed.is_empty() {
            return None;
        }
        Some(match () {
            () if !ran(after) => "gone",
            () if both(self) || both(after) => "flaky",
            () if after.failed.is_empty() => {
                if ["PASS", "WARNING"].contains(&after.state()) {
                    "fixed"
                } else {
                    "expected"
                }
            }
            () if self.failed.is_empty() => "new",
            () if self.state() == after.state() => "same",
            () => "changed",
        })
    }
}

/// The newest commit up to one on which a configuration ran.
fn newest(runs: &[Vec<Run>], until: usize) -> Option<usize> {
    (0..=until).rev().find(|commit| !runs[*commit].is_empty())
}

/// (change, test, version of the configuration) → states before and after.
type Changes = BTreeMap<(String, String, usize), (String, String)>;

fn rows(csv: &[u8]) -> Vec<Vec<String>> {
    let text = String::from_utf8(csv.to_vec()).unwrap();
    text.lines().skip(1).map(|line| line.split(',').map(str::to_owned).collect()).collect()
}

fn place(configuration: &Value) -> usize {
    (configuration["version"].as_u64().unwrap() - 14_000_000) as usize
}

struct Model {
    service: QueryService,
    runs: Runs,
}

impl Model {
    /// Checks a comparison, and returns the kinds of changes that it has.
    async fn check(&self, before: usize, after: usize, unexpected: bool) -> BTreeSet<String> {
        let path = format!("/api/compare?suite=s&before={before}@main&after={after}@main&unexpected={unexpected}");
        let (status, body) = self.service.get(&path).await;
        assert_eq!(status, 200, "{path}: {}", String::from_utf8_lossy(&body));
        let answer: Value = serde_json::from_slice(&body).unwrap();
        let (_, csv) = self.service.get(&format!("{path}&format=csv")).await;
        let (mut paired, mut unpaired, mut changes) = (BTreeMap::new(), BTreeMap::new(), Changes::new());
        let mut kinds: BTreeSet<(String, String)> = BTreeSet::new();
        for (on, runs) in self.runs.iter().enumerate() {
            let (old, new) = (newest(runs, before), newest(runs, after));
            let stands_in = |ran: usize, asked: usize| (ran != asked).then(|| format!("{ran}@main"));
            let end = |ran: usize, asked: usize| (time(ran) as u64 * 100, runs[ran].len(), stands_in(ran, asked));
            match (old, new) {
                (Some(old), Some(new)) => {
                    paired.insert(on, (end(old, before), end(new, after), old == new));
                    for test in (0..TESTS).map(|number| format!("{number}.html")) {
                        let did = Did::of(&runs[old], &test, unexpected);
                        let does = Did::of(&runs[new], &test, unexpected);
                        if let Some(change) = did.change(&does) {
                            kinds.insert((change.to_owned(), test.clone()));
                            let states = (did.state().to_owned(), does.state().to_owned());
                            changes.insert((change.to_owned(), test, on), states);
                        }
                    }
                }
                (Some(ran), None) => drop(unpaired.insert(on, ("before", ran))),
                (None, Some(ran)) => drop(unpaired.insert(on, ("after", ran))),
                (None, None) => {}
            }
        }
        let run = |run: &Value| {
            let name = run["stands_in"].as_str().map(str::to_owned);
            (run["uuid"].as_u64().unwrap(), run["runs"].as_u64().unwrap() as usize, name)
        };
        let pair = |pair: &Value| {
            let (old, new) = (run(&pair["before"]), run(&pair["after"]));
            (place(&pair["configuration"]), (old, new, pair["same_run"].as_bool().unwrap()))
        };
        let found: BTreeMap<_, _> = answer["runs"].as_array().unwrap().iter().map(pair).collect();
        assert_eq!(found, paired, "{path}");

        let order: Vec<usize> =
            answer["runs"].as_array().unwrap().iter().map(|run| place(&run["configuration"])).collect();
        let mut shown = BTreeSet::new();
        for test in answer["tests"].as_array().unwrap() {
            let text = |name: &str| test[name].as_str().unwrap().to_owned();
            let own = |position: &Value| order[position.as_u64().unwrap() as usize];
            let places: Vec<usize> = test["runs"].as_array().unwrap().iter().map(own).collect();
            let worst = |side: fn(&(String, String)) -> &String| {
                let states = places.iter().map(|on| side(&changes[&(text("change"), text("test"), *on)]).as_str());
                let rank = |name: &&str| STATES.iter().position(|known| known == name).unwrap_or(STATES.len());
                states.min_by_key(rank).unwrap().to_owned()
            };
            assert_eq!((text("before"), text("after")), (worst(|it| &it.0), worst(|it| &it.1)), "{path}: {test}");
            shown.extend(places.iter().map(|on| (text("change"), text("test"), *on)));
        }
        assert_eq!(shown, changes.keys().cloned().collect(), "{path}");
        let counted: usize =
            answer["counts"].as_object().unwrap().values().map(|it| it.as_u64().unwrap() as usize).sum();
        assert_eq!(counted, kinds.len(), "{path}");
        self.check_unpaired(&answer, &unpaired, unexpected);
        // The table names each configuration that could not be compared.
        let rows = rows(&csv);
        let count =
            |name: &str| rows.iter().filter(|row| row[0] == name).map(|row| row[5].clone()).collect::<BTreeSet<_>>();
        let on = |side: &str| unpaired.values().filter(|(of, _)| *of == side).count();
        assert_eq!((count("before_only").len(), count("after_only").len()), (on("before"), on("after")), "{path}");
        assert_eq!(count("same_run").len(), paired.values().filter(|(.., same)| *same).count(), "{path}");
        kinds.into_iter().map(|(change, _)| change).collect()
    }

    fn check_unpaired(&self, answer: &Value, unpaired: &BTreeMap<usize, (&str, usize)>, unexpected: bool) {
        let found = answer["unpaired"].as_array().unwrap();
        assert_eq!(found.len(), unpaired.len());
        for one in found {
            let on = place(&one["configuration"]);
            let (side, ran) = unpaired[&on];
            assert_eq!((one["side"].as_str(), one["run"]["uuid"].as_u64()), (Some(side), Some(time(ran) as u64 * 100)));
            let failed: BTreeMap<String, &str> = (0..TESTS)
                .map(|number| format!("{number}.html"))
                .map(|test| (Did::of(&self.runs[on][ran], &test, unexpected), test))
                .filter(|(did, _)| !did.failed.is_empty())
                .map(|(did, test)| (test, did.state()))
                .collect();
            let tests = one["tests"].as_array().unwrap().iter();
            let tests: BTreeMap<String, &str> =
                tests.map(|it| (it["test"].as_str().unwrap().to_owned(), it["state"].as_str().unwrap())).collect();
            assert_eq!((one["failed"].as_u64(), tests), (Some(failed.len() as u64), failed));
        }
    }
}

/// A suite whose every test fails, of which half pass later and the others do not run.
fn many(views: &mut EventRows, offset: &mut u64) {
    let all: Run = (0..MANY).map(|number| (format!("{number}.html"), ("TEXT", "PASS"))).collect();
    let half: Run = (0..MANY / 2).map(|number| (format!("{number}.html"), ("PASS", "PASS"))).collect();
    for on in 0..2 {
        for (at, run) in [(0, &all), (1, &half)] {
            *offset += 1;
            views.add(upload("many", on, at, 60, run), *offset);
        }
    }
}

/// A commit of two shards, a rerun of one test, and a rerun that failed; the times of each test in it, milliseconds.
fn shards(views: &mut EventRows, offset: &mut u64) {
    let leaf = |actual: &str, time: u64| json!({ "actual": actual, "time": time });
    let mut broken: Map<String, Value> = (0..9).map(|number| (format!("{number}.html"), leaf("CRASH", 9000))).collect();
    broken.insert("b.html".to_owned(), leaf("TEXT", 5000));
    let shards = [
        json!({ "a.html": leaf("PASS", 900), "b.html": leaf("PASS", 300) }),
        json!({ "c.html": leaf("PASS", 700) }),
        json!({ "a.html": leaf("PASS", 500) }),
        broken.into(),
    ];
    for (shard, start) in shards.iter().zip([60, 61, 120, 180]) {
        *offset += 1;
        views.add(run("shards", configuration(0), &known(1), time(1) + start, shard), *offset);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_comparison_says_what_each_test_did_in_all_runs_of_a_commit() {
    let mut runner = TestRunner::deterministic();
    let mut offset = 0;
    let mut views = EventRows::default();
    let runs: Runs = (0..CONFIGURATIONS)
        .map(|on| {
            let count = if on == 0 { prop_oneof![Just(1usize), 1..3usize].boxed() } else { (0..3usize).boxed() };
            let runs = count.prop_flat_map(|count| proptest::collection::vec(any_run(), count));
            (0..COMMITS).map(|_| sample(&mut runner, runs.clone())).collect()
        })
        .collect();
    for at in 0..COMMITS {
        offset += 1;
        views.add(commit(time(at), known(at)), offset);
    }
    let crashed: Run = (0..TESTS).map(|number| (format!("{number}.html"), ("CRASH", "PASS"))).collect();
    for (on, commits) in runs.iter().enumerate() {
        for (at, of_commit) in commits.iter().enumerate() {
            for (number, run) in of_commit.iter().enumerate() {
                // An upload that the next one replaces leaves nothing behind.
                for uploaded in [&crashed, run] {
                    offset += 1;
                    views.add(upload("s", on, at, number as i64 * 60, uploaded), offset);
                }
            }
        }
    }
    many(&mut views, &mut offset);
    shards(&mut views, &mut offset);
    let directory = tempfile::tempdir().unwrap();
    let engine = engine::start(directory.path()).await;
    let service = QueryService::start(&engine, directory.path(), "compare", [views]).await;
    let model = Model { service, runs };
    let mut kinds = BTreeSet::new();
    for before in 0..COMMITS {
        for after in 0..COMMITS {
            kinds.extend(model.check(before, after, before <= after).await);
        }
    }
    let all = ["changed", "expected", "fixed", "flaky", "gone", "new", "same"];
    assert_eq!(Vec::from_iter(&kinds), all);
    let (status, body) = model.service.get("/api/compare?suite=many&before=0@main&after=1@main&limit=1").await;
    let answer: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((status.as_u16(), &answer["counts"]), (200, &json!({ "fixed": MANY / 2, "gone": MANY / 2 })));
    // A run that broke as a whole says nothing about times.
    let (_, body) = model.service.get("/api/slowest/shards").await;
    let answer: Value = serde_json::from_slice(&body).unwrap();
    let slow = |test: &Value| (test["test"].as_str().unwrap().to_owned(), test["time"].as_u64().unwrap());
    let tests: Vec<_> = answer["tests"].as_array().unwrap().iter().map(slow).collect();
    assert_eq!(tests, [("c.html", 700), ("a.html", 500), ("b.html", 300)].map(|(test, time)| (test.to_owned(), time)));
    engine.shutdown().await;
}
