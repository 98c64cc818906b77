//! What JUnit XML says by itself, for tools without a file of their own: elements decide, `status` words where there is
//! none, `flaky*` and `rerun*` are attempts, and testcases of one name are different tests. Names are `{class}::{name}`,
//! without the class where it repeats the name.
//!
//! Not carried: starts of tests (a suite's stamp is not one), and whether a repeated name was another attempt.

use super::dialect::Dialect;
use super::raw::{Kind, Raw, Suite};
use crate::model::{Problem, Status};
use crate::name::Name;

pub(super) struct Generic;

impl Dialect for Generic {
    fn tool(&self) -> &'static str {
        ""
    }

    /// go-junit-report writes a package that was not built as a test.
    fn problem(&self, case: &Raw, _: &[Suite]) -> Option<Problem> {
        let of_package = matches!(case.name(), "[build failed]" | "[setup failed]");
        let unnamed = case.class().is_empty() && case.name().starts_with('[') && case.name().ends_with(']');
        let subject = if of_package { case.class() } else { case.name() };
        ((of_package || unnamed) && case.child(|kind| kind == Kind::Error).is_some())
            .then(|| Problem::outside(subject, &case.message(), Status::Error))
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
