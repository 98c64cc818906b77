//! What JUnit XML says by itself, for tools without a file of their own: elements decide, `status` words where there is
//! none, `flaky*` and `rerun*` are attempts, and testcases of one name are different tests. Names are `{class}::{name}`,
//! without the class where it repeats the name.
//!
//! Not carried: starts of tests (a suite's stamp is not one), and whether a repeated name was another attempt.

use super::dialect::Dialect;
use super::raw::{Raw, Suite};
use crate::name::Name;

pub(super) struct Generic;

impl Dialect for Generic {
    fn tool(&self) -> &'static str {
        ""
    }

    fn name(&self, case: &Raw, _: &[Suite]) -> Name {
        of_class(case)
    }
}

/// Class and name, or only one of them where they are the same.
pub(super) fn of_class(case: &Raw) -> Name {
    let (class, name) = (case.class(), case.name());
    Name::of_class(if class == name { "" } else { class }, name)
}
