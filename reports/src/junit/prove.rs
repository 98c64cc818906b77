//! TAP::Formatter::JUnit, the reporter of Perl's prove. Names are `{suite}::{name}`: the script and the description; a test
//! without one is called by its number. The number that stands before a description is left out: it changes when a test is
//! added above.
//!
//! Not carried: starts; skips and todos, but for the script's own output in the suite; tests that were planned and did not
//! run.

use super::dialect::Dialect;
use super::raw::{Child, Raw, Suite};
use crate::model::{Problem, Status};
use crate::name::{Field, Name};
use crate::tap;

pub(super) struct Prove;

/// Testcases that stand for the script's time before its first test and behind its last.
const AROUND: [&str; 2] = ["(init)", "(teardown)"];

impl Dialect for Prove {
    fn tool(&self) -> &'static str {
        "prove"
    }

    fn name(&self, case: &Raw, suites: &[Suite]) -> Name {
        let name = Name::new().with(Field::Suite, suites.last().map_or("", Suite::name));
        match case.name().split_once(" - ") {
            Some((_, description)) => name.with(Field::Name, description),
            None if case.name().is_empty() => name,
            None => name.with(Field::Name, &format!("#{}", case.name())),
        }
    }

    fn problem(&self, case: &Raw, suites: &[Suite]) -> Option<Problem> {
        let around = AROUND.contains(&case.name()) && case.broken().is_some();
        let subject = format!("{} {}", suites.last().map_or("", Suite::name), case.name());
        around.then(|| Problem::outside(&subject, &case.message(), Status::Error))
    }

    fn is_nothing(&self, case: &Raw) -> bool {
        AROUND.contains(&case.name()) && case.broken().is_none()
    }

    fn holds_suites(&self) -> bool {
        true
    }

    /// The script's output says what the testcases do not.
    fn settle(&self, cases: &mut [Raw], suite: &Suite) {
        let points: Vec<tap::Point> = suite.output.lines().filter_map(tap::point).collect();
        let numbered = |number: u64| points.iter().find(|point| point.number == Some(number));
        for case in cases {
            let number = case.name().split(" - ").next().and_then(|number| number.parse().ok());
            if let Some(point) = number.and_then(numbered)
                && point.directive.is_some()
            {
                case.status = Some(point.status());
            }
        }
    }

    /// An exit code that only counts the failed tests says nothing new.
    fn suite_error(&self, suite: &Suite, error: &Child, broken: bool) -> Option<Problem> {
        let planned = suite.output.lines().find_map(tap::plan).map(|plan| plan.count);
        let ran = suite.output.lines().filter_map(tap::point).count() as u64;
        let complete = planned == Some(ran);
        (!complete || !broken).then(|| Problem::outside(suite.name(), &error.whole(), Status::Error))
    }

    /// A script that skipped all its tests has none.
    fn suite_case(&self, suite: &Suite, count: usize) -> Option<Raw> {
        let plan = suite.output.lines().find_map(tap::plan)?;
        let skipped = count == 0 && plan.count == 0 && plan.skipped.is_some();
        skipped.then(|| Raw { status: Some(Status::Skipped), ..Raw::default() })
    }
}

/// Whether a testcase's name is the number of a test, with its description if it has one.
pub(super) fn is_name(name: &str) -> bool {
    let number = name.split(" - ").next().unwrap_or_default();
    AROUND.contains(&name) || (!number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}
