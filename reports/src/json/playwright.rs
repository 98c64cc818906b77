//! The JSON of Playwright. Names are `{project}::{file}::{suite}::{name}`: the project, the file, the titles around and the
//! title.
//!
//! Not carried: nothing that its JUnit has. A test that should fail and did is an expected failure, and every attempt has its
//! time and start.

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

/// The suites around the present spec; the outermost is the file.
#[derive(Default)]
pub(super) struct Playwright {
    titles: Vec<String>,
}

impl Form for Playwright {
    fn want(&self, path: &[&str]) -> Want {
        match path {
            ["suites", ..] => match path.last() {
                Some(&("suites" | "specs")) => Want::Enter,
                Some(&ELEMENT) if path[path.len() - 2] == "suites" => Want::Enter,
                Some(&ELEMENT) => Want::Take,
                Some(&"title") => Want::Take,
                _ => Want::Skip,
            },
            ["errors"] | ["config"] => Want::Enter,
            ["errors", ELEMENT] | ["config", "version"] | ["stats"] => Want::Take,
            _ => Want::Skip,
        }
    }

    fn take(&mut self, path: &[&str], value: Value, context: &mut Context<'_, '_>) -> Result<(), Stop> {
        match path {
            ["config", ..] => {
                context.source.tool =
                    Some(format!("Playwright {}", value.as_str().unwrap_or_default()).trim().to_owned());
            }
            ["stats"] => context.source.started = Stamp::parse(value.text("startTime")),
            ["errors", ..] => {
                let file = value.get("location").map_or("", |location| location.text("file"));
                context.out.problem(Problem::outside(file, message(&value), Status::Error));
            }
            [.., "title"] => {
                self.titles.truncate(depth(path).saturating_sub(1));
                self.titles.push(value.as_str().unwrap_or_default().to_owned());
            }
            _ => return self.spec(&value, context),
        }
        Ok(())
    }

    fn leave(&mut self, path: &[&str], _: &mut Context<'_, '_>) -> Result<(), Stop> {
        if let ["suites", .., ELEMENT] = path {
            self.titles.truncate(depth(path).saturating_sub(1));
        }
        Ok(())
    }
}

/// How many suites a path lies in.
fn depth(path: &[&str]) -> usize {
    path.iter().filter(|&&member| member == "suites").count()
}

impl Playwright {
    fn spec(&self, spec: &Value, context: &mut Context<'_, '_>) -> Result<(), Stop> {
        let file = spec.text("file");
        for test in spec.list("tests") {
            let mut name = Name::new().with(Field::Project, test.text("projectName")).with(Field::File, file);
            for title in self.titles.iter().filter(|title| *title != file) {
                name = name.with(Field::Suite, title);
            }
            let expected = test.text("expectedStatus");
            let results = test.list("results");
            let mut attempts: Vec<Attempt> =
                results.iter().take(limits::ATTEMPTS).map(|result| attempt(result, expected)).collect();
            if attempts.is_empty() {
                attempts.push(Attempt::new(Status::Skipped, None));
            }
            let mut case = Test::new(name.with(Field::Name, spec.text("title")), attempts);
            case.file = Some(file.to_owned()).filter(|file| !file.is_empty());
            case.line = spec.line("line");
            case.properties = spec.texts("tags").into_iter().map(|tag| ("tag".to_owned(), tag)).collect();
            for annotation in test.list("annotations") {
                let property = (annotation.text("type").to_owned(), annotation.text("description").to_owned());
                case.properties.push(property);
            }
            context.out.add(Case { test: case, repeat: Repeat::Distinct })?;
        }
        Ok(())
    }
}

fn attempt(result: &Value, expected: &str) -> Attempt {
    let error = result.get("error").map_or("", message);
    let status = match (result.text("status"), expected) {
        ("passed", "failed") => Status::UnexpectedPass,
        ("passed", _) => Status::Passed,
        ("failed", "failed") | ("timedOut", "timedOut") => Status::ExpectedFailure,
        ("failed", _) if error.contains("worker process exited unexpectedly") => Status::Crash,
        ("failed", _) => Status::Failed,
        ("timedOut", _) => Status::Timeout,
        ("skipped", _) => Status::Skipped,
        _ => Status::Error,
    };
    let output: String =
        ["stdout", "stderr"].iter().flat_map(|stream| result.list(stream)).map(|piece| piece.text("text")).collect();
    let errors = result.list("errors").iter().map(message).collect::<Vec<_>>().join("\n\n");
    Attempt::new(status, result.number("duration").and_then(number::rounded))
        .with_start(Stamp::parse(result.text("startTime")))
        .with_message(if errors.trim().is_empty() { error } else { &errors })
        .with_output(&output)
}

fn message(error: &Value) -> &str {
    ["stack", "message", "value"].into_iter().map(|name| error.text(name)).find(|text| !text.is_empty()).unwrap_or("")
}
