//! Gradle's test task. Names are `{class}::{name}`. A testcase behind a failed one of the same name is another attempt: the
//! test-retry plugin writes each execution as a testcase of its own.
//!
//! Not carried: starts, parameters other than in the name, errors of `@BeforeAll` as what they are.

use super::dialect::Dialect;
use super::raw::{Raw, Suite};
use crate::model::Problem;
use crate::run::Repeat;

pub(super) struct Gradle;

impl Dialect for Gradle {
    fn tool(&self) -> &'static str {
        "Gradle"
    }

    fn problem(&self, case: &Raw, _: &[Suite]) -> Option<Problem> {
        let of_class = matches!(case.name(), "" | "initializationError" | "executionError" | "classMethod");
        let broken = case.broken()?;
        of_class.then(|| Problem::outside(case.class(), &case.message(), self.broken(broken, case)))
    }

    fn repeat(&self, _: &Raw) -> Repeat {
        Repeat::AfterFailure
    }
}
