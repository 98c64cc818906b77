//! bats-core. Names are `{class}::{name}`: the file and the test.
//!
//! Not carried: starts; attempts before the last.

use super::dialect::Dialect;
use super::raw::{Raw, Suite};
use crate::model::{Problem, Status};

pub(super) struct Bats;

impl Dialect for Bats {
    fn tool(&self) -> &'static str {
        "bats"
    }

    fn problem(&self, case: &Raw, suites: &[Suite]) -> Option<Problem> {
        let hook =
            matches!(case.name(), "setup_file failed" | "teardown_file failed" | "setup_suite" | "teardown_suite");
        let subject = if case.class().is_empty() { suites.last().map_or("", Suite::name) } else { case.class() };
        (hook && case.broken().is_some())
            .then(|| Problem::outside(&format!("{subject}: {}", case.name()), &case.message(), Status::Error))
    }
}
