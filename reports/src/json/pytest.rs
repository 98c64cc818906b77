//! pytest-json-report. Names are `{file}::{name}`: the node's id, whose classes stay with the name.
//!
//! Not carried: starts; attempts before the last, and how many there were; which of two equal results a test had.

use serde_json::Value;

use super::form::{Context, Form, Members};
use super::walk::{ELEMENT, Want};
use crate::error::Stop;
use crate::limits;
use crate::model::{Attempt, Problem, Status, Test};
use crate::name::{Field, Name};
use crate::number;
use crate::run::{Case, Repeat};

#[derive(Default)]
pub(super) struct Pytest {
    exit_code: i64,
    collector: String,
    outcome: String,
    reason: String,
    problems: usize,
}

/// What a test goes through.
const PHASES: [&str; 3] = ["setup", "call", "teardown"];

impl Form for Pytest {
    fn want(&self, path: &[&str]) -> Want {
        match path {
            ["tests" | "collectors"] | ["collectors", ELEMENT] => Want::Enter,
            ["tests", ELEMENT] | ["collectors", ELEMENT, "nodeid" | "outcome" | "longrepr"] => Want::Take,
            ["exitcode" | "environment"] => Want::Take,
            _ => Want::Skip,
        }
    }

    fn take(&mut self, path: &[&str], value: Value, context: &mut Context<'_, '_>) -> Result<(), Stop> {
        let text = || value.as_str().unwrap_or_default().to_owned();
        match path {
            ["exitcode"] => self.exit_code = value.as_i64().unwrap_or(0),
            ["environment"] => {
                for (name, value) in value.as_object().into_iter().flatten().take(limits::PROPERTIES) {
                    if let Some(value) = value.as_str() {
                        context.source.properties.push((name.clone(), value.to_owned()));
                    }
                }
            }
            [.., "nodeid"] => self.collector = text(),
            [.., "outcome"] => self.outcome = text(),
            [.., "longrepr"] => self.reason = text(),
            _ if value.is_object() => return context.out.add(case(&value)),
            _ => {}
        }
        Ok(())
    }

    fn leave(&mut self, path: &[&str], context: &mut Context<'_, '_>) -> Result<(), Stop> {
        if path == ["collectors", ELEMENT] {
            if matches!(self.outcome.as_str(), "failed" | "error") {
                self.problems += 1;
                context.out.problem(Problem::outside(&self.collector, &self.reason, Status::Error));
            }
            (self.collector, self.outcome, self.reason) = Default::default();
        }
        Ok(())
    }

    /// Exit codes from 2 on say that pytest did not run all it was asked to.
    fn end(&mut self, context: &mut Context<'_, '_>) -> Result<(), Stop> {
        context.source.tool = Some("pytest".to_owned());
        if (2..5).contains(&self.exit_code) && self.problems == 0 {
            let message = format!("pytest ended with exit code {} before it had run all tests", self.exit_code);
            context.out.problem(Problem::incomplete("", &message, Status::Error));
        }
        Ok(())
    }
}

fn case(value: &Value) -> Case {
    let id = value.text("nodeid");
    let (file, title) = id.split_once("::").unwrap_or(("", id));
    let attempt = attempt(value);
    let mut test = Test::new(Name::new().with(Field::File, file).with(Field::Name, title), vec![attempt]);
    test.file = Some(file.to_owned()).filter(|file| !file.is_empty());
    // Lines are counted from 0 here.
    test.line = value.get("lineno").and_then(Value::as_u64).and_then(|line| u32::try_from(line + 1).ok());
    for property in value.list("user_properties") {
        for (name, value) in property.as_object().into_iter().flatten() {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            test.properties.push((name.clone(), text));
        }
    }
    Case { test, repeat: Repeat::Distinct }
}

/// The last attempt: the outcome stays `rerun` though it passed, so the phases decide.
fn attempt(value: &Value) -> Attempt {
    let phase = |name: &str| value.get(name);
    let outcome = |name: &str| phase(name).map_or("", |phase| phase.text("outcome"));
    // With xdist, a line that names the worker stands before.
    let is_strict = |line: &str| line.starts_with("[XPASS(strict)]");
    let strict = phase("call").is_some_and(|call| call.text("longrepr").lines().take(2).any(is_strict));
    let status = match (value.text("outcome"), outcome("setup"), outcome("call"), outcome("teardown")) {
        ("xfailed", ..) => Status::ExpectedFailure,
        ("xpassed", ..) => Status::UnexpectedPass,
        (_, "failed" | "error", ..) => Status::Error,
        (.., "failed", _) if strict => Status::UnexpectedPass,
        (.., "failed", _) if has_timed_out(phase("call")) => Status::Timeout,
        (.., "failed", _) => Status::Failed,
        (.., "failed" | "error") => Status::Error,
        (_, "skipped", ..) | (.., "skipped", _) => Status::Skipped,
        (_, _, "passed", _) => Status::Passed,
        ("passed", ..) => Status::Passed,
        ("skipped", ..) => Status::Skipped,
        ("failed", ..) => Status::Failed,
        _ => Status::Error,
    };
    let phases = || PHASES.iter().filter_map(|name| phase(name));
    let seconds: Option<f64> = phases().filter_map(|phase| phase.number("duration")).reduce(|sum, part| sum + part);
    let texts = |name: &'static str| phases().map(|phase| phase.text(name)).filter(|text| !text.is_empty());
    let message = texts("longrepr").collect::<Vec<_>>().join("\n\n");
    let output = texts("stdout").chain(texts("stderr")).collect::<Vec<_>>().join("\n");
    Attempt::new(status, seconds.and_then(number::from_seconds)).with_message(&message).with_output(&output)
}

fn has_timed_out(call: Option<&Value>) -> bool {
    let crash = call.and_then(|call| call.get("crash")).map_or("", |crash| crash.text("message"));
    crash.starts_with("Failed: Timeout (>") || crash.starts_with("Failed: Timeout >")
}
