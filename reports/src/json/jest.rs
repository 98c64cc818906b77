//! The JSON of Jest (`--json`) and of Vitest, which has the same members. Names are `{file}::{suite}::{name}`: the file, the
//! titles around and the title.
//!
//! Not carried: of attempts before the last, all but their number; what failed in a file outside its tests, where a test of
//! the file failed too.

use serde_json::Value;

use super::form::{Context, Form, Members};
use super::walk::{ELEMENT, Want};
use crate::error::Stop;
use crate::limits;
use crate::model::{Attempt, Problem, Status, Test};
use crate::name::{Field, Name};
use crate::number;
use crate::run::{Case, Repeat};
use crate::stamp::Stamp;

/// The tests of one file, whose name follows them.
#[derive(Default)]
pub(super) struct Jest {
    tests: Vec<Test>,
    bytes: usize,
    /// Whether tests of the present file were handed on before its name was known.
    count: usize,
    failed: bool,
    vitest: bool,
    name: String,
    status: String,
    message: String,
    interrupted: bool,
}

impl Form for Jest {
    fn want(&self, path: &[&str]) -> Want {
        match path {
            ["testResults"] | ["testResults", ELEMENT] | ["testResults", ELEMENT, "assertionResults"] => Want::Enter,
            ["testResults", ELEMENT, "assertionResults", ELEMENT] => Want::Take,
            ["testResults", ELEMENT, "name" | "testFilePath" | "status" | "message"] | ["wasInterrupted"] => Want::Take,
            _ => Want::Skip,
        }
    }

    fn take(&mut self, path: &[&str], value: Value, context: &mut Context<'_, '_>) -> Result<(), Stop> {
        match (path, value) {
            ([.., "assertionResults", ELEMENT], value) if value.is_object() => {
                let vitest = value.get("invocations").is_none();
                if context.source.tool.is_none() {
                    context.source.tool = Some(if vitest { "Vitest" } else { "Jest" }.to_owned());
                }
                self.vitest = vitest;
                let test = test(&value, vitest);
                self.count += 1;
                self.failed |= test.status().is_failure();
                self.bytes += 512 + test.parts.bytes() + test.attempts.len() * size_of::<Attempt>();
                self.bytes += test
                    .attempts
                    .iter()
                    .filter_map(|attempt| attempt.message.as_ref())
                    .map(|m| m.as_str().len())
                    .sum::<usize>();
                self.tests.push(test);
                if self.bytes > limits::HELD_BYTES {
                    return Err(Stop::TooLarge(format!("{} MiB of tests in one file", limits::HELD_BYTES >> 20)));
                }
            }
            ([.., "name" | "testFilePath"], Value::String(name)) => self.name = name,
            ([.., "status"], Value::String(status)) => self.status = status,
            ([.., "message"], Value::String(message)) => self.message = message,
            (["wasInterrupted"], Value::Bool(interrupted)) => self.interrupted = interrupted,
            _ => {}
        }
        Ok(())
    }

    fn leave(&mut self, path: &[&str], context: &mut Context<'_, '_>) -> Result<(), Stop> {
        if path == ["testResults", ELEMENT] { self.file_end(context) } else { Ok(()) }
    }

    fn end(&mut self, context: &mut Context<'_, '_>) -> Result<(), Stop> {
        if self.interrupted {
            let message = "the run was interrupted; tests that had not ended are missing";
            context.out.problem(Problem::incomplete("", message, Status::Error));
        }
        // The tests of a file in which the report is broken off have no file.
        self.file_end(context)
    }
}

impl Jest {
    fn file_end(&mut self, context: &mut Context<'_, '_>) -> Result<(), Stop> {
        let file = std::mem::take(self);
        self.interrupted = file.interrupted;
        // What could not be loaded, or broke around its tests, is told by the file alone.
        let broken = file.status == "failed" && !file.failed;
        if broken {
            context.out.problem(Problem::outside(&file.name, &file.message, Status::Error));
        }
        // In a file of Vitest whose set-up broke, no test ran.
        let in_set_up = broken && file.vitest && file.tests.iter().all(|test| test.status() == Status::Skipped);
        for mut test in file.tests {
            for attempt in test.attempts.iter_mut().filter(|_| in_set_up) {
                attempt.status = Status::Error;
            }
            let name = Name::new().with(Field::File, &file.name);
            test.parts = test.parts.parts().fold(name, |name, (field, part)| name.with(field, part));
            test.file = Some(file.name.clone()).filter(|file| !file.is_empty());
            context.out.add(Case { test, repeat: Repeat::Distinct })?;
        }
        Ok(())
    }
}

fn test(value: &Value, vitest: bool) -> Test {
    let messages = value.texts("failureMessages");
    let first = messages.first().map_or("", String::as_str);
    let should_fail = value.get("failing").and_then(Value::as_bool).unwrap_or(false);
    let status = match value.text("status") {
        "passed" if should_fail => Status::ExpectedFailure,
        "passed" => Status::Passed,
        "failed" if should_fail && first.contains("Failing test passed even though it was supposed to fail") => {
            Status::UnexpectedPass
        }
        "failed" => Status::Failed,
        // Vitest has another word for a test that was skipped: this one had not ended when its worker died.
        "pending" if vitest => Status::Error,
        "pending" | "skipped" | "todo" | "disabled" => Status::Skipped,
        _ => Status::Error,
    };
    let invocations = value.number("invocations").unwrap_or(1.0).clamp(1.0, limits::ATTEMPTS as f64) as usize;
    // Vitest writes a message for each attempt before a pass, and the time of all of them.
    let earlier: Vec<Attempt> = if vitest && status == Status::Passed {
        let failed = messages.iter().take(limits::ATTEMPTS - 1);
        failed.map(|message| Attempt::new(Status::Failed, None).with_message(message)).collect()
    } else {
        let retries = value.texts("retryReasons");
        let reason = |index: usize| retries.get(index).map_or("", String::as_str);
        (1..invocations).map(|index| Attempt::new(Status::Failed, None).with_message(reason(index - 1))).collect()
    };
    let milliseconds = value.number("duration").and_then(number::rounded);
    let sum = vitest && !earlier.is_empty();
    let started = value.number("startAt").and_then(|start| Stamp::from_milliseconds(start as i64));
    let last = Attempt::new(status, milliseconds.filter(|_| !sum)).with_start(started.filter(|_| earlier.is_empty()));
    let last = if status == Status::Passed { last } else { last.with_message(&messages.join("\n\n")) };
    let around = value.texts("ancestorTitles");
    let name = around.iter().fold(Name::new(), |name, title| name.with(Field::Suite, title));
    let mut attempts = earlier;
    attempts.push(last);
    let mut test = Test::new(name.with(Field::Name, value.text("title")), attempts);
    test.total_milliseconds = milliseconds.filter(|_| sum);
    test.line = value.get("location").and_then(|location| location.line("line"));
    test
}
