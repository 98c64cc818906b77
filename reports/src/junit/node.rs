//! Node's test runner. Names are `{suite}::{name}`, with all suites around.
//!
//! Not carried: starts; failures of `before` and `after`; a `todo` that passed looks like an empty one; the tests of a file
//! that died.

use super::dialect::Dialect;
use super::raw::{Child, Kind, Raw, Suite};
use crate::model::{Problem, Status};
use crate::name::{Field, Name};
use crate::xml::Element;

pub(super) struct Node;

impl Dialect for Node {
    fn tool(&self) -> &'static str {
        "Node"
    }

    fn name(&self, case: &Raw, suites: &[Suite]) -> Name {
        let around = suites.iter().fold(Name::new(), |name, suite| name.with(Field::Suite, suite.name()));
        around.with(Field::Name, case.name())
    }

    /// A file that could not be loaded, or whose process died, is written as a test with the file's path.
    fn problem(&self, case: &Raw, suites: &[Suite]) -> Option<Problem> {
        let broken = case.broken()?;
        let code = exit_code(&broken.text)?;
        let status = file_that_died(case.name(), code)?;
        let message = format!("{} (exit code {code})\n{}", broken.message(), broken.text);
        suites.is_empty().then(|| Problem::outside(case.name(), &message, status))
    }

    fn broken(&self, child: &Child, _: &Raw) -> Status {
        failed(child.type_name())
    }

    fn skipped(&self, skipped: &Child, case: &Raw) -> Status {
        match (skipped.type_name(), case.broken()) {
            ("todo", Some(_)) => Status::ExpectedFailure,
            (_, Some(broken)) => self.broken(broken, case),
            (_, None) => Status::Skipped,
        }
    }
}

/// Node's root says nothing, and each of its testcases has the class `test`.
pub(super) fn is_node(root: &Element, case: &Raw) -> bool {
    let silent = root.name == "testsuites" && root.attributes().next().is_none();
    let has_child = |kind| case.child(|known| known == kind).is_some();
    silent && matches!(case.class(), "test" | "suite") && (case.word().is_empty() || has_child(Kind::Failure))
}

/// How a test ended, by Node's type of failure.
pub(crate) fn failed(failure_type: &str) -> Status {
    match failure_type {
        "testTimeoutFailure" => Status::Timeout,
        "cancelledByParent" | "hookFailed" | "parentAlreadyFinished" | "uncaughtException" | "unhandledRejection" => {
            Status::Error
        }
        _ => Status::Failed,
    }
}

/// How the process of a file ended, if the name is one: 1 is an error while it was loaded.
pub(crate) fn file_that_died(name: &str, exit_code: i64) -> Option<Status> {
    const ENDS: [&str; 6] = [".js", ".mjs", ".cjs", ".ts", ".mts", ".cts"];
    let is_path = name.contains(['/', '\\']) && ENDS.iter().any(|end| name.ends_with(end));
    is_path.then_some(if exit_code == 1 { Status::Error } else { Status::Crash })
}

fn exit_code(text: &str) -> Option<i64> {
    let (_, rest) = text.split_once("exitCode: ")?;
    let end = rest.find(|character: char| !character.is_ascii_digit() && character != '-').unwrap_or(rest.len());
    // A process that a signal ended has no exit code.
    Some(rest[..end].parse().unwrap_or(-1))
}
