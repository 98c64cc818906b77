//! Every door gives the same verdict: triage, the page of a test, its badge, the list of flaky tests, failures, the feed,
//! changes, comparisons.
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

const CONFIGURATIONS: usize = 3;
const TESTS: usize = 80;
/// Two commits a day.
const COMMITS: usize = 24;
const STEP: i64 = 43_200;

/// Oldest first: P passed, F failed, C crashed, B failed and passed on a retry, E failed as expected, - is not in the run.
type Did = Vec<String>;

fn did(runner: &mut TestRunner) -> Did {
    let chance = |letters: &'static str| {
        proptest::collection::vec(prop::sample::select(letters.as_bytes()), COMMITS)
            .prop_map(|did| String::from_utf8(did).unwrap())
    };
    let then = |first: &'static str, second: &'static str| {
        (0..=COMMITS).prop_map(move |at| format!("{}{}", first.repeat(at), second.repeat(COMMITS - at)))
    };
    let with_gaps = |shape: BoxedStrategy<String>| {
        (shape, proptest::collection::vec(prop::bool::weighted(0.3), COMMITS)).prop_map(|(did, gaps)| {
            did.chars().zip(gaps).map(|(letter, gap)| if gap { '-' } else { letter }).collect::<String>()
        })
    };
    let shape = prop_oneof![
        3 => Just("P".repeat(COMMITS)),
        2 => then("P", "F"),
        2 => then("F", "P"),
        1 => then("F", "C"),
        1 => then("F", "E"),
        1 => then("F", "-"),
        1 => then("-", "P"),
        2 => chance("PPPPF"),
        1 => chance("PPPPPPB"),
        1 => chance("PFCBE-"),
        1 => with_gaps(then("P", "F").boxed()),
        1 => with_gaps(chance("PPF").boxed()),
    ];
    // What fails on one configuration hides what happened on others, so that most tests are well on these.
    let others = prop_oneof![2 => Just("P".repeat(COMMITS)), 1 => shape.clone()];
    (0..CONFIGURATIONS)
        .map(|index| if index == 0 { sample(runner, shape.clone()) } else { sample(runner, others.clone()) })
        .collect()
}

fn leaf(letter: u8) -> Option<Value> {
    Some(match letter {
        b'P' => json!({ "actual": "PASS" }),
        b'F' => json!({ "actual": "TEXT" }),
        b'C' => json!({ "actual": "CRASH" }),
        b'B' => json!({ "actual": "TEXT PASS" }),
        b'E' => json!({ "actual": "TEXT", "expected": "TEXT" }),
        _ => return None,
    })
}

fn results(commit: usize, index: usize, tests: &[Did]) -> Value {
    let ran = tests
        .iter()
        .enumerate()
        .filter_map(|(number, test)| Some((format!("{number}.html"), leaf(test[index].as_bytes()[commit])?)));
    let mut found: Map<String, Value> = ran.collect();
    // So many pass that no run counts as broken as a whole.
    found.extend((0..3 * TESTS).map(|number| (format!("steady-{number}.html"), json!({}))));
    found.into()
}

/// How many configurations of a page's timeline have a verdict of a kind.
fn counted(page: &str, words: &str) -> u64 {
    let Some((before, _)) = page.split_once(&format!(" {words}</span>")) else { return 0 };
    before.rsplit('>').next().and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// Failures of the newest runs carry the words of their group; the feed has what is new and what is fixed.
async fn failures_and_feed_say(service: &QueryService, groups: &BTreeMap<&str, &str>) {
    let words =
        BTreeMap::from([("new", "new"), ("still", "still failing"), ("flaky", "flaky"), ("notrun", "not run lately")]);
    let page = service.text("/investigate?suite=s&unexpected=true").await;
    let mut failing = 0;
    for item in page.split("<li data-key=\"").skip(1) {
        let (test, rest) = item.split_once('"').unwrap();
        let item = rest.split_once("</li>").unwrap().0;
        let said = item
            .split_once("<span class=\"verdict ")
            .map(|(_, rest)| rest.split_once('>').unwrap().1.split_once('<').unwrap().0);
        assert_eq!(said, groups.get(test).map(|group| words[group]), "{test}: {item}");
        failing += 1;
    }
    assert!(failing > 10, "{failing} tests fail");
    let feed = service.text("/triage.atom?suite=s&days=3").await;
    let told: BTreeSet<&str> = feed.split("<title>s ").skip(1).map(|title| title.split_once(' ').unwrap().0).collect();
    let news = groups.iter().filter(|(_, group)| ["new", "fixed"].contains(group)).map(|(test, _)| *test);
    assert_eq!(told, news.collect());
}

/// What is new after a commit that is known belongs to a change that is not over, and has its blame range.
async fn changes_say(service: &QueryService, tests: &[Did], groups: &BTreeMap<&str, &str>) {
    let triage: Value = service.json("/api/triage?suite=s&days=3&limit=1000").await;
    for test in triage["tests"].as_array().unwrap() {
        let name = test["test"].as_str().unwrap();
        if groups[name] != "new" || test["worsened_from"] != Value::Null {
            continue;
        }
        let answer: Value = service.json(&format!("/api/changes/s/{name}?weeks=4")).await;
        let since = test["since"].as_u64().unwrap();
        let holds = |change: &Value| {
            let after = change["after"]["uuid"].as_u64().unwrap_or(0);
            change["open"] == true && after < since && since <= change["until"]["uuid"].as_u64().unwrap()
        };
        let number: Option<usize> = name.trim_end_matches(".html").parse().ok();
        assert!(
            answer["changes"].as_array().unwrap().iter().any(holds),
            "{name} {:#?} {test:#?} {answer:#?}",
            number.map(|number| &tests[number])
        );
    }
}

/// What fails on the newest commit, and not on the one before, is what the comparison of the two calls new.
async fn comparison_says(service: &QueryService, tests: &[Did], newest: i64) {
    let path = format!("/api/compare?suite=s&before={:040x}&after={newest:040x}&limit=1000", newest - STEP);
    let answer: Value = service.json(&path).await;
    let said: BTreeSet<&str> = answer["tests"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|test| test["change"] == "new")
        .map(|test| test["test"].as_str().unwrap())
        .collect();
    let is_new = |did: &String| {
        let (before, after) = (did.as_bytes()[COMMITS - 2], did.as_bytes()[COMMITS - 1]);
        b"FC".contains(&after) && b"PE-".contains(&before)
    };
    let names: Vec<String> = (0..tests.len()).map(|number| format!("{number}.html")).collect();
    let expected = names.iter().zip(tests).filter(|(_, did)| did.iter().any(is_new)).map(|(name, _)| name.as_str());
    assert_eq!(said, expected.collect());
}

#[tokio::test(flavor = "multi_thread")]
async fn all_of_them_agree() {
    let mut runner = TestRunner::deterministic();
    let tests: Vec<Did> = (0..TESTS).map(|_| did(&mut runner)).collect();
    let newest = now() - 3600;
    let mut views = EventRows::default();
    let mut offset = 0;
    for index in 0..CONFIGURATIONS {
        for at in 0..COMMITS {
            let time = newest - (COMMITS - 1 - at) as i64 * STEP;
            let commit = json!({ "repository_id": "webkit", "branch": "main", "timestamp": time, "hash": format!("{time:040x}") });
            let configuration = json!({ "platform": "mac", "version": 14_000_000 + index, "is_simulator": false, "architecture": "arm64" });
            offset += 1;
            views.add(run("s", configuration, &commit, time + 60, &results(at, index, &tests)), offset);
        }
    }
    // A configuration that stopped more than a week ago, with a test that failed on it last.
    for at in 0..3 {
        let time = newest - (COMMITS - 1 - at) as i64 * STEP;
        let commit =
            json!({ "repository_id": "webkit", "branch": "main", "timestamp": time, "hash": format!("{time:040x}") });
        let configuration =
            json!({ "platform": "ios", "version": 14_000_000, "is_simulator": false, "architecture": "arm64" });
        let mut found: Map<String, Value> =
            (0..3 * TESTS).map(|number| (format!("steady-{number}.html"), json!({}))).collect();
        found.insert("silent.html".to_owned(), json!({ "actual": if at > 0 { "TEXT" } else { "PASS" } }));
        offset += 1;
        views.add(run("s", configuration, &commit, time + 60, &found.into()), offset);
    }
    let directory = tempfile::tempdir().unwrap();
    let engine = engine::start(directory.path()).await;
    let service = QueryService::start(&engine, directory.path(), "doors", [views]).await;
    let listed = |answer: String, members: [&str; 2]| -> BTreeMap<String, (Value, Value)> {
        let answer: Value = serde_json::from_str(&answer).unwrap();
        let of = |test: &Value| (test[members[0]].clone(), test[members[1]].clone());
        answer["tests"]
            .as_array()
            .unwrap()
            .iter()
            .map(|test| (test["test"].as_str().unwrap().to_owned(), of(test)))
            .collect()
    };
    let triage = service.text("/api/triage?suite=s&days=3&limit=1000").await;
    let triage = listed(triage, ["group", "configurations"]);
    let flaky = service.text("/api/flaky?suite=s&weeks=4&limit=1000").await;
    let flaky = listed(flaky, ["is_flaky_now", "configurations"]);
    assert_eq!(triage["silent.html"].0, "notrun");
    let groups: BTreeMap<&str, &str> =
        triage.iter().map(|(test, (group, _))| (test.as_str(), group.as_str().unwrap())).collect();
    failures_and_feed_say(&service, &groups).await;
    changes_say(&service, &tests, &groups).await;
    comparison_says(&service, &tests, newest).await;
    let mut seen: BTreeMap<String, u64> = BTreeMap::new();
    for (number, did) in tests.iter().enumerate() {
        let name = format!("{number}.html");
        let page = service.text(&format!("/?suite=s&test={name}")).await;
        let badge = service.text(&format!("/badge/s/{name}.svg")).await;
        let (failing, noisy) = (counted(&page, "failing"), counted(&page, "flaky"));
        let (group, places) = triage.get(&name).cloned().unwrap_or_default();
        let group = group.as_str().unwrap_or("none").to_owned();
        let places = places.as_array().map_or(0, Vec::len) as u64;
        *seen.entry(group.clone()).or_default() += 1;
        let says = |words: &str| badge.contains(&format!(">{words}<"));
        match group.as_str() {
            "new" | "still" => {
                assert_eq!(failing, places, "{name} is {group}: {did:#?}");
                assert!(says(&format!("{places} failing")), "{name} is {group}: {did:#?}: {badge}");
            }
            "flaky" => {
                assert_eq!((failing, noisy), (0, places), "{name} is {group}: {did:#?}");
                assert!(says("flaky"), "{name} is {group}: {did:#?}: {badge}");
            }
            _ => {
                assert_eq!((failing, noisy), (0, 0), "{name} is {group}: {did:#?}");
                assert!(!says("flaky") && !badge.contains(" failing<"), "{name} is {group}: {did:#?}: {badge}");
            }
        }
        let is_flaky_now = flaky.get(&name).is_some_and(|(now, _)| *now == true);
        assert_eq!(is_flaky_now, noisy > 0, "{name} is {group}: {did:#?}");
    }
    for group in ["new", "still", "fixed", "flaky", "removed", "none"] {
        assert!(seen.get(group).copied().unwrap_or(0) > 0, "no test is {group}: {seen:?}");
    }
    engine.shutdown().await;
}
