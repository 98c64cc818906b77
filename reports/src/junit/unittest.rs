//! unittest-xml-reporting. Names are `{class}::{name}`; the suite's name holds the date and is no part of them.
//!
//! Not carried: the zone of starts. The stamp of a testcase is its end.

use super::dialect::{Dialect, by_element};
use super::raw::{Child, Kind, Raw, Suite, stamp};
use crate::model::{Problem, Status};
use crate::run::Repeat;
use crate::stamp::Stamp;

pub(super) struct Unittest;

impl Dialect for Unittest {
    fn tool(&self) -> &'static str {
        "unittest"
    }

    /// `setUpClass (module.Class)` of no class is a fixture of a class or module that broke, and a test of the loader's own
    /// class a module that could not be imported.
    fn problem(&self, case: &Raw, _: &[Suite]) -> Option<Problem> {
        const FIXTURES: [&str; 4] = ["setUpClass ", "tearDownClass ", "setUpModule ", "tearDownModule "];
        let fixture = case.class().is_empty() || case.class().ends_with("_ErrorHolder");
        let named = FIXTURES.iter().any(|fixture| case.name().starts_with(fixture));
        let not_loaded = case.class() == "unittest.loader._FailedTest";
        ((fixture || named || not_loaded) && case.broken().is_some())
            .then(|| Problem::outside(case.name(), &what(case), Status::Error))
    }

    fn broken(&self, child: &Child, _: &Raw) -> Status {
        let unexpected = child.type_name() == "UnexpectedSuccess" || child.message().starts_with("Unexpected success");
        if unexpected { Status::UnexpectedPass } else { by_element(child) }
    }

    fn skipped(&self, skipped: &Child, case: &Raw) -> Status {
        match case.broken() {
            Some(broken) => self.broken(broken, case),
            None if skipped.type_name() == "XFAIL" => Status::ExpectedFailure,
            None => Status::Skipped,
        }
    }

    fn started(&self, case: &Raw) -> Option<Stamp> {
        stamp(&case.element)?.earlier(case.milliseconds()?)
    }

    fn repeat(&self, case: &Raw) -> Repeat {
        Repeat::Unittest { teardown: case.child(|kind| kind == Kind::Error).is_some() }
    }
}

/// The error, and behind it the traceback that holds it.
fn what(case: &Raw) -> String {
    format!("{}\n{}", case.broken().map_or("", Child::message), case.message())
}

/// Whether a suite's name ends in the date and time of the run.
pub(super) fn is_suite_name(name: &str) -> bool {
    name.rsplit_once('-').is_some_and(|(_, end)| end.len() == 14 && end.bytes().all(|byte| byte.is_ascii_digit()))
}
