//! PHPUnit. Names are `{class}::{name}`, the name with its data set.
//!
//! Not carried: starts; attempts before the last; incomplete tests as what they are.

use super::dialect::{Dialect, by_element};
use super::raw::{Child, Raw, Suite};
use crate::model::{Problem, Status};

pub(super) struct PhpUnit;

impl Dialect for PhpUnit {
    fn tool(&self) -> &'static str {
        "PHPUnit"
    }

    /// What broke around the tests of a class, and a provider that gave no data, are written as tests.
    fn problem(&self, case: &Raw, suites: &[Suite]) -> Option<Problem> {
        let broken = case.broken()?;
        let around = broken.type_name().ends_with("\\SyntheticError");
        let subject = if case.class().is_empty() { suites.last().map_or("", Suite::name) } else { case.class() };
        let subject = format!("{subject} {}", case.name());
        (around || case.class().is_empty()).then(|| Problem::outside(&subject, &case.message(), Status::Error))
    }

    /// A risky test is written as an error, though the run is green.
    fn broken(&self, child: &Child, _: &Raw) -> Status {
        if child.type_name().contains("Risky") { Status::Passed } else { by_element(child) }
    }
}
