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

    /// A failed testcase whose title others begin with is the describe block around them, and one of the file's name the
    /// file: a hook broke. Where all tests inside are skipped, they never ran for it.
    fn settle(&self, cases: &mut [Raw], _: &Suite) {
        let mut broken = Vec::new();
        for block in cases.iter().filter(|case| case.broken().is_some()) {
            let mut tests = cases.iter().filter(|case| is_inside(block, case)).peekable();
            if tests.peek().is_some() {
                let in_set_up = tests.all(|case| case.skipped().is_some());
                broken.push((block.class().to_owned(), block.name().to_owned(), in_set_up));
            }
        }
        for case in cases {
            let of = |title: &str| case.name().strip_prefix(title).is_some_and(|rest| rest.starts_with(" > "));
            if case.broken().is_some() {
                case.no_test = broken.iter().any(|(_, title, _)| title == case.name());
            } else if case.skipped().is_some()
                && broken.iter().any(|(file, title, in_set_up)| *in_set_up && (title == file || of(title)))
            {
                case.status = Some(Status::Error);
            }
        }
    }
}

/// Whether a testcase is of the describe block or the file that another one stands for.
fn is_inside(block: &Raw, case: &Raw) -> bool {
    let of_file = block.name() == block.class() && case.name() != block.name();
    of_file || case.name().strip_prefix(block.name()).is_some_and(|rest| rest.starts_with(" > "))
}
