//! `attempt`: whoever mended a flaky test hears with what certainty the fix holds.

use std::fs;
use std::process::Output;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::checkout::{Checkout, code, junit, stderr, stdout};

/// A branch on which `flaky` fails in one run of three, and the rest passes.
fn with_flaky_test() -> Checkout {
    let checkout = Checkout::new();
    for number in 0..12 {
        let tests = [("flaky", number % 3 != 1), ("good", true), ("other", true), ("fourth", true)];
        fs::write(checkout.path("report.xml"), junit(&tests)).unwrap();
        let output = checkout.run(&["upload", "report.xml", "--suite", "unit"]);
        assert_eq!(code(&output), 0, "{}", stderr(&output));
        checkout.commit();
    }
    for (name, passes) in [("good.txt", true), ("bad.txt", false)] {
        fs::write(checkout.path(name), junit(&[("flaky", passes), ("other", true)])).unwrap();
    }
    checkout
}

/// Makes reruns of the flaky test with a script that is told the number of its call.
fn attempt(checkout: &Checkout, more: &[&str], script: &str) -> Output {
    let count = "n=$(($(cat n 2> /dev/null || echo 0) + 1)); echo $n > n; ";
    let _ = fs::remove_file(checkout.path("n"));
    let script = format!("{count}{script}");
    let mut all = vec!["attempt", "--suite", "unit", "--test", "C::flaky", "--tries", "1"];
    all.extend(more);
    all.extend(["--", "sh", "-c", &script]);
    checkout.run(&all)
}

/// Waits until a process is gone, but for what its parent has yet to hear of it.
fn wait_for_end(process: &str) {
    let is_running = || {
        let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
        stat.rsplit_once(") ").is_some_and(|(_, state)| !state.starts_with('Z'))
    };
    let started = Instant::now();
    while is_running() {
        assert!(started.elapsed() < Duration::from_secs(20), "{process} is left running");
        std::thread::yield_now();
    }
}

fn document(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}{}", stdout(output), stderr(output)))
}

#[test]
fn a_fix_is_tried_until_it_is_certain_or_fails() {
    let mut checkout = with_flaky_test();
    let output = attempt(&checkout, &["--json"], "echo from the runner; cp good.txt report.xml");
    let found = document(&output);
    assert_eq!((code(&output), &found["conclusion"]), (0, &json!("holds")), "{found:#}{}", stderr(&output));
    assert!(stderr(&output).contains("from the runner"), "standard output is the document's");
    let before = ["standing", "runs", "failed"].map(|member| found["before"][member].clone());
    assert_eq!(before, [json!("flaky"), json!(12), json!(4)], "{found:#}");
    // (8.5 · 9.5 · … · 17.5) / (13 · 14 · … · 22) is the first such product that is less than 5 %.
    assert_eq!((&found["planned"], &found["reruns"]["passed"], &found["more"]), (&json!(10), &json!(10), &json!(0)));
    assert_eq!(fs::read_to_string(checkout.path("n")).unwrap().trim(), "10");

    let third = "if [ $n = 3 ]; then cp bad.txt report.xml; exit 1; else cp good.txt report.xml; fi";
    let output = attempt(&checkout, &[], third);
    let said = stdout(&output);
    assert_eq!(code(&output), 1, "{said}{}", stderr(&output));
    assert!(said.starts_with("C::flaky failed in 4 of 12 runs on the default branch, "), "{said}");
    assert!(said.ends_with("It failed in 1 of 3 reruns: the fix does not hold.\n"), "{said}");
    assert_eq!(stderr(&output), "rerun 1 of 10: passed\nrerun 2 of 10: passed\nrerun 3 of 10: failed\n");

    let output = attempt(&checkout, &["--json", "--runs", "3", "--branch", "main"], "cp good.txt report.xml");
    let found = document(&output);
    assert_eq!(
        (code(&output), &found["conclusion"], &found["more"]),
        (1, &json!("not-enough"), &json!(7)),
        "{found:#}"
    );

    // Ctrl-C ends the rerun that goes on, and what the others said is said.
    let output = attempt(&checkout, &[], "cp good.txt report.xml; if [ $n = 3 ]; then kill -INT $PPID; fi");
    let said = stdout(&output);
    assert_eq!(code(&output), 130, "{said}{}", stderr(&output));
    assert!(
        said.contains("2 reruns passed and none failed") && said.ends_with("interrupted after 2 of 10 reruns.\n"),
        "{said}"
    );

    // A second one ends a rerun that does not care, and what is known is said all the same.
    let deaf = "cp good.txt report.xml; if [ $n = 3 ]; then trap '' INT; sleep 600 & echo $$ $! > running; \
                while :; do kill -INT $PPID; done; fi";
    let output = attempt(&checkout, &[], deaf);
    let said = stdout(&output);
    assert_eq!(code(&output), 130, "{said}{}", stderr(&output));
    assert!(said.contains("2 reruns passed and none failed: ") && said.ends_with("after 2 of 10 reruns.\n"), "{said}");
    for process in fs::read_to_string(checkout.path("running")).unwrap().split_whitespace() {
        wait_for_end(process);
    }

    checkout.stop_server();
    let output = attempt(&checkout, &["--runs", "3"], "touch ran");
    assert_eq!((code(&output), stdout(&output)), (2, String::new()));
    assert!(stderr(&output).contains("is away") && !checkout.path("ran").exists(), "{}", stderr(&output));
}

#[test]
fn a_test_that_never_failed_has_nothing_to_be_compared_with() {
    let checkout = with_flaky_test();
    let of = |test: &str, more: &[&str]| {
        let mut all = vec!["attempt", "--suite", "unit", "--test", test];
        all.extend(more);
        let output = checkout.run(&[&all[..], &["--", "sh", "-c", "cp good.txt report.xml"]].concat());
        (code(&output), stdout(&output), stderr(&output))
    };
    let (ended, said, error) = of("C::other", &[]);
    assert!(ended == 2 && said.is_empty() && error.contains("C::other failed in none of 12 runs"), "{said}{error}");
    let (ended, said, error) = of("C::other", &["--runs", "5"]);
    assert!(ended == 0 && said.contains("less than 45.1 % of its runs"), "{said}{error}");
    let (ended, said, error) = of("C::othr", &["--runs", "50"]);
    assert!(ended == 1 && said.contains("No run of C::othr") && said.contains("ran is C::flaky."), "{said}{error}");
    let (ended, _, error) = of("C::flaky", &["-c", "platform=amiga"]);
    assert!(ended == 2 && error.contains("No run of C::flaky"), "{error}");
    for (more, told) in [(["--runs", "0"], "--runs"), (["--confidence", "1"], "write a share between 0 and 0.9999")] {
        let (ended, _, error) = of("C::flaky", &more);
        assert!(ended == 2 && error.contains(told), "{error}");
    }
    let output = checkout.run(&["attempt", "--suite", "unit", "--test", "C::flaky", "--", "no-such-command"]);
    assert!(code(&output) == 2 && stderr(&output).contains("no-such-command cannot be started"), "{}", stderr(&output));
    checkout.server.stop();
}
