//! cargo-nextest. Names are `{class}::{name}`: the binary and the test's path.
//!
//! Not carried: ignored tests; that a test which ended its process with 0 did not reach its end.

use super::dialect::{Dialect, by_element};
use super::raw::{Child, Raw, stamp};
use crate::model::Status;
use crate::stamp::Stamp;

pub(super) struct Nextest;

impl Dialect for Nextest {
    fn tool(&self) -> &'static str {
        "cargo-nextest"
    }

    fn broken(&self, child: &Child, _: &Raw) -> Status {
        match child.type_name() {
            "test timeout" => Status::Timeout,
            "test abort" => Status::Crash,
            _ => by_element(child),
        }
    }

    fn started(&self, case: &Raw) -> Option<Stamp> {
        stamp(&case.element)
    }
}
