//! `split`: what jobs that run side by side are given, by durations that a server has measured.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;

use crate::checkout::{Checkout, code, stderr, stdout};

/// Tests of the suite. Every second one is slow, so that shares by number alone are unequal.
const TESTS: u64 = 40;

/// What a test takes, milliseconds.
fn milliseconds(test: u64) -> u64 {
    if test.is_multiple_of(2) { 900 + 17 * test } else { 20 + test }
}

fn name(test: u64) -> String {
    format!("C::t{test:02}")
}

/// The share of each job, and what they said.
fn shares(checkout: &Checkout, jobs: usize) -> (Vec<Vec<String>>, String) {
    let mut said = String::new();
    let mut share = |index: usize| {
        let (jobs, index) = (jobs.to_string(), index.to_string());
        let arguments = ["split", "--suite", "unit", "--names", "names.txt", "--parallel", &jobs, "--index", &index];
        let output = checkout.run(&[&arguments[..], &["--tries", "1"]].concat());
        assert_eq!(code(&output), 0, "{}", stderr(&output));
        said += &stderr(&output);
        stdout(&output).lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let shares = (1..=jobs).map(&mut share).collect();
    (shares, said)
}

/// The longest share in parts of the mean one.
fn imbalance(shares: &[Vec<String>]) -> f64 {
    let durations: BTreeMap<String, u64> = (0..TESTS).map(|test| (name(test), milliseconds(test))).collect();
    let of = |share: &Vec<String>| share.iter().filter_map(|test| durations.get(test)).sum::<u64>() as f64;
    let sums: Vec<f64> = shares.iter().map(of).collect();
    sums.iter().copied().fold(0.0, f64::max) / (sums.iter().sum::<f64>() / sums.len() as f64)
}

#[test]
fn shares_by_durations_of_a_server_are_equal_and_have_each_test_once() {
    let mut checkout = Checkout::new();
    // Medians: one run of the three took twice as long throughout.
    for factor in [1, 2, 1] {
        let mut report = String::from("<testsuite name=\"s\">");
        for test in 0..TESTS {
            let seconds = (factor * milliseconds(test)) as f64 / 1000.0;
            let _ = write!(report, "<testcase classname=\"C\" name=\"t{test:02}\" time=\"{seconds}\"/>");
        }
        fs::write(checkout.path("report.xml"), report + "</testsuite>").unwrap();
        let output = checkout.run(&["upload", "report.xml", "--suite", "unit"]);
        assert_eq!(code(&output), 0, "{}", stderr(&output));
        checkout.commit();
    }
    let plan = checkout.server.json("/api/plan/unit");
    for test in 0..TESTS {
        assert_eq!(plan["tests"][name(test)], milliseconds(test), "{plan}");
    }
    // One of them has never run.
    let mut names: Vec<String> = (0..TESTS).map(name).chain(["C::unheard".to_owned()]).collect();
    fs::write(checkout.path("names.txt"), names.join("\n")).unwrap();
    names.sort();
    for jobs in [1, 2, 3, 5] {
        let (shares, said) = shares(&checkout, jobs);
        let mut all = shares.concat();
        all.sort();
        assert_eq!((all, said.as_str()), (names.clone(), ""), "{jobs} jobs");
        assert!(imbalance(&shares) < 1.15, "{jobs} jobs: {} in {shares:?}", imbalance(&shares));
    }
    // Where none is known, shares are equal by number, and that is said.
    fs::write(checkout.path("names.txt"), "C::x1\nC::x2\nC::x3\nC::x4").unwrap();
    let (unheard, said) = shares(&checkout, 2);
    assert_eq!(unheard.iter().map(Vec::len).collect::<Vec<_>>(), [2, 2]);
    let told =
        "the tests are divided evenly by their number, because nothing is known of any of them in the suite 'unit'";
    assert_eq!(said.matches(told).count(), 2, "{said}");
    fs::write(checkout.path("names.txt"), names.join("\n")).unwrap();
    checkout.stop_server();
    let (shares, said) = shares(&checkout, 2);
    let mut all = shares.concat();
    all.sort();
    assert_eq!(all, names);
    assert_eq!(said.matches("divided by their number alone").count(), 2, "{said}");
    assert!(imbalance(&shares) > 1.5, "without durations, the slow half is one job's: {shares:?}");
}
