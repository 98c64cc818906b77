//! Failures that are expected, before the fix and after it.
#![allow(clippy::unwrap_used)]

use std::fs;

use clap::Parser;
use serde_json::{Value, json};

use super::tests::{Place, counts};

/// The server's answer of a test with so many runs, failures and expected failures.
fn answer(standing: &str, runs: u32, unexpected: u32, expected: u32) -> Value {
    let place = json!({
        "configuration": { "platform": "linux" }, "standing": standing, "runs": runs, "unexpected": unexpected,
        "expected_failures": expected,
    });
    json!({ "places": [place] })
}

/// A place in which `known` is a report of a test that failed as expected, and `tried` one of which its runner tried again.
fn place(answer: &Value) -> Place {
    let place = Place::new(answer);
    let case = r#"<testcase classname="C" name="a"><skipped type="pytest.xfail" message="bug 12"/></testcase>"#;
    let report = format!(r#"<testsuites><testsuite name="pytest">{case}</testsuite></testsuites>"#);
    fs::write(place.folder.path().join("known"), report).unwrap();
    let tried = json!({ "test_results": { "results": { "C::a": { "actual": "FAIL PASS", "expected": "FAIL" } } } });
    fs::write(place.folder.path().join("tried"), tried.to_string()).unwrap();
    place
}

#[test]
fn an_expected_failure_is_no_evidence_of_one_that_nobody_expects_before_and_after() {
    // By the other runs alone, as many reruns are needed as without the expected failures.
    let told = |expected: u32| place(&answer("flaky", 12, 4, expected)).rerun(&[], "cat good > report.xml").0;
    let (without, with) = (told(0), told(9));
    assert_eq!((&without["planned"], &without["certainty"]), (&with["planned"], &with["certainty"]));
    assert_eq!(with["before"]["expected_failures"], 9);
    let text = with["text"].as_str().unwrap();
    let before = "C::a failed in 4 of 12 runs on the default branch, linux. Beside these, it failed as expected in 9 runs, \
                  which is not counted. ";
    assert!(text.starts_with(before), "{text}");
    // A rerun in which it failed as expected is neither a pass nor a failure; none of three tells anything.
    for report in ["known", "tried"] {
        let (document, code) = place(&answer("flaky", 12, 4, 9)).rerun(&[], &format!("cat {report} > report.xml"));
        let text = document["text"].as_str().unwrap();
        assert_eq!(
            (code, counts(&document), document["reruns"]["expected"].as_u64()),
            (1, [0, 0, 0, 0], Some(3)),
            "{text}"
        );
        assert!(document["conclusion"] == "not-enough" && text.contains("In 3 reruns it failed as expected"), "{text}");
    }
}

#[test]
fn a_test_whose_failures_are_all_expected_is_told_so() {
    let known = answer("expected", 3, 0, 9);
    let told = "C::a failed in 9 of 12 runs on the default branch, as expected each time, so there is no failure to compare with that \
                nobody expects.";
    let refused = place(&known).refused(&[]);
    assert!(refused.starts_with(told) && refused.contains("Take the expectation away"), "{refused}");
    // One that never did anything else is known, too.
    let refused = place(&answer("expected", 0, 0, 4)).refused(&[]);
    assert!(refused.starts_with("C::a failed in 4 of 4 runs"), "{refused}");
    let (document, code) = place(&known).rerun(&["--runs", "5"], "cat known > report.xml");
    assert_eq!((code, &document["conclusion"]), (1, &json!("not-enough")), "{document:#}");
    let (document, code) = place(&known).rerun(&["--runs", "5"], "cat good > report.xml");
    let text = document["text"].as_str().unwrap();
    assert_eq!((code, &document["conclusion"]), (0, &json!("nothing-to-compare")), "{document:#}");
    assert!(text.starts_with(told) && text.contains("it fails in less than 45.1 % of its runs"), "{text}");
}

#[test]
fn names_may_begin_with_a_dash() {
    #[derive(Parser)]
    struct Line {
        #[command(subcommand)]
        command: crate::Command,
    }
    let named = [
        &["attempt", "--suite", "-s", "--test", "--dash", "--", "true"][..],
        &["attempt", "--test=-t", "--suite=-s", "--", "true"],
        &["quarantine", "add", "--suite", "-s", "--test", "-t*", "--reason", "r", "--days", "1"],
        &["quarantine", "release", "--suite", "--s", "--test", "--t"],
        &["quarantine", "list", "--suite", "-s", "--test", "-t"],
        &["quarantine", "export", "--suite", "-s"],
        &["upload", "report.xml", "--suite", "-s"],
        &["gate", "report.xml", "--suite", "-s"],
        &["run", "--suite", "-s", "--", "true"],
        &["owners", "--suite", "-s"],
        &["split", "a.rs", "--suite", "-s"],
        &["import", "--from", "http://a", "--suite", "-s", "--suite", "--t"],
    ];
    for words in named {
        let parsed = Line::try_parse_from([&["resultsdb-client"], words].concat());
        assert!(parsed.is_ok_and(|line| format!("{:?}", line.command).contains("\"-")), "{words:?}");
    }
}
