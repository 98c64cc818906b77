//! The Common Test Report Format. Names are `{file}::{suite}::{name}`, without the suite where it only repeats the file; where
//! the name is a whole path, as pytest's are, it says all by itself.
//!
//! Not carried: attempts before the last, but for their number, where the reporter writes no `retryAttempts`; the start of a
//! first attempt in that case.

use serde_json::Value;

use super::form::{Context, Form, Members};
use super::walk::{ELEMENT, Want};
use crate::error::Stop;
use crate::junit::{mocha, pytest};
use crate::limits;
use crate::model::{Attempt, Problem, Source, Status, Test};
use crate::name::{Field, Name, SEPARATOR};
use crate::number;
use crate::run::{Case, Repeat};
use crate::stamp::Stamp;

#[derive(Default)]
pub(super) struct Ctrf;

impl Form for Ctrf {
    fn want(&self, path: &[&str]) -> Want {
        match path {
            ["results"] | ["results", "tests"] => Want::Enter,
            ["results", "tests", ELEMENT] | ["results", "tool" | "environment" | "summary"] => Want::Take,
            _ => Want::Skip,
        }
    }

    fn take(&mut self, path: &[&str], value: Value, context: &mut Context<'_, '_>) -> Result<(), Stop> {
        match path {
            [.., "tool"] => context.source.tool = Some(value.text("name").to_owned()).filter(|tool| !tool.is_empty()),
            [.., "summary"] => context.source.started = value.number("start").and_then(stamp),
            [.., "environment"] => environment(&value, context.source),
            _ if value.is_object() => return test(&value, context),
            _ => {}
        }
        Ok(())
    }
}

fn test(value: &Value, context: &mut Context<'_, '_>) -> Result<(), Stop> {
    let case = case(value);
    let status = case.test.status();
    // A hook that failed is written as a test with the hook's title.
    if status.is_failure() && mocha::is_hook(value.text("name")) {
        context.out.problem(Problem::outside(&case.test.parts.joined(), value.text("message"), Status::Error));
        return Ok(());
    }
    context.out.add(case)
}

fn environment(value: &Value, source: &mut Source) {
    for (name, value) in value.as_object().into_iter().flatten() {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        if source.properties.len() < limits::PROPERTIES {
            source.properties.push((name.clone(), text));
        }
    }
}

/// A point in time: seconds where it is small, else milliseconds.
fn stamp(number: f64) -> Option<Stamp> {
    let milliseconds = if number < 1e11 { number * 1000.0 } else { number };
    Stamp::from_milliseconds(milliseconds as i64)
}

fn case(value: &Value) -> Case {
    let annotations = value.get("extra").map_or(&[][..], |extra| extra.list("annotations"));
    let should_fail = annotations.iter().any(|annotation| annotation.text("type") == "fail");
    let attempts = attempts(value, should_fail);
    let mut test = Test::new(name(value), attempts);
    test.file = Some(value.text("filePath").to_owned()).filter(|file| !file.is_empty());
    test.line = value.line("line");
    test.properties = value.texts("tags").into_iter().map(|tag| ("tag".to_owned(), tag)).collect();
    for owner in ["owner", "assignee"].map(|name| value.text(name)).into_iter().filter(|owner| !owner.is_empty()) {
        test.properties.push(("owner".to_owned(), owner.to_owned()));
    }
    Case { test, repeat: Repeat::Distinct }
}

fn name(value: &Value) -> Name {
    let (file, title) = (value.text("filePath"), value.text("name"));
    let suites = match value.get("suite") {
        Some(Value::Array(_)) => value.texts("suite"),
        _ => vec![value.text("suite").to_owned()],
    };
    if let Some(inner) =
        title.strip_prefix(file).and_then(|rest| rest.strip_prefix(SEPARATOR)).filter(|_| !file.is_empty())
    {
        return Name::new().with(Field::File, file).with(Field::Name, inner);
    }
    let base = file.rsplit(['/', '\\']).next().unwrap_or_default();
    let repeats = |suite: &str| {
        let inner = suite.strip_prefix(base).unwrap_or(suite).trim_start_matches(" > ");
        !base.is_empty() && (suite == file || inner.is_empty() || title.starts_with(&inner.replace(" > ", " ")))
    };
    let mut name = Name::new().with(Field::File, file);
    for suite in suites.iter().filter(|suite| !repeats(suite)) {
        name = name.with(Field::Suite, suite);
    }
    name.with(Field::Name, title)
}

fn attempts(value: &Value, should_fail: bool) -> Vec<Attempt> {
    let last = attempt(value, should_fail);
    let retries = value.list("retryAttempts");
    let mut attempts: Vec<Attempt> =
        retries.iter().take(limits::ATTEMPTS - 1).map(|retry| attempt(retry, should_fail)).collect();
    if attempts.is_empty() {
        let count = value.number("retries").unwrap_or(0.0).clamp(0.0, limits::ATTEMPTS as f64 - 1.0) as usize;
        attempts = vec![Attempt::new(Status::Failed, None); count];
    }
    attempts.push(last);
    attempts
}

fn attempt(value: &Value, should_fail: bool) -> Attempt {
    let of_pytest = || pytest::by_message(value.text("message"));
    let status = match (value.text("status"), value.text("rawStatus")) {
        // The status says that all was as it should be, the other what the test did.
        ("passed", "failed" | "timedOut") => Status::ExpectedFailure,
        ("passed", _) => Status::Passed,
        ("failed", "setup_failed" | "teardown_failed" | "setup_error" | "teardown_error") => Status::Error,
        (_, "timedOut" | "timedout" | "timeout") => Status::Timeout,
        (_, "interrupted" | "broken" | "error") => Status::Error,
        ("failed", _) => of_pytest().unwrap_or(Status::Failed),
        (_, "xfail" | "xfailed") => Status::ExpectedFailure,
        ("skipped" | "pending", _) => Status::Skipped,
        (_, "todo" | "disabled" | "skipped" | "pending" | "unknown" | "") => Status::Skipped,
        (_, "xpass" | "xpassed") => Status::UnexpectedPass,
        _ => Status::Error,
    };
    let status = match (should_fail, status) {
        (true, Status::Passed) => Status::UnexpectedPass,
        (true, Status::Failed | Status::Timeout) => Status::ExpectedFailure,
        (_, status) => status,
    };
    let milliseconds = value.number("duration").and_then(number::rounded);
    let message = format!("{}\n{}", value.text("message"), value.text("trace"));
    let output = [value.texts("stdout"), value.texts("stderr")].concat().join("\n");
    Attempt::new(status, milliseconds)
        .with_start(value.number("start").and_then(stamp))
        .with_message(&message)
        .with_output(&output)
}
