//! The JSON of googletest. Names are `{class}::{name}`: suite and test, with the parameter's number.
//!
//! Not carried: the zone of starts (what is written is local time, though with a `Z`) and their fractions of a second;
//! failures of `SetUpTestSuite` and `TearDownTestSuite`; iterations before the last.

use serde_json::Value;

use super::form::{Context, Form, Members};
use super::walk::{ELEMENT, Want};
use crate::error::Stop;
use crate::model::{Attempt, Problem, Status, Test};
use crate::name::Name;
use crate::number;
use crate::run::{Case, Repeat};
use crate::stamp::Stamp;

pub(super) struct GoogleTest;

impl Form for GoogleTest {
    fn want(&self, path: &[&str]) -> Want {
        match path {
            ["testsuites"] | ["testsuites", ELEMENT] | ["testsuites", ELEMENT, "testsuite"] => Want::Enter,
            ["testsuites", ELEMENT, "testsuite", ELEMENT] => Want::Take,
            _ => Want::Skip,
        }
    }

    fn take(&mut self, _: &[&str], value: Value, context: &mut Context<'_, '_>) -> Result<(), Stop> {
        context.source.tool = Some("googletest".to_owned());
        // What broke in the environment around all tests is written as a test without a name.
        if value.text("name").is_empty() && value.text("classname").is_empty() {
            let failures: Vec<&str> = value.list("failures").iter().map(|failure| failure.text("failure")).collect();
            if !failures.is_empty() {
                let message = failures.join("\n\n");
                context.out.problem(Problem::outside("NonTestSuiteFailure", &message, Status::Error));
            }
            return Ok(());
        }
        context.out.add(case(&value))
    }
}

fn case(value: &Value) -> Case {
    let failures: Vec<&str> = value.list("failures").iter().map(|failure| failure.text("failure")).collect();
    let (word, result) = (value.text("status"), value.text("result"));
    let status = if !failures.is_empty() {
        Status::Failed
    } else if word == "NOTRUN" || matches!(result, "SKIPPED" | "SUPPRESSED") {
        Status::Skipped
    } else {
        Status::Passed
    };
    let reasons: Vec<&str> = value.list("skipped").iter().map(|skipped| skipped.text("message")).collect();
    let milliseconds = number::milliseconds(value.text("time")).filter(|_| word != "NOTRUN");
    let attempt = Attempt::new(status, milliseconds)
        .with_start(Stamp::parse(value.text("timestamp")).map(Stamp::without_zone))
        .with_message(&[failures, reasons].concat().join("\n\n"));
    let mut test = Test::new(Name::of_class(value.text("classname"), value.text("name")), vec![attempt]);
    test.file = Some(value.text("file").to_owned()).filter(|file| !file.is_empty());
    test.line = value.line("line");
    // What is no member of the form is a property that the test recorded.
    const MEMBERS: [&str; 10] =
        ["name", "file", "line", "status", "result", "timestamp", "time", "classname", "failures", "skipped"];
    for (name, value) in value.as_object().into_iter().flatten() {
        if let (Some(value), false) = (value.as_str(), MEMBERS.contains(&name.as_str())) {
            test.properties.push((name.clone(), value.to_owned()));
        }
    }
    Case { test, repeat: Repeat::Distinct }
}
