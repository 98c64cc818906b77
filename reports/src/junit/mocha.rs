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
        let (class, title) = (case.class(), case.name());
        let name = Name::new().with(Field::File, file(case, suites));
        // By default the class is the last title, and the name has all of them; `testCaseSwitchClassnameAndName` switches the
        // two. With `jenkinsMode`, the class has the titles around.
        if title.ends_with(class) {
            name.with(Field::Name, title)
        } else if class.ends_with(title) {
            name.with(Field::Name, class)
        } else {
            name.with(Field::Class, class).with(Field::Name, title)
        }
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
    // A hook of the root has no file, which xunit calls so.
    case.element.get("file").filter(|file| *file != "undefined").unwrap_or_else(of_suites)
}

/// Whether the class is the last of the titles in the name.
pub(super) fn is_titled(case: &Raw) -> bool {
    !case.class().is_empty() && case.name().ends_with(case.class())
}

/// Whether titles end in those of a hook, such as `"before all" hook for "one"`.
pub(crate) fn is_hook(titles: &str) -> bool {
    const HOOKS: [&str; 4] = ["before all", "after all", "before each", "after each"];
    HOOKS.iter().any(|hook| {
        let quoted = format!("\"{hook}\" hook");
        titles.starts_with(&quoted) || titles.contains(&format!(" {quoted}"))
    })
}

/// A hook that failed is written as a test with the hook's title.
fn hook(case: &Raw, file: &str, title: &str) -> Option<Problem> {
    let failed = case.broken().is_some() && (is_hook(case.name()) || is_hook(case.class()));
    let subject = if file.is_empty() { title.to_owned() } else { format!("{file}: {title}") };
    failed.then(|| Problem::outside(&subject, &case.message(), Status::Error))
}
