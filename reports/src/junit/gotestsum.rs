//! gotestsum and go-junit-report. Names are `{class}::{name}`: the package and the test with its subtests. Testcases of one
//! name are attempts in their order: failures are written before passes.
//!
//! Not carried: starts; times below 10 ms; what a test that was running when the process ended would have been.

use super::dialect::{Dialect, by_element};
use super::raw::{Child, Raw, Suite};
use crate::model::{Problem, Status};
use crate::run::Repeat;

pub(super) struct Gotestsum;

impl Dialect for Gotestsum {
    fn tool(&self) -> &'static str {
        "go test"
    }

    /// A package that did not build or timed out is written as a test `TestMain` of no class.
    fn problem(&self, case: &Raw, suites: &[Suite]) -> Option<Problem> {
        // With `--junitfile-testcase-classname short`, no class is written as a dot.
        let package = matches!(case.class(), "" | ".") && (case.name() == "TestMain" || case.name().is_empty());
        let message = case.message();
        let status = if has_timed_out(&message) { Status::Timeout } else { Status::Error };
        (package && case.broken().is_some())
            .then(|| Problem::outside(suites.last().map_or("", Suite::name), &message, status))
    }

    fn broken(&self, child: &Child, case: &Raw) -> Status {
        let text = child.whole();
        if has_timed_out(&text) {
            Status::Timeout
        } else if text.lines().any(|line| line.starts_with("panic: ")) || never_ended(case) {
            Status::Crash
        } else {
            by_element(child)
        }
    }

    fn repeat(&self, _: &Raw) -> Repeat {
        Repeat::NextAttempt
    }

    fn holds_suites(&self) -> bool {
        true
    }

    /// A test that was running when its package timed out says nothing of it itself.
    fn settle(&self, cases: &mut [Raw], _: &Suite) {
        let timed_out = cases.iter().any(|case| case.class().is_empty() && has_timed_out(&case.message()));
        for case in cases.iter_mut().filter(|case| timed_out && !case.class().is_empty()) {
            if never_ended(case) && case.broken().is_some() {
                case.status = Some(Status::Timeout);
            }
        }
    }
}

fn never_ended(case: &Raw) -> bool {
    case.element.get("time").is_some_and(|time| time.starts_with('-'))
}

fn has_timed_out(text: &str) -> bool {
    text.lines().any(|line| line.starts_with("panic: test timed out after "))
}
