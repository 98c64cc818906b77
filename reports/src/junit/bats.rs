//! bats-core. Names are `{class}::{name}`: the file and the test. A testcase behind a failed one of the same name is another
//! attempt: a file has no two tests of one name.
//!
//! Not carried: starts; the test behind which `teardown_file` failed, whose name the failure takes. Where the formatter loses
//! count (attempts, files that cannot be read), it writes `begin 12 name` instead of the name, and a time that is the one of
//! the test before.

use super::dialect::{Dialect, by_element};
use super::raw::{Child, Raw, Suite};
use crate::model::{Problem, Status};
use crate::name::Name;
use crate::run::Repeat;

pub(super) struct Bats;

/// What a test is called that stands for a hook.
const HOOKS: [&str; 4] = ["setup_file failed", "teardown_file failed", "setup_suite", "teardown_suite"];

/// How the text of a failure begins that is one of a hook of the file.
const IN_HOOKS: [&str; 4] = [
    "(from function `setup_file' in",
    "(from function `teardown_file' in",
    "(from function `setup_suite' in",
    "(from function `teardown_suite' in",
];

impl Dialect for Bats {
    fn tool(&self) -> &'static str {
        "bats"
    }

    fn name(&self, case: &Raw, _: &[Suite]) -> Name {
        Name::of_class(case.class(), title(case.name()))
    }

    fn problem(&self, case: &Raw, suites: &[Suite]) -> Option<Problem> {
        let text = case.broken()?.text.trim_start();
        let hook = HOOKS.contains(&case.name());
        let in_hook = IN_HOOKS.iter().any(|start| text.starts_with(start));
        let file = if case.class().is_empty() { suites.last().map_or("", Suite::name) } else { case.class() };
        let subject = if hook { format!("{file}: {}", case.name()) } else { file.to_owned() };
        (hook || in_hook || case.name().is_empty()).then(|| Problem::outside(&subject, &case.message(), Status::Error))
    }

    fn broken(&self, child: &Child, _: &Raw) -> Status {
        let timed_out =
            child.text.lines().any(|line| line.starts_with("  `") && line.ends_with("' failed due to timeout"));
        if timed_out { Status::Timeout } else { by_element(child) }
    }

    fn repeat(&self, _: &Raw) -> Repeat {
        Repeat::AfterFailure
    }
}

/// Whether a suite is a file of bats, or what version 1.13 calls the set-up of one.
pub(super) fn is_suite_name(name: &str) -> bool {
    name.ends_with(".bats") || name == "setup_suite"
}

/// The title without the `begin` and number that are no part of it.
fn title(name: &str) -> &str {
    let Some(rest) = name.strip_prefix("begin ") else { return name };
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    rest[digits..].strip_prefix(' ').filter(|_| digits > 0).unwrap_or(name)
}
