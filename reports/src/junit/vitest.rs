//! Vitest. Names are `{file}::{name}`: the reporter's class is the file, its name has all titles.
//!
//! Not carried: attempts before the last, whose times are in the sum; tests of a worker that was killed, which look passed;
//! that an unhandled rejection made the run fail.

use super::dialect::Dialect;
use super::raw::{Raw, Suite};
use crate::model::{Problem, Status};
use crate::name::{Field, Name};

/// The test that Vitest 5 invents for errors outside any test.
const UNHANDLED: &str = "vitest unhandled errors";

pub(super) struct Vitest;

impl Dialect for Vitest {
    fn tool(&self) -> &'static str {
        "Vitest"
    }

    fn name(&self, case: &Raw, _: &[Suite]) -> Name {
        Name::new().with(Field::File, case.class()).with(Field::Name, case.name())
    }

    fn problem(&self, case: &Raw, _: &[Suite]) -> Option<Problem> {
        let outside = case.no_test || case.name() == case.class() || case.name().eq_ignore_ascii_case(UNHANDLED);
        let subject = if case.name() == case.class() {
            case.name().to_owned()
        } else {
            format!("{}: {}", case.class(), case.name())
        };
        (outside && case.broken().is_some()).then(|| Problem::outside(&subject, &case.message(), Status::Error))
    }

    fn holds_suites(&self) -> bool {
        true
    }

    /// A failed testcase whose title others begin with is the describe block around them: its hook broke. Its tests that
    /// are skipped never ran.
    fn settle(&self, cases: &mut [Raw], _: &Suite) {
        let blocks: Vec<String> = cases
            .iter()
            .filter(|case| case.broken().is_some())
            .map(|case| format!("{} > ", case.name()))
            .filter(|block| cases.iter().any(|case| case.name().starts_with(block.as_str())))
            .collect();
        for case in cases {
            if case.broken().is_some() {
                case.no_test = blocks.iter().any(|block| block.strip_suffix(" > ") == Some(case.name()));
            } else if case.skipped().is_some() && blocks.iter().any(|block| case.name().starts_with(block.as_str())) {
                case.status = Some(Status::Error);
            }
        }
    }
}
