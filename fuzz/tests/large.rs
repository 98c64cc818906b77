//! A report far larger than the memory that reading it may take.
#![allow(clippy::unwrap_used)]

use std::io::Read;
use std::ops::ControlFlow;

use fuzz::memory::{self, Counting};
use fuzz::pieces::Pieces;
use reports::{Item, Options, RunReader};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const LIMIT: usize = 64 << 20;

/// Reads `head`, `count` pieces and `tail`, and says how many tests that were, and the peak of memory.
fn peak(head: &str, piece: impl Fn(u64) -> String, count: u64, tail: &str) -> (u64, usize) {
    let mut problems = Vec::new();
    let (tests, bytes) = memory::peak(|| {
        let mut sink = |item| {
            if let Item::Problem(problem) = item {
                problems.push(problem.to_string());
            }
            ControlFlow::Continue(())
        };
        let mut run = RunReader::new(Options::default(), &mut sink);
        run.read("made", head.as_bytes().chain(Pieces::new(count, piece)).chain(tail.as_bytes())).unwrap();
        run.finish().unwrap()
    });
    assert!(problems.is_empty(), "{problems:?}");
    assert!(bytes > 0, "memory is not counted");
    (tests, bytes)
}

#[test]
fn large_reports_are_read_in_little_memory() {
    let text = "x".repeat(1000);
    // 200 MB of testcases with messages, by no known tool.
    let failed = |number: u64| {
        format!(
            "<testcase classname=\"pkg.Class\" name=\"test_{number}\" time=\"0.1\"><failure message=\"no\">{text}</failure></testcase>"
        )
    };
    let (tests, bytes) = peak("<testsuite name=\"s\">", failed, 180_000, "</testsuite>");
    assert_eq!(tests, 180_000);
    assert!(bytes < LIMIT, "JUnit: {} MiB", bytes >> 20);
    // The same of pytest, whose tests are held back for their reruns.
    let head = "<testsuites name=\"pytest tests\"><testsuite name=\"pytest\">";
    let (tests, bytes) = peak(head, failed, 180_000, "</testsuite></testsuites>");
    assert_eq!(tests, 180_000);
    assert!(bytes < LIMIT, "pytest: {} MiB", bytes >> 20);
    // One text of 200 MB, and one attribute of it.
    let (tests, bytes) = peak(
        "<testsuite><testcase name=\"a\" classname=\"b\"><system-out>",
        |_| text.clone(),
        200_000,
        "</system-out></testcase></testsuite>",
    );
    assert_eq!(tests, 1);
    assert!(bytes < LIMIT, "text: {} MiB", bytes >> 20);
    let (tests, bytes) =
        peak("<testsuite><testcase classname=\"b\" name=\"", |_| text.clone(), 50_000, "\"/></testsuite>");
    assert_eq!(tests, 1);
    assert!(bytes < LIMIT, "attribute: {} MiB", bytes >> 20);
    // A million small tests: what is kept of each to tell names apart.
    let small = |number: u64| format!("<testcase classname=\"C\" name=\"t{number}\" time=\"0\"/>");
    let (tests, bytes) = peak("<testsuite name=\"s\">", small, 1_000_000, "</testsuite>");
    assert_eq!(tests, 1_000_000);
    assert!(bytes < LIMIT, "names: {} MiB", bytes >> 20);
    // JSON: tests of CTRF, and one string of 50 MB.
    let (tests, bytes) = peak(
        "{\"results\":{\"tests\":[{\"name\":\"first\",\"status\":\"passed\"}",
        |number| format!(",{{\"name\":\"t{number}\",\"status\":\"failed\",\"duration\":1,\"message\":\"{text}\"}}"),
        50_000,
        "]}}",
    );
    assert_eq!(tests, 50_001);
    assert!(bytes < LIMIT, "CTRF: {} MiB", bytes >> 20);
    let (tests, bytes) = peak(
        "{\"results\":{\"tests\":[{\"name\":\"a\",\"status\":\"failed\",\"message\":\"",
        |_| text.clone(),
        3_000,
        "\"}]}}",
    );
    assert_eq!(tests, 1);
    assert!(bytes < LIMIT, "string: {} MiB", bytes >> 20);
}
