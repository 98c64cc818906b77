//! What a dialect of JUnit XML decides, and what holds where it decides nothing.

use super::raw::{Child, Kind, Raw, Suite, stamp};
use crate::model::{Attempt, Problem, Status};
use crate::name::Name;
use crate::number;
use crate::run::Repeat;
use crate::stamp::Stamp;

/// How the testcases of one tool are read. Each tool has a file; what a method does without one holds for all others.
pub(super) trait Dialect {
    /// The tool, as a person knows it.
    fn tool(&self) -> &'static str;

    /// The name of a test. By default `{class}::{name}`.
    fn name(&self, case: &Raw, suites: &[Suite]) -> Name {
        let _ = suites;
        Name::of_class(case.class(), case.name())
    }

    /// The problem that a testcase stands for, if it stands for no test.
    fn problem(&self, case: &Raw, suites: &[Suite]) -> Option<Problem> {
        let _ = (case, suites);
        None
    }

    /// Whether a testcase stands for nothing at all.
    fn is_nothing(&self, case: &Raw) -> bool {
        let _ = case;
        false
    }

    /// How the attempt ended that a failure, error, flaky or rerun element tells of.
    fn broken(&self, child: &Child, case: &Raw) -> Status {
        let _ = case;
        by_element(child)
    }

    /// How a testcase ended that has a `skipped`.
    fn skipped(&self, skipped: &Child, case: &Raw) -> Status {
        match case.broken() {
            Some(broken) => self.broken(broken, case),
            None => {
                let _ = skipped;
                Status::Skipped
            }
        }
    }

    /// How a testcase ended that has neither failure, error nor `skipped`.
    fn childless(&self, case: &Raw) -> Status {
        by_word(case.word())
    }

    /// The time of the testcase.
    fn milliseconds(&self, case: &Raw) -> Option<f64> {
        case.milliseconds()
    }

    /// When the testcase's own attempt started.
    fn started(&self, case: &Raw) -> Option<Stamp> {
        let _ = case;
        None
    }

    /// What a second testcase of the same name is.
    fn repeat(&self, case: &Raw) -> Repeat {
        let _ = case;
        Repeat::Distinct
    }

    /// The attempts of a testcase, at least one.
    fn attempts(&mut self, case: &Raw) -> Vec<Attempt> {
        reruns(self, case)
    }

    /// Whether testcases are held until their suite ends, for [`Dialect::settle`].
    fn holds_suites(&self) -> bool {
        false
    }

    /// Sees all testcases of a suite that has ended, and may set how each of them ended.
    fn settle(&self, cases: &mut [Raw], suite: &Suite) {
        let _ = (cases, suite);
    }

    /// The problem, if it is one, that an error directly below a suite that has ended tells of.
    fn suite_error(&self, suite: &Suite, error: &Child, broken: bool) -> Option<Problem> {
        let _ = broken;
        Some(Problem::outside(suite.name(), &error.whole(), Status::Error))
    }

    /// What the end of a suite tells beside its testcases: a test that stands for the whole suite.
    fn suite_case(&self, suite: &Suite, count: usize) -> Option<Raw> {
        let _ = (suite, count);
        None
    }
}

/// How the element itself calls it. A time-out is told by its type in Java.
pub(super) fn by_element(child: &Child) -> Status {
    const TIMEOUTS: [&str; 3] = [
        "java.util.concurrent.TimeoutException",
        "org.junit.runners.model.TestTimedOutException",
        "org.testng.internal.thread.ThreadTimeoutException",
    ];
    match child.kind {
        _ if TIMEOUTS.contains(&child.type_name()) => Status::Timeout,
        Kind::Error | Kind::FlakyError | Kind::RerunError => Status::Error,
        Kind::Failure | Kind::FlakyFailure | Kind::RerunFailure => Status::Failed,
        Kind::Skipped => Status::Skipped,
        Kind::Warning => Status::Passed,
    }
}

/// How the `status` attribute calls it. `run` is no verdict, and no word means that there is nothing to say.
pub(super) fn by_word(word: &str) -> Status {
    match word.to_ascii_lowercase().as_str() {
        "skipped" | "disabled" | "notrun" | "pending" | "ignored" | "suppressed" | "untested" | "not_run" => {
            Status::Skipped
        }
        "fail" | "failed" | "failure" => Status::Failed,
        "error" | "errored" => Status::Error,
        "timeout" | "timedout" => Status::Timeout,
        _ => Status::Passed,
    }
}

/// The attempts of a testcase with `flaky*` and `rerun*` children. With a `flaky*` the test passed in the end: the
/// children are the attempts before, and time and start of the testcase are the last one's. Else its own failure is the
/// first attempt, and `rerun*` follow wherever they stand.
pub(super) fn reruns<D: Dialect + ?Sized>(dialect: &D, case: &Raw) -> Vec<Attempt> {
    let try_of = |child: &Child| {
        Attempt::new(dialect.broken(child, case), child.element.get("time").and_then(number::milliseconds))
            .with_start(stamp(&child.element))
            .with_message(&child.whole())
            .with_output(&child.output)
    };
    let own = |status| case.attempt(status, dialect.milliseconds(case)).with_start(dialect.started(case));
    if case.child(Kind::is_flaky).is_some() {
        let before = case.children.iter().filter(|child| child.kind.is_flaky()).map(try_of);
        return before.chain([own(case.status.unwrap_or(Status::Passed))]).collect();
    }
    let status = case.status.unwrap_or_else(|| match (case.skipped(), worst(dialect, case)) {
        (Some(skipped), _) => dialect.skipped(skipped, case),
        (None, Some(status)) => status,
        (None, None) => dialect.childless(case),
    });
    let after = case.children.iter().filter(|child| child.kind.is_rerun()).map(try_of);
    [own(status)].into_iter().chain(after).collect()
}

/// Several failures in one testcase are one attempt; the first one that is a failure of the body decides.
fn worst<D: Dialect + ?Sized>(dialect: &D, case: &Raw) -> Option<Status> {
    let broken = || case.children.iter().filter(|child| child.kind.is_broken());
    let failed = broken().find(|child| child.kind == Kind::Failure).or_else(|| broken().next());
    failed.map(|child| dialect.broken(child, case))
}
