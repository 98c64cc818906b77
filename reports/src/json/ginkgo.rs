//! The JSON of Ginkgo (`--json-report`). Names are `{suite}::{name}`: the suite, the containers around and the spec, without
//! labels, which are properties.
//!
//! Not carried: times of single attempts: `RunTime` is their sum; what broke in an attempt before the last, but for that it
//! failed.

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

#[derive(Default)]
pub(super) struct Ginkgo {
    suite: String,
}

impl Form for Ginkgo {
    fn want(&self, path: &[&str]) -> Want {
        match path {
            [ELEMENT] | [ELEMENT, "SpecReports"] => Want::Enter,
            [ELEMENT, "SuiteDescription" | "SpecialSuiteFailureReasons"] | [ELEMENT, "SpecReports", ELEMENT] => {
                Want::Take
            }
            _ => Want::Skip,
        }
    }

    fn take(&mut self, path: &[&str], value: Value, context: &mut Context<'_, '_>) -> Result<(), Stop> {
        context.source.tool = Some("Ginkgo".to_owned());
        match (path, value) {
            ([_, "SuiteDescription"], Value::String(suite)) => self.suite = suite,
            ([_, "SpecialSuiteFailureReasons"], value) => {
                for reason in value.as_array().into_iter().flatten().filter_map(Value::as_str) {
                    context.out.problem(Problem::outside(&self.suite, reason, Status::Error));
                }
            }
            ([.., ELEMENT], value) if value.is_object() => return self.spec(&value, context),
            _ => {}
        }
        Ok(())
    }
}

impl Ginkgo {
    fn spec(&self, spec: &Value, context: &mut Context<'_, '_>) -> Result<(), Stop> {
        let failure = spec.get("Failure").map_or("", |failure| failure.text("Message"));
        let status = match spec.text("State") {
            "passed" => Status::Passed,
            "pending" | "skipped" => Status::Skipped,
            "failed" => Status::Failed,
            "panicked" => Status::Crash,
            "timedout" => Status::Timeout,
            _ => Status::Error,
        };
        // Nodes of the suite are written like the specs.
        let node = spec.text("LeafNodeType");
        if node != "It" {
            if status.is_failure() {
                let status = if status == Status::Failed { Status::Error } else { status };
                context.out.problem(Problem::outside(&format!("{} [{node}]", self.suite), failure, status));
            }
            return Ok(());
        }
        let around = spec.texts("ContainerHierarchyTexts");
        let name = Name::new().with(Field::Suite, &self.suite);
        let name = around.iter().fold(name, |name, title| name.with(Field::Suite, title));
        let milliseconds = spec.number("RunTime").and_then(|nanoseconds| number::from_seconds(nanoseconds / 1e9));
        // A spec that never began has no end.
        let started = Stamp::parse(spec.text("EndTime")).and_then(|_| Stamp::parse(spec.text("StartTime")));
        let retried = spec.number("MaxFlakeAttempts").unwrap_or(0.0) > 1.0;
        let count = spec.number("NumAttempts").filter(|_| retried).unwrap_or(1.0).clamp(1.0, limits::ATTEMPTS as f64);
        let mut attempts = vec![Attempt::new(Status::Failed, None); count as usize - 1];
        attempts.push(Attempt::new(status, milliseconds.filter(|_| attempts.is_empty())).with_message(failure));
        if let Some(first) = attempts.first_mut() {
            first.started = started;
        }
        let several = attempts.len() > 1;
        let mut test = Test::new(name.with(Field::Name, spec.text("LeafNodeText")), attempts);
        test.total_milliseconds = milliseconds.filter(|_| several);
        if let Some(location) = spec.get("LeafNodeLocation") {
            test.file = Some(location.text("FileName").to_owned()).filter(|file| !file.is_empty());
            test.line = location.line("LineNumber");
        }
        test.properties = spec.texts("LeafNodeLabels").into_iter().map(|label| ("label".to_owned(), label)).collect();
        context.out.add(Case { test, repeat: Repeat::Distinct })
    }
}
