//! Playwright. Names are `{project}::{file}::{name}`: the reporter's host is the project, its class the file, and its name
//! has all titles.
//!
//! Not carried: starts; by default, attempts before a pass, and the time of each attempt: `time` is their sum. With
//! `includeRetries`, attempts are there with their times.

use super::dialect::{Dialect, by_element, reruns};
use super::raw::{Child, Kind, Raw, Suite};
use crate::limits;
use crate::model::{Attempt, Status};
use crate::name::{Field, Name};

#[derive(Default)]
pub(super) struct Playwright {
    /// The report was written with `includeRetries`: an attempt of its own was seen.
    retries_included: bool,
}

impl Dialect for Playwright {
    fn tool(&self) -> &'static str {
        "Playwright"
    }

    fn name(&self, case: &Raw, suites: &[Suite]) -> Name {
        let project = suites.first().map_or("", |suite| suite.element.attribute("hostname"));
        let name = Name::new().with(Field::Project, project).with(Field::File, case.class());
        name.with(Field::Name, case.name())
    }

    fn broken(&self, child: &Child, case: &Raw) -> Status {
        let message = child.message();
        if case.property("fail").is_some() && message.ends_with("but passes") && child.type_name() == "FAILURE"
            || case.property("fail").is_some() && child.text.contains("Expected to fail, but passed.")
        {
            Status::UnexpectedPass
        } else if message.starts_with("Test timeout of ") && message.contains("ms exceeded") {
            Status::Timeout
        } else if message.contains("worker process exited unexpectedly") {
            Status::Crash
        } else if by_element(child) == Status::Error {
            // An exception that is no assertion is an `error` here; the test itself threw it.
            Status::Failed
        } else {
            by_element(child)
        }
    }

    fn childless(&self, case: &Raw) -> Status {
        if case.property("fail").is_some() { Status::ExpectedFailure } else { Status::Passed }
    }

    fn attempts(&mut self, case: &Raw) -> Vec<Attempt> {
        self.retries_included |= case.child(|kind| kind.is_flaky() || kind.is_rerun()).is_some();
        let mut attempts = reruns(self, case);
        if case.child(|kind| kind.is_flaky() || kind.is_rerun()).is_some() {
            return attempts;
        }
        let Some(last) = attempts.first().cloned() else { return attempts };
        let broken = case.child(|kind| matches!(kind, Kind::Failure | Kind::Error));
        let (earlier, before) = match broken {
            Some(broken) => (retry_headings(&broken.text), last.status),
            None if last.status == Status::Passed => (retries_of_attachments(&case.output), Status::Failed),
            None => (0, Status::Failed),
        };
        if earlier == 0 {
            return attempts;
        }
        let other = Attempt::new(before, None);
        if broken.is_some() && self.retries_included {
            // The testcase's own time is the first attempt's.
            attempts.extend(std::iter::repeat_n(other, earlier));
        } else {
            attempts = vec![other; earlier];
            attempts.push(Attempt { milliseconds: None, ..last });
        }
        attempts
    }
}

/// The number of the last heading `Retry #n` in the text of a failure.
fn retry_headings(text: &str) -> usize {
    let numbers = text.lines().filter_map(|line| {
        let rest = line.trim_start().strip_prefix("Retry #")?;
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        rest[..digits].parse::<usize>().ok()
    });
    numbers.max().unwrap_or(0).min(limits::ATTEMPTS - 1)
}

/// How often a test that passed had failed before, by its attachments: a failed attempt has an `error-context.md`, and the
/// folders of retries are numbered.
fn retries_of_attachments(output: &str) -> usize {
    let paths = || output.lines().filter_map(|line| line.trim().strip_prefix("[[ATTACHMENT|"));
    let contexts = paths().filter(|path| path.ends_with("/error-context.md]]")).count();
    let numbers = paths().filter_map(|path| {
        let (_, rest) = path.rsplit_once("-retry")?;
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        rest[digits..].starts_with('/').then(|| rest[..digits].parse::<usize>().ok())?
    });
    numbers.max().unwrap_or(0).max(contexts).min(limits::ATTEMPTS - 1)
}
