//! Catch2 and doctest, which take after each other. Names are `{class}::{name}`: binary or fixture and the case with its
//! sections in Catch2, the file and the case in doctest.
//!
//! Not carried: starts; a case that should fail and passed, which looks passed; in doctest, cases that are skipped or take
//! longer than they should. A process that crashes leaves a report without its end, or none.

use super::dialect::Dialect;
use super::raw::{Child, Raw};
use crate::model::Status;

pub(super) struct Catch2;
pub(super) struct Doctest;

impl Dialect for Catch2 {
    fn tool(&self) -> &'static str {
        "Catch2"
    }

    /// A case that may fail, or should, is written as skipped and failed.
    fn skipped(&self, _: &Child, case: &Raw) -> Status {
        if case.broken().is_some() { Status::ExpectedFailure } else { Status::Skipped }
    }
}

impl Dialect for Doctest {
    fn tool(&self) -> &'static str {
        "doctest"
    }

    fn skipped(&self, _: &Child, case: &Raw) -> Status {
        if case.broken().is_some() { Status::ExpectedFailure } else { Status::Skipped }
    }
}
