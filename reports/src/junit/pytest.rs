//! pytest, with pytest-rerunfailures, pytest-xdist and pytest-timeout. Names are `{class}::{name}`, the class being the
//! module and classes in it.
//!
//! Not carried: starts; whether an attempt before the last failed or errored; that an `xfail` without `strict` passed;
//! which subtests failed; tests that were not reached (`-x`, an interrupt).

use super::dialect::{Dialect, by_element};
use super::raw::{Child, Raw, Suite};
use crate::model::{Problem, Status};
use crate::run::Repeat;

pub(super) struct Pytest;

impl Dialect for Pytest {
    fn tool(&self) -> &'static str {
        "pytest"
    }

    fn problem(&self, case: &Raw, _: &[Suite]) -> Option<Problem> {
        let collection = case.class().is_empty() && case.broken().is_some();
        let internal = case.class() == "pytest" && case.name() == "internal";
        let subject = if internal { "pytest" } else { case.name() };
        (collection || internal).then(|| Problem::outside(subject, &case.message(), Status::Error))
    }

    fn broken(&self, child: &Child, _: &Raw) -> Status {
        by_message(child.message()).unwrap_or_else(|| by_element(child))
    }

    fn skipped(&self, skipped: &Child, case: &Raw) -> Status {
        match case.broken() {
            Some(broken) => self.broken(broken, case),
            None if skipped.type_name() == "pytest.xfail" => Status::ExpectedFailure,
            None => Status::Skipped,
        }
    }

    fn repeat(&self, case: &Raw) -> Repeat {
        let teardown = case.broken().is_some_and(|child| child.message().starts_with("failed on teardown"));
        Repeat::Pytest { teardown }
    }
}

/// How a test ended that failed, where pytest or a plugin of it says so in these words.
pub(crate) fn by_message(message: &str) -> Option<Status> {
    if message.starts_with("[XPASS(strict)]") {
        Some(Status::UnexpectedPass)
    } else if message.starts_with("Failed: Timeout (>") || message.starts_with("Failed: Timeout >") {
        Some(Status::Timeout)
    } else if has_crashed(message) {
        Some(Status::Crash)
    } else {
        None
    }
}

/// Whether xdist says that the worker died while it ran the test, which pytest takes for a failure of the set-up.
fn has_crashed(message: &str) -> bool {
    let message = message.strip_prefix("failed on setup with \"").unwrap_or(message);
    message.starts_with("worker '") && message.contains("' crashed while running '")
}
