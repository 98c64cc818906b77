//! The questions that two builds are compared by: each is new whenever it is asked, and costs the same.

use std::time::Duration;

use serde_json::{Value, json};

use crate::documents::{self, SUITE};
use crate::random::Random;
use crate::remarks::CHANGES;
use crate::{TESTS, now};

/// What is asked, so that no answer was given before.
pub(super) struct Question {
    pub(super) what: &'static str,
    /// The longest time that it should take.
    pub(super) target: Option<Duration>,
    /// The path with words in braces, of which `asked` says what they stand for.
    path: &'static str,
    /// What is posted to it, which differs by a number.
    body: Option<fn(usize) -> String>,
}

/// A question with its target in milliseconds, if it has one.
const fn question(what: &'static str, target: Option<u64>, path: &'static str) -> Question {
    let target = match target {
        Some(milliseconds) => Some(Duration::from_millis(milliseconds)),
        None => None,
    };
    Question { what, target, path, body: None }
}

/// All of them. Limits and texts differ from time to time so that each question is new; they are alike in what they cost.
pub(super) static QUESTIONS: [Question; 22] = [
    question("triage", Some(40), "/api/triage?suite={suite}&limit={limit}"),
    question("flaky tests of 4 weeks", Some(30), "/api/flaky?suite={suite}&weeks=4&limit={limit}"),
    question("changes of 4 weeks", Some(40), "/api/changes/{suite}?weeks=4&limit={limit}"),
    question(
        "tests that failed in the newest 60 runs of each configuration",
        Some(40),
        "/api/failures/{suite}?limit=60&after_time={number}",
    ),
    question("page /investigate", Some(60), "/investigate?suite={suite}&after_time={number}"),
    question("page /triage", Some(100), "/triage?suite={suite}&q=-word{number}"),
    question("page /flaky", Some(100), "/flaky?suite={suite}&q=-word{number}"),
    Question { body: Some(verdicts), ..question("200 verdicts before merging", Some(100), "/api/verdicts") },
    question("timeline of a test, 10 runs of each configuration", Some(7), "/api/results/{suite}/{test}?limit=10"),
    question("timeline of a test, 100 runs of each configuration", None, "/api/results/{suite}/{test}?limit=100"),
    question("results summary of a test", None, "/api/results-summary/{suite}/{test}"),
    question("causes of 4 weeks", None, "/api/causes?suite={suite}&weeks=4&limit={limit}"),
    question(
        "failures whose messages have a text that is frequent",
        Some(50),
        "/api/causes/messages?suite={suite}&text=expected&limit={limit}",
    ),
    question(
        "failures whose messages have a text that is rare",
        Some(50),
        "/api/causes/messages?suite={suite}&text=expected+{number}",
    ),
    question("owners with what fails and what it costs", None, "/api/owners?suite={suite}&limit={limit}"),
    question("costs of flaky tests by owner", None, "/api/costs?suite={suite}&by=owner&limit={limit}"),
    question("tests to park and to release", None, "/api/quarantine/proposals?suite={suite}"),
    question("a change under review with one run", None, "/api/changes-under-review/{change}"),
    question("new tests", None, "/api/new-tests?suite={suite}&limit={limit}"),
    question("triage as it was known minutes ago", None, "/api/triage?suite={suite}&as_of={then}"),
    question("page /owners", Some(100), "/owners?suite={suite}&limit={limit}"),
    question("page /costs", Some(100), "/costs?suite={suite}&limit={limit}"),
];

impl Question {
    /// The path, and what is posted to it; `number` differs from time to time, and `test` is written as paths have it.
    pub(super) fn asked(&self, number: usize, test: &str) -> (String, Option<String>) {
        let then = now().unwrap_or(0).saturating_sub(number as u64 % 200);
        let words = [
            ("{suite}", SUITE.to_owned()),
            ("{number}", number.to_string()),
            ("{limit}", (100 + number).to_string()),
            ("{change}", (number % CHANGES).to_string()),
            ("{then}", then.to_string()),
            ("{test}", test.to_owned()),
        ];
        let path = words.iter().fold(self.path.to_owned(), |path, (word, value)| path.replace(word, value));
        (path, self.body.map(|body| body(number)))
    }
}

fn verdicts(number: usize) -> String {
    let (mut random, names) = (Random(number as u64), documents::names(TESTS));
    let mut test = || json!({ "test": names[random.below(names.len() as u64) as usize], "state": "TEXT" });
    let tests: Vec<Value> = (0..200).map(|_| test()).collect();
    json!({ "suite": SUITE, "change": { "id": number.to_string() }, "tests": tests }).to_string()
}
