//! `gate`: what a pipeline hears of the failures of a change.

use std::fs;

use serde_json::{Value, json};

use crate::checkout::{Checkout, code, junit, stderr, stdout};

/// A branch on which `known` fails always and `flaky` now and then; the rest passes.
fn with_history() -> (Checkout, String) {
    let checkout = Checkout::new();
    let mut base = checkout.head.clone();
    for number in 0..12 {
        let tests = [("known", false), ("flaky", number % 3 != 1), ("good", true), ("other", true)];
        fs::write(checkout.path("report.xml"), junit(&tests)).unwrap();
        let output = checkout.run(&["upload", "report.xml", "--suite", "unit"]);
        assert_eq!(code(&output), 0, "{}", stderr(&output));
        base = checkout.git(&["rev-parse", "HEAD"]);
        checkout.commit();
    }
    (checkout, base)
}

#[test]
fn only_what_is_new_fails() {
    let (checkout, base) = with_history();
    let gate = |tests: &[(&str, bool)], more: &[&str]| {
        fs::write(checkout.path("report.xml"), junit(tests)).unwrap();
        let mut all = vec!["gate", "report.xml", "--suite", "unit", "--change", "7", "--base", &base];
        all.extend(more);
        checkout.run(&all)
    };
    let known = [("known", false), ("flaky", false), ("good", true), ("other", true)];
    let output = gate(&known, &["--summary", "summary.json", "--exit-code", "1"]);
    let said = stdout(&output);
    assert_eq!(code(&output), 0, "{said}{}", stderr(&output));
    assert!(said.contains("known failing: C::known FAIL") && said.ends_with("no new failures, 2 known\n"), "{said}");
    let summary: Value = serde_json::from_slice(&fs::read(checkout.path("summary.json")).unwrap()).unwrap();
    let link = summary["gate"]["known_failing"][0]["link"].as_str().unwrap();
    let (status, page) = checkout.server.get(link.strip_prefix(&checkout.server.url).unwrap());
    assert!(status == 200 && page.contains("C::known"), "{link}");

    checkout.commit();
    let mut tests = known.to_vec();
    tests[2].1 = false;
    let output = gate(&tests, &["--summary", "summary.md"]);
    let said = stdout(&output);
    assert!(code(&output) == 1 && said.contains("new: C::good FAIL: "), "{said}{}", stderr(&output));
    let markdown = fs::read_to_string(checkout.path("summary.md")).unwrap();
    assert!(markdown.contains("### unit: 1 new failure, 2 known") && markdown.contains("**1 new**"), "{markdown}");

    checkout.commit();
    tests[2] = ("unheard", false);
    assert_eq!(code(&gate(&tests, &[])), 1);
    checkout.commit();
    assert_eq!(code(&gate(&tests, &["--allow-unknown"])), 0);
    checkout.commit();
    // Nobody knows what a run would have found that ended early.
    assert_eq!(code(&gate(&[("good", true), ("known", true), ("other", true)], &["--exit-code", "3"])), 1);

    checkout.commit();
    // A test that passes against its expectation is a failure for some runners, and for others none.
    let bonus = "1..4\nok 1 - good # TODO\nok 2 - other\nok 3 - known\nok 4 - flaky\n";
    for (exit_code, ended) in [("0", 0), ("1", 1)] {
        fs::write(checkout.path("report.tap"), bonus).unwrap();
        let output = checkout.run(&[
            "gate",
            "report.tap",
            "--suite",
            "unit",
            "--change",
            "7",
            "--base",
            &base,
            "--exit-code",
            exit_code,
        ]);
        assert_eq!(code(&output), ended, "{}{}", stdout(&output), stderr(&output));
        checkout.commit();
    }

    let of_change = checkout.server.json("/api/results/unit?branch=change/7&recent=false");
    assert_eq!(of_change[0]["results"].as_array().unwrap().len(), 7, "{of_change}");
    let of_branch = checkout.server.json("/api/results/unit?recent=false");
    assert_eq!(of_branch[0]["results"].as_array().unwrap().len(), 12, "no change is on the branch");
    checkout.server.stop();
}

#[test]
fn all_runs_of_a_change_together_say_what_the_gate_said() {
    let (mut checkout, base) = with_history();
    let gate = |checkout: &Checkout, tests: &[(&str, bool)]| {
        fs::write(checkout.path("report.xml"), junit(tests)).unwrap();
        code(&checkout.run(&["gate", "report.xml", "--suite", "unit", "--change", "7", "--base", &base]))
    };
    let change = |checkout: &Checkout, id: &str| {
        let output = checkout.run(&["change", id, "--tries", "1"]);
        (code(&output), stdout(&output), stderr(&output))
    };
    let known = [("known", false), ("flaky", false), ("good", true), ("other", true)];
    assert_eq!(gate(&checkout, &known), 0);
    let (ended, said, _) = change(&checkout, "7");
    let title = "### Change 7: no new failures, 1 known failing, 1 known flaky\n";
    assert!(ended == 0 && said.starts_with(title), "{said}");
    assert!(said.contains(&format!("[All of it]({}/change/7)", checkout.server.url)), "{said}");
    let place = &checkout.server.json("/api/changes-under-review/7")["suites"][0]["places"][0];
    assert_eq!((&place["base"]["source"], &place["base"]["commit"]["hash"]), (&json!("told"), &json!(base)));

    checkout.commit();
    let mut tests = known.to_vec();
    tests[2].1 = false;
    assert_eq!(gate(&checkout, &tests), 1);
    let (ended, said, _) = change(&checkout, "7");
    assert!(
        ended == 1 && said.contains("1 new failure, 1 known failing, 1 known flaky") && said.contains("C::good"),
        "{said}"
    );

    // The next commit mends both what the change broke and what the branch fails.
    checkout.commit();
    assert_eq!(gate(&checkout, &[("known", true), ("flaky", true), ("good", true), ("other", true)]), 0);
    let (ended, said, _) = change(&checkout, "7");
    assert!(ended == 0 && said.contains("no new failures, 3 mended by a later commit, 1 fixed"), "{said}");

    let (ended, said, error) = change(&checkout, "8");
    assert!(ended == 1 && said.is_empty() && error.contains("Nothing was uploaded for a change 8"), "{error}");
    checkout.stop_server();
    assert_eq!(change(&checkout, "7").0, 1, "without a server nothing passes");
}

#[test]
fn a_run_of_few_tests_does_not_pass_though_none_failed() {
    let (checkout, base) = with_history();
    let gate = |tests: &[(&str, bool)], more: &[&str]| {
        checkout.commit();
        fs::write(checkout.path("report.xml"), junit(tests)).unwrap();
        let mut all = vec!["gate", "report.xml", "--suite", "unit", "--change", "7", "--base", &base];
        all.extend(more);
        let output = checkout.run(&all);
        (code(&output), stdout(&output))
    };
    let few = [("good", true), ("other", true)];
    let (ended, said) = gate(&few, &[]);
    assert_eq!(ended, 1, "{said}");
    assert!(said.contains("the run has 3 of the suite's 5 tests, which is too few to compare it\n"), "{said}");
    assert!(said.ends_with("no new failures, 1 run incomplete\n") && !said.contains("it goes by"), "{said}");
    let change = checkout.run(&["change", "7"]);
    assert!(code(&change) == 1 && stdout(&change).contains("no new failures, 1 run incomplete"), "{}", stdout(&change));
    let (ended, said) = gate(&few, &["--allow-unknown"]);
    assert!(ended == 0 && said.ends_with("no new failures, 1 run incomplete\n"), "{said}");
    // What fails in such a run is not excused by that.
    assert_eq!(gate(&[("known", false), ("other", true)], &["--allow-unknown"]).0, 1);
    // A part is always smaller than the suite.
    let (ended, said) = gate(&few, &["--shard", "1/2"]);
    assert!(ended == 0 && said.ends_with("no new failures\n"), "{said}");
    let all = [("good", true), ("other", true), ("known", true), ("flaky", true)];
    let (ended, said) = gate(&all, &["--summary", "summary.json"]);
    assert!(ended == 0 && said.ends_with("no new failures\n"), "{said}");
    let summary: Value = serde_json::from_slice(&fs::read(checkout.path("summary.json")).unwrap()).unwrap();
    assert_eq!(summary["gate"]["lacks_tests"], false, "{summary}");
    checkout.server.stop();
}

#[test]
fn a_gate_without_a_base_says_what_it_goes_by() {
    let (checkout, _) = with_history();
    let tests = [("known", false), ("flaky", true), ("good", true), ("other", true)];
    fs::write(checkout.path("report.xml"), junit(&tests)).unwrap();
    let output = checkout.run(&["gate", "report.xml", "--suite", "unit", "--change", "7"]);
    let said = stdout(&output);
    assert_eq!(code(&output), 0, "{said}{}", stderr(&output));
    assert!(said.contains("the base of the change is not known: it goes by the newest runs of the branch"), "{said}");
    assert!(said.contains("known failing: C::known FAIL: The branch fails so in its newest runs "), "{said}");
    checkout.server.stop();
}

#[test]
fn a_base_that_the_server_does_not_know_is_taken_for_one_before_it() {
    let (checkout, _) = with_history();
    let newest = checkout.git(&["rev-parse", "HEAD"]);
    fs::write(checkout.path("report.xml"), junit(&[("known", false), ("flaky", true), ("good", true)])).unwrap();
    let gate = |base: &str| {
        let output = checkout.run(&["gate", "report.xml", "--suite", "unit", "--change", "7", "--base", base]);
        (code(&output), stdout(&output))
    };
    checkout.commit();
    let (ended, said) = gate(&newest);
    assert!(ended == 0 && said.contains("it goes by ") && said.contains(", before it"), "{said}");
    let (ended, said) = gate(&"9".repeat(40));
    assert!(ended == 0 && said.contains("it goes by the newest runs of the branch"), "{said}");
    let (ended, said) = gate("HEAD~2");
    assert!(ended == 0 && !said.contains("it goes by"), "the checkout's name of a base that has runs: {said}");
    checkout.server.stop();
}

#[test]
fn without_a_server_the_runner_s_own_result_counts() {
    let mut checkout = Checkout::new();
    checkout.stop_server();
    let failing = [("a", true), ("b", false)];
    let green = ["--exit-code", "0"];
    for (tests, more, ended) in [(&failing[..1], &[][..], 0), (&failing, &[], 1), (&failing, &green, 0)] {
        fs::write(checkout.path("report.xml"), junit(tests)).unwrap();
        let mut gate = vec!["gate", "report.xml", "--suite", "unit", "--change", "7", "--tries", "1"];
        gate.extend(more);
        let output = checkout.run(&gate);
        let said = stdout(&output);
        assert_eq!(code(&output), ended, "{said}");
        assert!(said.contains("The runner's own result counts, because "), "{said}");
    }
}

#[test]
fn a_gate_needs_a_change_and_says_when_there_are_too_many_failures() {
    let checkout = Checkout::new();
    let many: Vec<String> = (0..2001).map(|number| format!("t{number}")).collect();
    let tests: Vec<(&str, bool)> = many.iter().map(|name| (name.as_str(), false)).collect();
    fs::write(checkout.path("report.xml"), junit(&tests)).unwrap();
    let output = checkout.run(&["gate", "report.xml", "--suite", "unit"]);
    assert!(code(&output) == 1 && stderr(&output).contains("--change"), "{}", stderr(&output));
    let output = checkout.run(&["gate", "report.xml", "--suite", "unit", "--change", "7"]);
    assert!(code(&output) == 1 && stdout(&output).contains("2001 tests failed, which is too many to be known"));
    checkout.server.stop();
}

#[test]
fn a_gated_run_ends_well_though_its_command_does_not() {
    let (checkout, base) = with_history();
    for (tests, ended) in [
        (&[("known", false), ("good", true), ("other", true), ("flaky", true)], 0),
        (&[("known", false), ("good", false), ("other", true), ("flaky", true)], 1),
    ] {
        checkout.commit();
        fs::write(checkout.path("written.txt"), junit(tests)).unwrap();
        let output = checkout.run(&[
            "run",
            "--gate",
            "--change",
            "7",
            "--base",
            &base,
            "--suite",
            "unit",
            "--reports",
            "written.xml",
            "--",
            "sh",
            "-c",
            "cp written.txt written.xml; exit 1",
        ]);
        assert_eq!(code(&output), ended, "{}{}", stdout(&output), stderr(&output));
    }
    let documents = checkout.server.json("/api/upload?suite=unit&branch=change/7&recent=false");
    assert_eq!(documents[0]["test_results"]["results"]["(run)"], json!({ "actual": "PASS", "expected": "PASS" }));
    checkout.server.stop();
}
