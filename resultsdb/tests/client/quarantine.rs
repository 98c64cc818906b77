//! `quarantine`: what people say is in force at once, at the gate and in the lists, until it ends, and is seen all the while.

use std::fs;

use schema::clock::now_signed;

use crate::checkout::{Checkout, code, junit, stderr, stdout};

/// A branch on which everything passes.
fn sound() -> (Checkout, String) {
    let checkout = Checkout::new();
    let mut base = checkout.head.clone();
    for _ in 0..6 {
        let tests = [("good", true), ("other", true), ("third", true), ("fourth", true)];
        fs::write(checkout.path("report.xml"), junit(&tests)).unwrap();
        let output = checkout.run(&["upload", "report.xml", "--suite", "unit"]);
        assert_eq!(code(&output), 0, "{}", stderr(&output));
        base = checkout.git(&["rev-parse", "HEAD"]);
        checkout.commit();
    }
    (checkout, base)
}

/// Runs a command that has to end with 0; what it printed.
fn done(checkout: &Checkout, arguments: &[&str]) -> String {
    let output = checkout.run(arguments);
    assert_eq!(code(&output), 0, "{arguments:?}: {}{}", stdout(&output), stderr(&output));
    stdout(&output)
}

#[test]
fn the_gate_lets_pass_what_is_in_quarantine_and_shows_it() {
    let (mut checkout, base) = sound();
    let gate = |checkout: &Checkout, failing: &[&str]| {
        let tests = ["good", "other", "third", "fourth"].map(|test| (test, !failing.contains(&test)));
        fs::write(checkout.path("report.xml"), junit(&tests)).unwrap();
        let output = checkout.run(&[
            "gate",
            "report.xml",
            "--suite",
            "unit",
            "--change",
            "7",
            "--base",
            &base,
            "--exit-code",
            "1",
            "--tries",
            "1",
        ]);
        checkout.commit();
        (code(&output), stdout(&output))
    };
    assert_eq!(gate(&checkout, &["good"]).0, 1);
    let meant = ["--suite", "unit", "--test", "C::go*"];
    let park = |checkout: &Checkout, more: &[&str]| {
        done(checkout, &[&["quarantine", "add", "--reason", "ticket 7", "--owner", "core"], &meant[..], more].concat())
    };
    // What is said of another kind of failure or of another machine is no excuse.
    park(&checkout, &["--days", "1", "--failure", "CRASH"]);
    park(&checkout, &["--days", "1", "-c", "platform=plan9"]);
    // Nothing is known of such machines, which is no reason to refuse.
    for (suite, more, told) in [
        ("unit", &["-c", "platform=plan9"][..], "No run of 'unit' on 'plan9' is known: the entry is kept"),
        ("unti", &[], "No run of the suite 'unti' is known: the entry is kept"),
        ("unit", &[], ""),
    ] {
        let add = ["quarantine", "add", "--suite", suite, "--test", "C::third", "--reason", "r", "--days", "0.5"];
        let output = checkout.run(&[&add[..], more].concat());
        let said = stderr(&output);
        assert!(code(&output) == 0 && said.contains(told) && said.is_empty() == told.is_empty(), "{said}");
        done(&checkout, &[&["quarantine", "release", "--suite", suite, "--test", "C::third"], more].concat());
    }
    // A pattern that describes the whole suite is said to, as far as its tests are known.
    let whole = ["--suite", "unit", "--test", "C::*"];
    let output = checkout.run(&[&["quarantine", "add", "--reason", "r", "--days", "0.5"], &whole[..]].concat());
    let said = stderr(&output);
    assert!(code(&output) == 0 && said.contains("'C::*' describes all 4 tests of 'unit' that are known"), "{said}");
    done(&checkout, &[&["quarantine", "release"], &whole[..]].concat());
    let (ended, said) = gate(&checkout, &["good"]);
    assert!(ended == 1 && said.contains("new: C::good FAIL: "), "{said}");
    park(&checkout, &["--days", "1", "--by", "ada"]);
    let (ended, said) = gate(&checkout, &["good"]);
    assert_eq!(ended, 0, "{said}");
    let line = said.lines().find(|line| line.starts_with("quarantined: C::good FAIL: In quarantine until ")).unwrap();
    assert!(line.contains("by ada, owner core: ticket 7. Without that: "), "{line}");
    assert!(said.ends_with("no new failures, 1 known\n"), "{said}");
    // Another failure beside it counts.
    let (ended, said) = gate(&checkout, &["good", "other"]);
    assert!(ended == 1 && said.contains("new: C::other FAIL") && said.contains("quarantined: C::good FAIL"), "{said}");
    let listed = done(&checkout, &["quarantine", "list", "--suite", "unit"]);
    assert_eq!(listed.lines().count(), 3, "{listed}");
    let list = done(&checkout, &["quarantine", "export", "--suite", "unit"]);
    assert!(list.starts_with("C::good\n") && list.contains("# Left out, C::go*: it is about CRASH alone"), "{list}");

    // An entry ends by itself: nobody has to say so.
    let until = chrono::DateTime::from_timestamp(now_signed() + 2, 0).unwrap().to_rfc3339();
    park(&checkout, &["--until", &until, "--by", "ada"]);
    let expired = ["quarantine", "list", "--state", "expired"];
    test_support::wait::until("the entry ends", || done(&checkout, &expired).lines().count() == 1);
    assert_eq!(gate(&checkout, &["good"]).0, 1);

    park(&checkout, &["--days", "1"]);
    assert_eq!(gate(&checkout, &["good"]).0, 0);
    done(&checkout, &[&["quarantine", "release"], &meant[..]].concat());
    let (ended, said) = gate(&checkout, &["good"]);
    assert!(ended == 1 && said.contains("new: C::good FAIL"), "{said}");
    let again = checkout.run(&[&["quarantine", "release"], &meant[..]].concat());
    assert!(code(&again) == 1 && stderr(&again).contains("is not in quarantine in that way"), "{}", stderr(&again));

    // Without an answer, failures count, whatever is in quarantine.
    park(&checkout, &["--days", "1"]);
    assert_eq!(gate(&checkout, &["good"]).0, 0);
    checkout.stop_server();
    let tests = [("good", false), ("other", true)];
    fs::write(checkout.path("report.xml"), junit(&tests)).unwrap();
    let output = checkout.run(&["gate", "report.xml", "--suite", "unit", "--change", "7", "--tries", "1"]);
    assert_eq!(code(&output), 1, "{}", stdout(&output));
    fs::write(checkout.path("list"), "C::old\n").unwrap();
    let export = checkout.run(&["quarantine", "export", "--suite", "unit", "-o", "list", "--tries", "1"]);
    assert_eq!((code(&export), fs::read_to_string(checkout.path("list")).unwrap().as_str()), (1, "C::old\n"));
}
