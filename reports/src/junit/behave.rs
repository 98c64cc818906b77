//! behave. Names are `{class}::{name}`: the feature and the scenario, with the row of its outline.
//!
//! Not carried: starts; attempts before the last.

use super::dialect::{Dialect, by_element, by_word};
use super::raw::{Child, Raw};
use crate::model::Status;

pub(super) struct Behave;

impl Dialect for Behave {
    fn tool(&self) -> &'static str {
        "behave"
    }

    fn broken(&self, child: &Child, case: &Raw) -> Status {
        let hook = child.message().starts_with("HOOK-ERROR") || child.whole().starts_with("HOOK-ERROR");
        if hook || case.word() == "error" { Status::Error } else { by_element(child) }
    }

    fn childless(&self, case: &Raw) -> Status {
        if case.word() == "undefined" { Status::Error } else { by_word(case.word()) }
    }
}
