//! A report far larger than the memory that reading it may take.
#![allow(clippy::unwrap_used)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::io::{self, Read};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};

use reports::{Item, Options, RunReader};

struct Counting;

static NOW: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call is handed to the system's allocator as it is; only sizes are counted beside.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let now = NOW.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        PEAK.fetch_max(now, Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        NOW.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// A report that is made while it is read.
struct Made<P> {
    piece: P,
    count: u64,
    next: u64,
    buffer: Vec<u8>,
    at: usize,
}

impl<P: Fn(u64) -> String> Read for Made<P> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.at == self.buffer.len() && self.next < self.count {
            self.buffer = (self.piece)(self.next).into_bytes();
            self.next += 1;
            self.at = 0;
        }
        let count = buffer.len().min(self.buffer.len() - self.at);
        buffer[..count].copy_from_slice(&self.buffer[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }
}

const LIMIT: usize = 64 << 20;

/// Reads `head`, `count` pieces and `tail`, and says how many tests and bytes that were, and the peak of memory.
fn peak(head: &str, piece: impl Fn(u64) -> String, count: u64, tail: &str) -> (u64, usize) {
    let before = NOW.load(Ordering::Relaxed);
    PEAK.store(before, Ordering::Relaxed);
    let made = Made { piece, count, next: 0, buffer: Vec::new(), at: 0 };
    let mut problems = Vec::new();
    let mut sink = |item| {
        if let Item::Problem(problem) = item {
            problems.push(problem.to_string());
        }
        ControlFlow::Continue(())
    };
    let mut run = RunReader::new(Options::default(), &mut sink);
    run.read("made", head.as_bytes().chain(made).chain(tail.as_bytes())).unwrap();
    let tests = run.finish().unwrap();
    assert!(problems.is_empty(), "{problems:?}");
    (tests, PEAK.load(Ordering::Relaxed) - before)
}

/// All in one test: the counter is one for the process.
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
