//! The questions that two builds are compared by: each is new whenever it is asked, and costs the same.

use std::time::Duration;

use serde_json::{Value, json};

use crate::documents::{self, SUITE};
use crate::random::Random;
use crate::remarks::CHANGES;
use crate::{TESTS, now};

/// What is asked, so that no answer was given before: `number` differs from time to time.
pub(super) struct Question {
    pub(super) what: &'static str,
    /// The longest time that it should take.
    pub(super) target: Option<Duration>,
    /// The path, and what is posted to it.
    pub(super) ask: fn(number: usize, test: &str) -> (String, Option<String>),
}

fn path(text: String) -> (String, Option<String>) {
    (text, None)
}

fn verdicts(number: usize, _: &str) -> (String, Option<String>) {
    let (mut random, names) = (Random(number as u64), documents::names(TESTS));
    let mut test = || json!({ "test": names[random.below(names.len() as u64) as usize], "state": "TEXT" });
    let tests: Vec<Value> = (0..200).map(|_| test()).collect();
    let question = json!({ "suite": SUITE, "change": { "id": number.to_string() }, "tests": tests });
    ("/api/verdicts".to_owned(), Some(question.to_string()))
}

const fn milliseconds(count: u64) -> Option<Duration> {
    Some(Duration::from_millis(count))
}

/// Limits differ from question to question so that each is new; they are alike in what they cost.
pub(super) fn questions() -> [Question; 22] {
    [
        Question {
            what: "triage",
            target: milliseconds(40),
            ask: |number, _| path(format!("/api/triage?suite={SUITE}&limit={}", 100 + number)),
        },
        Question {
            what: "flaky tests of 4 weeks",
            target: milliseconds(30),
            ask: |number, _| path(format!("/api/flaky?suite={SUITE}&weeks=4&limit={}", 100 + number)),
        },
        Question {
            what: "changes of 4 weeks",
            target: milliseconds(40),
            ask: |number, _| path(format!("/api/changes/{SUITE}?weeks=4&limit={}", 100 + number)),
        },
        Question {
            what: "tests that failed in the newest 60 runs of each configuration",
            target: milliseconds(40),
            ask: |number, _| path(format!("/api/failures/{SUITE}?limit=60&after_time={number}")),
        },
        Question {
            what: "page /investigate",
            target: milliseconds(60),
            ask: |number, _| path(format!("/investigate?suite={SUITE}&after_time={number}")),
        },
        Question {
            what: "page /triage",
            target: milliseconds(100),
            ask: |number, _| path(format!("/triage?suite={SUITE}&q=-word{number}")),
        },
        Question {
            what: "page /flaky",
            target: milliseconds(100),
            ask: |number, _| path(format!("/flaky?suite={SUITE}&q=-word{number}")),
        },
        Question { what: "200 verdicts before merging", target: milliseconds(100), ask: verdicts },
        Question {
            what: "timeline of a test, 10 runs of each configuration",
            target: milliseconds(7),
            ask: |_, test| path(format!("/api/results/{SUITE}/{test}?limit=10")),
        },
        Question {
            what: "timeline of a test, 100 runs of each configuration",
            target: None,
            ask: |_, test| path(format!("/api/results/{SUITE}/{test}?limit=100")),
        },
        Question {
            what: "results summary of a test",
            target: None,
            ask: |_, test| path(format!("/api/results-summary/{SUITE}/{test}")),
        },
        Question {
            what: "causes of 4 weeks",
            target: None,
            ask: |number, _| path(format!("/api/causes?suite={SUITE}&weeks=4&limit={}", 100 + number)),
        },
        Question {
            what: "failures whose messages have a text that is frequent",
            target: milliseconds(50),
            ask: |number, _| path(format!("/api/causes/messages?suite={SUITE}&text=expected&limit={}", 100 + number)),
        },
        Question {
            what: "failures whose messages have a text that is rare",
            target: milliseconds(50),
            ask: |number, _| path(format!("/api/causes/messages?suite={SUITE}&text=expected+{number}")),
        },
        Question {
            what: "owners with what fails and what it costs",
            target: None,
            ask: |number, _| path(format!("/api/owners?suite={SUITE}&limit={}", 100 + number)),
        },
        Question {
            what: "costs of flaky tests by owner",
            target: None,
            ask: |number, _| path(format!("/api/costs?suite={SUITE}&by=owner&limit={}", 100 + number)),
        },
        Question {
            what: "tests to park and to release",
            target: None,
            ask: |_, _| path(format!("/api/quarantine/proposals?suite={SUITE}")),
        },
        Question {
            what: "a change under review with one run",
            target: None,
            ask: |number, _| path(format!("/api/changes-under-review/{}", number % CHANGES)),
        },
        Question {
            what: "new tests",
            target: None,
            ask: |number, _| path(format!("/api/new-tests?suite={SUITE}&limit={}", 100 + number)),
        },
        Question {
            what: "triage as it was known minutes ago",
            target: None,
            ask: |number, _| {
                let then = now().unwrap_or(0).saturating_sub(number as u64 % 200);
                path(format!("/api/triage?suite={SUITE}&as_of={then}"))
            },
        },
        Question {
            what: "page /owners",
            target: milliseconds(100),
            ask: |number, _| path(format!("/owners?suite={SUITE}&limit={}", 100 + number)),
        },
        Question {
            what: "page /costs",
            target: milliseconds(100),
            ask: |number, _| path(format!("/costs?suite={SUITE}&limit={}", 100 + number)),
        },
    ]
}
