//! googletest. Names are `{class}::{name}`: suite and test, with the parameter's number.
//!
//! Not carried: the zone of starts; iterations before the last (`--gtest_repeat`); failures of `SetUpTestSuite` and
//! `TearDownTestSuite`; a run that aborted leaves no file.

use super::dialect::Dialect;
use super::raw::{Raw, stamp};
use crate::model::Status;
use crate::stamp::Stamp;

pub(super) struct GoogleTest;

impl Dialect for GoogleTest {
    fn tool(&self) -> &'static str {
        "googletest"
    }

    fn childless(&self, case: &Raw) -> Status {
        let result = case.element.attribute("result");
        let skipped = case.word() == "notrun" || matches!(result, "suppressed" | "skipped");
        if skipped { Status::Skipped } else { Status::Passed }
    }

    fn milliseconds(&self, case: &Raw) -> Option<f64> {
        case.milliseconds().filter(|_| case.word() != "notrun")
    }

    fn started(&self, case: &Raw) -> Option<Stamp> {
        stamp(&case.element)
    }
}
