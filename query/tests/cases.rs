//! Histories that other systems judge wrongly, each with the right verdict at every door.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, unreachable_pub)]

use serde_json::{Map, Value, json};
use test_support::clock::{DAY, now};
use test_support::engine;
use test_support::events::run;
use test_support::query_service::QueryService;
use test_support::rows::EventRows;

const HOUR: i64 = 3600;
const TEST: &str = "x/t";

/// Uploads of one configuration to suites of their own.
struct Uploads {
    rows: EventRows,
    offset: u64,
    now: i64,
}

impl Uploads {
    fn new() -> Self {
        Self { rows: EventRows::default(), offset: 0, now: now() }
    }

    /// Uploads a run; times of the commit and the start of the run are seconds before now.
    fn run(&mut self, suite: &str, commit_age: i64, age: i64, tests: &[(&str, Value)]) {
        let time = self.now - commit_age;
        let commit =
            json!({ "repository_id": "webkit", "branch": "main", "timestamp": time, "hash": format!("{time:040x}") });
        self.commit(suite, &commit, age, tests);
    }

    fn commit(&mut self, suite: &str, commit: &Value, age: i64, tests: &[(&str, Value)]) {
        let configuration =
            json!({ "platform": "mac", "version": 14_002_000, "is_simulator": false, "architecture": "arm64" });
        let tests: Map<String, Value> = tests.iter().map(|(test, leaf)| ((*test).to_owned(), leaf.clone())).collect();
        self.offset += 1;
        self.rows.add(run(suite, configuration, commit, self.now - age, &tests.into()), self.offset);
    }

    /// One run an hour of nine steady tests and [`TEST`], which did what each letter says, the oldest first: P passed, F
    /// failed, C crashed, E failed as expected, S passed though a failure was expected, . is not in the run.
    fn history(&mut self, suite: &str, letters: &str) {
        let count = letters.len() as i64;
        for (index, letter) in (0..).zip(letters.chars()) {
            let age = (count - index) * HOUR;
            let mut tests = steady();
            if let Some(leaf) = leaf(letter) {
                tests.push((TEST, leaf));
            }
            self.run(suite, age + 600, age, &tests);
        }
    }
}

const STEADY: [&str; 9] = ["ok/0", "ok/1", "ok/2", "ok/3", "ok/4", "ok/5", "ok/6", "ok/7", "ok/8"];

fn steady() -> Vec<(&'static str, Value)> {
    STEADY.iter().map(|test| (*test, json!({ "actual": "PASS" }))).collect()
}

fn with(letter: char) -> Vec<(&'static str, Value)> {
    let mut tests = steady();
    tests.push((TEST, leaf(letter).unwrap()));
    tests
}

fn leaf(letter: char) -> Option<Value> {
    let (actual, expected) = match letter {
        'P' => ("PASS", "PASS"),
        'F' => ("TEXT", "PASS"),
        'C' => ("CRASH", "PASS"),
        'E' => ("TEXT", "TEXT"),
        'S' => ("PASS", "TEXT"),
        'B' => ("TEXT PASS", "PASS"),
        _ => return None,
    };
    Some(json!({ "actual": actual, "expected": expected }))
}

/// What the doors say of a test, or of a suite, and of the commits that they name, by age in hours.
struct Doors<'a> {
    service: &'a QueryService,
    now: i64,
}

impl Doors<'_> {
    /// The group of [`TEST`] and how many hours before now its finding began; none if it is not listed.
    async fn triage(&self, suite: &str) -> Option<(String, i64)> {
        let answer = self.service.json(&format!("/api/triage?suite={suite}")).await;
        let test = answer["tests"].as_array().unwrap().iter().find(|test| test["test"] == TEST)?.clone();
        Some((test["group"].as_str().unwrap().to_owned(), self.hours(&test["since"])))
    }

    /// Hours between the time of a commit and now, rounded down.
    fn hours(&self, commit: &Value) -> i64 {
        (self.now - commit.as_i64().unwrap() / 100) / HOUR
    }

    /// The words of a badge.
    async fn badge(&self, path: &str) -> String {
        let picture = self.service.text(&format!("/badge/{path}.svg")).await;
        let title = picture.split("<title>").nth(1).unwrap().split("</title>").next().unwrap();
        title.split(": ").nth(1).unwrap().split(" (").next().unwrap().to_owned()
    }
}

/// A finding of triage that began so many hours ago.
fn since(group: &str, hours: i64) -> Option<(String, i64)> {
    Some((group.to_owned(), hours))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_door_is_right() {
    let mut uploads = Uploads::new();
    // A suite of two tests, both of which fail on the last two of five commits; and one in which nearly everything crashes.
    for index in 0..5 {
        let state = json!({ "actual": if index < 3 { "PASS" } else { "FAIL" } });
        uploads.run("few", (6 - index) * HOUR, (6 - index) * HOUR, &[(TEST, state.clone()), ("unit", state)]);
        let names: Vec<String> = (0..99).map(|number| format!("t/{number}")).collect();
        let leaf = |number: usize| json!({ "actual": if index > 2 && number < 94 { "CRASH" } else { "PASS" } });
        let mut tests: Vec<(&str, Value)> =
            names.iter().enumerate().map(|(number, name)| (name.as_str(), leaf(number))).collect();
        tests.push((TEST, leaf(0)));
        uploads.run("most", (6 - index) * HOUR, (6 - index) * HOUR, &tests);
    }
    // Shards: the test is in the first one only.
    for index in 0..6 {
        let age = (7 - index) * HOUR;
        uploads.run("shards", age, age - 100, &with(if index < 2 { 'P' } else { 'F' }));
        uploads.run("shards", age, age - 200, &[("second/0", json!({})), ("second/1", json!({}))]);
    }
    // A rerun of another test on the newest commit.
    uploads.history("rerun", "PPFFFF");
    uploads.run("rerun", HOUR + 600, HOUR - 900, &[("ok/1", json!({}))]);
    for (suite, letters) in [
        ("never", "F.F.F.F"),
        ("gap", "PPFF.F"),
        ("open", "PPFFF."),
        ("worse", "PPPPFFFFC"),
        ("garden", "PPFFEE"),
        ("surprise", "PPEEES"),
        ("fixed", "PPFFPP"),
    ] {
        uploads.history(suite, letters);
    }
    // A rerun of everything on the newest commit, in which the test passes.
    uploads.history("retry", "PPPPPF");
    uploads.run("retry", HOUR + 600, HOUR - 900, &with('P'));
    for index in 0..6 {
        let age = (7 - index) * HOUR;
        uploads.run("retries", age, age - 60, &with('F'));
        uploads.run("retries", age, age - 120, &[(TEST, leaf('P').unwrap())]);
    }
    uploads.history("inside", "PPBBBB");
    // No commit for nine days, or for forty, and a run every night, of which the last two fail.
    for days in (1..=9).rev() {
        let letter = if days > 2 { 'P' } else { 'F' };
        uploads.run("quiet", 9 * DAY, days * DAY - 60, &with(letter));
        uploads.run("month", 40 * DAY, days * DAY - 60, &with(letter));
    }
    // A slow queue tests this morning what landed four days ago.
    for index in 0..6 {
        let letter = if index < 4 { 'P' } else { 'C' };
        uploads.run("late", 4 * DAY + (6 - index) * HOUR, 3 * HOUR - index * 1800, &with(letter));
    }
    // A commit whose clock is an hour ahead.
    uploads.history("ahead", "PPP");
    uploads.run("ahead", -HOUR, 300, &with('F'));
    // Identifiers say that the commit with the later clock came first.
    for (index, (age, letter)) in (0..).zip([(8, 'P'), (7, 'P'), (3, 'P'), (5, 'F'), (4, 'F')]) {
        // No other suite has these commits.
        let time = uploads.now - age * HOUR - 17;
        let commit = json!({
            "repository_id": "webkit", "branch": "main", "timestamp": time, "hash": format!("{time:040x}"),
            "identifier": format!("{}@main", 100 + index),
        });
        uploads.commit("clocks", &commit, age * HOUR, &with(letter));
        let registration = test_support::events::commit(time, commit);
        uploads.offset += 1;
        uploads.rows.add(registration, uploads.offset);
    }
    // Old noise, a long calm, and a failure that stays.
    uploads.history("noise", &format!("{}{}{}", "PF".repeat(10), "P".repeat(40), "F".repeat(6)));
    let directory = tempfile::tempdir().unwrap();
    let engine = engine::start(directory.path()).await;
    let Uploads { rows, now, .. } = uploads;
    let service = QueryService::start(&engine, directory.path(), "cases", [rows]).await;
    let doors = Doors { service: &service, now };
    for (suite, listed, badge) in [
        ("few", since("new", 3), "1 failing"),
        ("most", since("new", 3), "1 failing"),
        ("shards", since("new", 5), "1 failing"),
        ("rerun", since("new", 4), "1 failing"),
        ("never", since("still", 7), "1 failing"),
        ("gap", since("new", 4), "1 failing"),
        ("open", since("new", 4), "1 failing"),
        ("worse", since("new", 1), "1 failing"),
        ("garden", since("expected", 2), "fails as expected"),
        ("surprise", since("surprising", 1), "passing"),
        ("fixed", since("fixed", 2), "passing"),
        ("retry", since("flaky", 1), "flaky"),
        ("retries", since("flaky", 2), "flaky"),
        ("inside", since("flaky", 1), "flaky"),
        ("quiet", since("new", 9 * 24), "1 failing"),
        ("month", since("new", 40 * 24), "1 failing"),
        ("late", since("new", 4 * 24 + 2), "1 failing"),
        ("ahead", since("new", -1), "1 failing"),
        ("clocks", since("new", 5), "1 failing"),
        ("noise", since("new", 6), "1 failing"),
    ] {
        assert_eq!(doors.triage(suite).await, listed, "triage of {suite}");
        assert_eq!(doors.badge(&format!("{suite}/{TEST}")).await, badge, "badge of {suite}");
        let page = doors.service.text(&format!("/?suite={suite}&test={TEST}")).await;
        let words = match badge {
            "flaky" => "1 flaky",
            "passing" => "1 passing",
            "fails as expected" => "1 failing as expected",
            failing => failing,
        };
        assert!(page.contains(&format!(">{words}</span>")), "page of {suite} is not {words}: {page}");
        let feed = doors.service.text(&format!("/triage.atom?suite={suite}")).await.replace("&#x2f;", "/");
        let is_told = matches!(listed, Some((ref group, _)) if group == "new" || group == "fixed");
        assert_eq!(feed.contains(TEST), is_told, "feed of {suite}: {feed}");
        let flaky = doors.service.json(&format!("/api/flaky?suite={suite}")).await;
        let is_flaky = flaky["tests"].as_array().unwrap().iter().any(|test| test["is_flaky_now"] == true);
        assert_eq!(is_flaky, badge == "flaky", "flaky tests of {suite}: {flaky}");
    }
    assert_eq!(doors.badge("retry").await, "flaky");
    assert_eq!(doors.badge("shards").await, "1 failing");
    assert_eq!(doors.badge("quiet").await, "1 failing");
    // So much fails that the run is told of as broken as well.
    let most = doors.service.json("/api/triage?suite=most&limit=1000").await;
    assert_eq!((most["counts"]["new"].as_u64(), most["broken"][0]["runs"].as_u64()), (Some(95), Some(2)));
    assert!(doors.service.text("/triage?suite=most").await.contains("Most tests fail on"));
    let worse = doors.service.json("/api/triage?suite=worse").await;
    assert_eq!((&worse["tests"][0]["worsened_from"], &worse["tests"][0]["state"]), (&json!("TEXT"), &json!("CRASH")));
    engine.shutdown().await;
}
