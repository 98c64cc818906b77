//! CTest. Names are `{name}`.
//!
//! Not carried: starts; attempts before the last (`--repeat`); time-outs and crashes, which look failed; that a test with
//! `WILL_FAIL` failed as it should.

use super::dialect::Dialect;
use super::generic;
use super::raw::{Child, Raw, Suite};
use crate::model::Status;
use crate::name::Name;

pub(super) struct Ctest;

impl Dialect for Ctest {
    fn tool(&self) -> &'static str {
        "CTest"
    }

    fn name(&self, case: &Raw, _: &[Suite]) -> Name {
        generic::of_class(case)
    }

    /// What CTest could not start makes the run fail, though it is written as skipped.
    fn skipped(&self, skipped: &Child, _: &Raw) -> Status {
        const NOT_STARTED: [&str; 4] = [
            "Unable to find executable",
            "Fixture dependency failed",
            "Unable to find required file",
            "Insufficient resources",
        ];
        let message = skipped.message();
        let not_started = NOT_STARTED.iter().any(|start| message.starts_with(start));
        if not_started { Status::Error } else { Status::Skipped }
    }

    fn milliseconds(&self, case: &Raw) -> Option<f64> {
        let ran = !matches!(case.word(), "disabled" | "notrun");
        case.milliseconds().filter(|&milliseconds| ran || milliseconds > 0.0)
    }
}
