#![allow(clippy::unwrap_used)]

use std::ops::ControlFlow;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::model::{Attempt, Item};
use crate::name::Name;
use crate::run::Options;
use crate::run_reader::RunReader;

fn document(reports: &[&str], head: Head) -> (Value, Written) {
    let mut writer = DocumentWriter::new(Vec::new()).unwrap();
    let mut sink = |item: Item| {
        match item {
            Item::Test(test) => writer.test(&test, &["@ada".to_owned()]).unwrap(),
            Item::Problem(problem) => writer.problem(&problem),
            Item::Source(source) => writer.source(&source),
        }
        ControlFlow::Continue(())
    };
    let mut run = RunReader::new(Options::default(), &mut sink);
    for report in reports {
        run.read("report", report.as_bytes()).unwrap();
    }
    run.finish().unwrap();
    let (bytes, written) = writer.finish(head, 1_700_000_000).unwrap();
    (serde_json::from_slice(&bytes).unwrap(), written)
}

fn one(attempts: Vec<Attempt>) -> Value {
    let mut test = Test::new(Name::of_class("C", "t"), attempts);
    test.name = "C::t".to_owned();
    let mut writer = DocumentWriter::new(Vec::new()).unwrap();
    writer.test(&test, &[]).unwrap();
    let (bytes, _) = writer.finish(Head::default(), 0).unwrap();
    let document: Value = serde_json::from_slice(&bytes).unwrap();
    document["test_results"]["results"]["C::t"].clone()
}

#[test]
fn a_run_becomes_a_document() {
    let head = Head {
        suite: "unit".into(),
        configuration: json!({ "platform": "linux" }).as_object().unwrap().clone(),
        commits: vec![json!({ "repository_id": "r", "id": "1" })],
        details: json!({ "link": "https://ci/1" }).as_object().unwrap().clone(),
        run: RunOrigin { id: Some("7".into()), exit_code: Some(1), ..RunOrigin::default() },
        change: Some(Change { id: "12".into(), authors: vec!["ada".into()], base: None }),
        ..Head::default()
    };
    let report = r#"<testsuites name="nextest-run"><testsuite name="s">
        <testcase name="ok" classname="C" time="0.0124" timestamp="2026-11-27T12:10:21.651+05:30"/>
        <testcase name="bad" classname="C" time="2" timestamp="2026-11-27T12:10:22+05:30"><failure message="no"/></testcase>
        <testcase name="off" classname="C"><skipped message="later"/></testcase></testsuite></testsuites>"#;
    let (document, written) = document(&[report], head);
    let results = &document["test_results"]["results"];
    let names: Vec<&String> = results.as_object().unwrap().keys().collect();
    assert_eq!(names.len(), 4, "{names:?}");
    let of = |end: &str| {
        let name = names.iter().find(|name| name.ends_with(end)).unwrap();
        results[name.as_str()].clone()
    };
    assert_eq!(of("ok"), json!({ "actual": "PASS", "expected": "PASS", "time": 12, "owners": ["@ada"] }));
    assert_eq!((&of("bad")["actual"], &of("bad")["log"]), (&json!("FAIL"), &json!("no")));
    assert_eq!(of("off")["actual"], "SKIP");
    assert_eq!(results["(run)"], json!({ "actual": "PASS", "expected": "PASS" }));
    let stats = json!({ "start_time": 1_795_761_621, "end_time": 1_795_761_624, "tests_skipped": 1 });
    assert_eq!(document["test_results"]["run_stats"], stats);
    assert_eq!((&document["timestamp"], written.timestamp), (&json!(1_795_761_621), 1_795_761_621));
    assert_eq!(document["change"], json!({ "id": "12", "authors": ["ada"] }));
    assert_eq!((&document["run"]["id"], &document["run"]["exit_code"]), (&json!("7"), &json!(1)));
    assert!(document.get("problems").is_none() && document.get("shard").is_none(), "{document}");
    assert_eq!((written.counts.tests, written.counts.failed, written.counts.skipped), (3, 1, 1));
}

#[test]
fn attempts_are_kept_where_there_is_more_than_one() {
    let failed = Attempt::new(Status::Failed, Some(3.4)).with_message("expected 1");
    let leaf = one(vec![failed.clone(), Attempt::new(Status::Timeout, None), Attempt::new(Status::Passed, Some(1.0))]);
    let attempts = json!([{ "state": "FAIL", "time": 3, "log": "expected 1" }, { "state": "TIMEOUT" }, { "state": "PASS", "time": 1 }]);
    let expected = json!({
        "actual": "FAIL TIMEOUT PASS", "expected": "PASS", "time": 1, "log": "expected 1", "flakiness_num_tries": 3,
        "flakiness_num_passes": 1, "attempts": attempts,
    });
    assert_eq!(leaf, expected);
    assert!(one(vec![failed.clone()]).get("attempts").is_none());
    let always = one(vec![failed.clone(), failed]);
    assert!(
        always["attempts"].as_array().unwrap().len() == 2 && always.get("flakiness_num_tries").is_none(),
        "{always}"
    );
}

#[test]
fn expected_failures_are_expected() {
    let leaf = |status| {
        let leaf = one(vec![Attempt::new(status, None)]);
        (leaf["actual"].as_str().unwrap().to_owned(), leaf["expected"].as_str().unwrap().to_owned())
    };
    assert_eq!(leaf(Status::ExpectedFailure), ("FAIL".into(), "FAIL".into()));
    assert_eq!(leaf(Status::UnexpectedPass), ("PASS".into(), "FAIL".into()));
    assert_eq!(leaf(Status::Crash), ("CRASH".into(), "PASS".into()));
}

#[test]
fn no_run_with_a_problem_is_green() {
    let green = r#"<testsuite name="s"><testcase name="a" classname="C"/></testsuite>"#;
    let ended_with =
        |code| Head { run: RunOrigin { exit_code: Some(code), ..RunOrigin::default() }, ..Head::default() };
    let surprise = r#"<testsuite name="pytest"><testcase name="a" classname="C"><failure message="[XPASS(strict)] x"/></testcase></testsuite>"#;
    for (report, head, said) in [
        (green, Head::default(), None),
        (green, ended_with(0), None),
        (green, ended_with(3), Some("exit code 3, and no test of its reports failed")),
        (surprise, ended_with(1), Some("exit code 1, and of its tests none failed, and 1 passed")),
        ("<testsuite name='s' tests='0'/>", Head::default(), Some("the reports have no test")),
        ("<testsuite name='s' tests='0'/>", ended_with(1), Some("exit code 1, and its reports have no test")),
        (&green[..green.len() - 4], ended_with(0), Some("is broken off at line 1")),
    ] {
        let (document, written) = document(&[report], head);
        let own = &document["test_results"]["results"]["(run)"];
        match said {
            None => assert!(written.problems.is_empty() && own["actual"] == "PASS", "{document}"),
            Some(said) => {
                assert_eq!(own["actual"], "ERROR", "{document}");
                assert!(own["log"].as_str().unwrap().contains(said), "{document}");
                assert_eq!(document["problems"], json!(written.problems), "{document}");
            }
        }
    }
}

#[test]
fn the_parts_of_a_run_have_their_own_result_of_the_run() {
    let shard = Shard { index: 3, count: 8, of: Some("77".into()) };
    let (document, _) = document(&["1..1\nok 1 - a\n"], Head { shard: Some(shard), ..Head::default() });
    assert_eq!(document["shard"], json!({ "index": 3, "count": 8, "of": "77" }));
    assert_eq!(document["test_results"]["results"]["(run)/shard 3"]["actual"], "PASS");
}

#[test]
fn of_many_problems_the_first_are_told() {
    let mut writer = DocumentWriter::new(Vec::new()).unwrap();
    for number in 0..150 {
        writer.complain(format!("problem {number}"));
    }
    let (_, written) = writer.finish(Head::default(), 0).unwrap();
    assert_eq!(written.problems.len(), 101);
    assert_eq!(written.problems.last().unwrap(), "and 51 more");
}

proptest! {
    #[test]
    fn names_are_what_servers_take(name in "\\PC{0,40}|[\\x00-\\x1f\\x7f-\\x9f a-z]{0,20}|x{3990,4100}") {
        let clean = clean_name(&name);
        prop_assert!(!clean.is_empty() && clean.len() < 4096 && !clean.chars().any(char::is_control));
        prop_assert_ne!(&*clean, RUN_TEST);
    }
}
