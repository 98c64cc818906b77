//! Mocha, by mocha-junit-reporter and by its own xunit reporter. Names are `{file}::{name}` of the former, whose name has all
//! titles, and `{file}::{class}::{name}` of the latter, whose class has the titles around.
//!
//! Not carried: starts; attempts before the last; of mocha-junit-reporter, pending tests at all.

use super::dialect::Dialect;
use super::raw::{Raw, Suite};
use crate::model::{Problem, Status};
use crate::name::{Field, Name};

pub(super) struct JunitReporter;
pub(super) struct Xunit;

impl Dialect for JunitReporter {
    fn tool(&self) -> &'static str {
        "Mocha"
    }

    fn name(&self, case: &Raw, suites: &[Suite]) -> Name {
        // With `testCaseSwitchClassnameAndName`, the longer one has all titles.
        let titles = if case.class().ends_with(case.name()) { case.class() } else { case.name() };
        Name::new().with(Field::File, file(case, suites)).with(Field::Name, titles)
    }

    fn problem(&self, case: &Raw, suites: &[Suite]) -> Option<Problem> {
        hook(case, file(case, suites), case.name())
    }
}

impl Dialect for Xunit {
    fn tool(&self) -> &'static str {
        "Mocha"
    }

    fn name(&self, case: &Raw, suites: &[Suite]) -> Name {
        let name = Name::new().with(Field::File, file(case, suites));
        name.with(Field::Class, case.class()).with(Field::Name, case.name())
    }

    fn problem(&self, case: &Raw, suites: &[Suite]) -> Option<Problem> {
        hook(case, file(case, suites), &format!("{} {}", case.class(), case.name()))
    }
}

fn file<'a>(case: &'a Raw, suites: &'a [Suite]) -> &'a str {
    let of_suites = || suites.iter().rev().find_map(|suite| suite.element.get("file")).unwrap_or_default();
    case.element.get("file").unwrap_or_else(of_suites)
}

/// A hook that failed is written as a test with the hook's title.
fn hook(case: &Raw, file: &str, title: &str) -> Option<Problem> {
    const HOOKS: [&str; 4] = ["before all", "after all", "before each", "after each"];
    let is_hook = |titles: &str| {
        HOOKS.iter().any(|hook| {
            let quoted = format!("\"{hook}\" hook");
            titles.starts_with(&quoted) || titles.contains(&format!(" {quoted}"))
        })
    };
    let failed = case.broken().is_some() && (is_hook(case.name()) || is_hook(case.class()));
    let subject = if file.is_empty() { title.to_owned() } else { format!("{file}: {title}") };
    failed.then(|| Problem::outside(&subject, &case.message(), Status::Error))
}
