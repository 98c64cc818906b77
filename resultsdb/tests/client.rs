//! The client's commands against a running server: what reports say shows up, once, and pipelines get the answer that they
//! act on.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

#[path = "client/attempt.rs"]
mod attempt;
#[path = "client/checkout.rs"]
mod checkout;
#[path = "client/examples.rs"]
mod examples;
#[path = "client/gate.rs"]
mod gate;
#[path = "client/quarantine.rs"]
mod quarantine;
#[path = "client/split.rs"]
mod split;

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};
use test_support::server::Binary;
use test_support::workspace;

use checkout::{Checkout, code, junit, stderr, stdout};

const RESULTSDB: Binary = test_support::resultsdb!();

/// A report of a real runner.
fn handed(path: &str) -> String {
    let path: PathBuf = workspace::path("reports/tests/reports").join(path);
    path.canonicalize().unwrap().to_string_lossy().into_owned()
}

#[test]
fn reports_show_up_with_all_attempts_and_in_the_archive() {
    let checkout = Checkout::new();
    for (suite, report) in [
        ("pytest", "pytest-rerunfailures-16.7/reruns.xml"),
        ("surefire", "surefire-3.2.5/rerun-nested"),
        ("jest", "jest-30.5.2/native.json"),
    ] {
        let output = checkout.run(&["upload", &handed(report), "--suite", suite, "-c", "python=3.12"]);
        assert_eq!((code(&output), stderr(&output)), (0, String::new()), "{suite}");
    }
    let documents = checkout.server.json("/api/upload?suite=pytest&recent=false");
    let document = &documents[0];
    let commit = &document["commits"][0];
    assert_eq!((&commit["hash"], &commit["branch"]), (&json!(checkout.head), &json!("main")));
    assert_eq!((&commit["repository_id"], &commit["author"]["name"]), (&json!("widget"), &json!("Ada")));
    let flaky = &document["test_results"]["results"]["flaky.test_flaky::test_flaky_third"];
    let states: Vec<&str> =
        flaky["attempts"].as_array().unwrap().iter().map(|attempt| attempt["state"].as_str().unwrap()).collect();
    assert_eq!((flaky["actual"].as_str(), states), (Some("FAIL FAIL PASS"), vec!["FAIL", "FAIL", "PASS"]));
    let results = checkout.server.json("/api/results/surefire/demo.MainTest::flakyThird?recent=false");
    assert_eq!(results[0]["results"][0]["actual"], "FAIL PASS", "{results}");
    let jest = checkout.server.json("/api/upload?suite=jest&recent=false");
    assert!(jest[0]["test_results"]["results"].as_object().unwrap().len() > 20, "{jest}");
    let archive = test_support::http::agent()
        .get(format!("{}/api/upload/archive?suite=surefire&recent=false", checkout.server.url))
        .call()
        .unwrap()
        .into_body()
        .read_to_vec()
        .unwrap();
    let archive = zip::ZipArchive::new(std::io::Cursor::new(archive)).unwrap();
    assert_eq!(archive.len(), 2);
    checkout.server.stop();
}

#[test]
fn what_is_printed_in_a_dry_run_is_what_is_uploaded_and_a_repetition_is_stored_once() {
    let checkout = Checkout::new();
    let report = handed("pytest-9.2.0/main.xml");
    let dry = checkout.run(&["upload", &report, "--suite", "unit", "--dry-run"]);
    assert_eq!(code(&dry), 0);
    assert_eq!(checkout.server.get("/api/suites").0, 404, "nothing is uploaded");
    fs::write(checkout.path("document.json"), &dry.stdout).unwrap();
    let runs = || {
        let results = checkout.server.json("/api/results/unit?recent=false");
        results[0]["results"].as_array().unwrap().len()
    };
    let receipts = || checkout.server.json("/api/upload?suite=unit&recent=false");
    assert_eq!(code(&checkout.run(&["upload", &report, "--suite", "unit"])), 0);
    let first = receipts();
    assert_eq!(code(&checkout.run(&["upload", &report, "--suite", "unit"])), 0);
    assert_eq!(code(&checkout.run(&["upload", "document.json"])), 0);
    assert_eq!((runs(), receipts()), (1, first.clone()));
    let dry: Value = serde_json::from_slice(&dry.stdout).unwrap();
    assert_eq!(first[0]["test_results"]["results"], dry["test_results"]["results"]);
    checkout.server.stop();
}

#[test]
fn a_run_that_is_not_well_is_red_and_well_again_afterwards() {
    let checkout = Checkout::new();
    fs::write(checkout.path("green.xml"), junit(&[("a", true)])).unwrap();
    let upload = |arguments: &[&str]| {
        let mut all = vec!["upload", "--suite", "unit", "--summary", "summary.json"];
        all.extend(arguments);
        checkout.run(&all)
    };
    // Each is a run of its own commit.
    assert_eq!(code(&upload(&["green.xml", "--exit-code", "3"])), 0);
    let summary: Value = serde_json::from_slice(&fs::read(checkout.path("summary.json")).unwrap()).unwrap();
    assert_eq!(summary["problems"].as_array().unwrap().len(), 1, "{summary}");
    checkout.commit();
    let missing = upload(&["missing.xml", "--exit-code", "1"]);
    assert_eq!(code(&missing), 1);
    assert!(stderr(&missing).starts_with("missing.xml cannot be read"), "{}", stderr(&missing));
    checkout.commit();
    assert_eq!(code(&upload(&["green.xml", "--exit-code", "0"])), 0);
    let results = checkout.server.json("/api/results/unit/(run)?recent=false");
    let states: Vec<&str> = results[0]["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|result| result["actual"].as_str().unwrap_or("PASS"))
        .collect();
    assert_eq!(states, ["ERROR", "ERROR", "PASS"], "{results}");
    checkout.server.stop();
}

#[test]
fn uploads_wait_while_the_server_is_away_and_go_with_the_next_call() {
    let mut checkout = Checkout::new();
    fs::write(checkout.path("report.xml"), junit(&[("a", true), ("b", false)])).unwrap();
    let address = checkout.server.url.trim_start_matches("http://").to_owned();
    checkout.stop_server();
    let upload = ["upload", "report.xml", "--suite", "unit", "--tries", "1"];
    let waiting = checkout.run(&upload);
    assert_eq!(code(&waiting), 0, "{}", stderr(&waiting));
    assert!(stderr(&waiting).contains("is away") && stderr(&waiting).contains("next call sends it"));
    checkout.commit();
    let strict: Vec<&str> = upload.iter().copied().chain(["--strict"]).collect();
    assert_eq!(code(&checkout.run(&strict)), 1);
    checkout.commit();
    checkout.restart_server(&address);
    let sent = checkout.run(&upload);
    assert_eq!((code(&sent), stderr(&sent).contains("2 uploads that waited")), (0, true), "{}", stderr(&sent));
    let results = checkout.server.json("/api/results/unit?recent=false");
    assert_eq!(results[0]["results"].as_array().unwrap().len(), 3, "{results}");
    let again = checkout.run(&upload);
    assert_eq!((code(&again), stderr(&again)), (0, String::new()));
    checkout.server.stop();
}

#[test]
fn a_run_ends_as_its_command_and_uploads_what_that_wrote() {
    let checkout = Checkout::new();
    fs::write(checkout.path("old.xml"), junit(&[("old", true)])).unwrap();
    fs::write(checkout.path("new.txt"), junit(&[("new", false)])).unwrap();
    let run = |script: &str, more: &[&str]| {
        let mut all = vec!["run", "--suite", "unit", "--reports", "*.xml"];
        all.extend(more);
        all.extend(["--", "sh", "-c", script]);
        checkout.run(&all)
    };
    for (script, ended) in [("cp new.txt new.xml; exit 7", 7), ("kill -9 $$", 137), ("touch old.xml", 0)] {
        assert_eq!(code(&run(script, &[])), ended, "{script}");
        checkout.commit();
    }
    let documents = checkout.server.json("/api/upload?suite=unit&recent=false");
    let named = |index: usize| {
        let results = documents[index]["test_results"]["results"].as_object().unwrap();
        let state = results["(run)"]["actual"].as_str().unwrap().to_owned();
        (results.keys().filter(|name| *name != "(run)").cloned().collect::<Vec<String>>(), state)
    };
    assert_eq!(named(0), (vec!["C::new".to_owned()], "PASS".to_owned()));
    assert_eq!(named(1), (vec![], "ERROR".to_owned()));
    assert_eq!(named(2), (vec!["C::old".to_owned()], "PASS".to_owned()));
    let unstartable = checkout.run(&["run", "--suite", "unit", "--", "no-such-command"]);
    assert_eq!((code(&unstartable), stderr(&unstartable).contains("no-such-command cannot be started")), (1, true));
    let nameless = checkout.run(&["run", "--", "touch", "ran"]);
    assert_eq!((code(&nameless), stderr(&nameless).contains("--suite")), (1, true), "{}", stderr(&nameless));
    let ungated = checkout.run(&["run", "--suite", "unit", "--comment", "github", "--", "touch", "ran"]);
    assert_eq!((code(&ungated), stderr(&ungated).contains("give --gate")), (1, true), "{}", stderr(&ungated));
    assert!(!checkout.path("ran").exists(), "what is missing is told before the tests run");
    checkout.server.stop();
}

#[test]
fn a_split_gives_each_test_to_one_job() {
    let mut checkout = Checkout::new();
    let split = |checkout: &Checkout, index: &str, more: &[&str]| {
        let mut all = vec!["split", "--suite", "unit", "--parallel", "2", "--index", index, "--tries", "1"];
        all.extend(more);
        let output = checkout.run(&all);
        assert_eq!(code(&output), 0, "{}", stderr(&output));
        (stdout(&output).lines().map(str::to_owned).collect::<Vec<_>>(), stderr(&output))
    };
    let plan = r#"{"suite":"unit","tests":{"a::x":1000,"b::x":100,"c::x":100,"d::x":500,"d::y":1600}}"#;
    fs::write(checkout.path("plan.json"), plan).unwrap();
    let files = ["--plan", "plan.json", "a", "b", "c", "d"];
    assert_eq!(split(&checkout, "1", &files), (vec!["d".to_owned()], String::new()));
    assert_eq!(split(&checkout, "2", &files).0, ["a", "b", "c"]);
    checkout.stop_server();
    let files = ["a", "b", "c", "d"];
    let (plain, said) = split(&checkout, "1", &files);
    assert_eq!(plain, ["a", "c"]);
    assert!(said.contains("divided by their number alone"), "{said}");
    assert_eq!(split(&checkout, "2", &files).0, ["b", "d"]);
    assert_eq!(code(&checkout.run(&["split", "--suite", "unit", "--parallel", "2", "--index", "3", "a"])), 1);
}
