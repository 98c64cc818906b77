//! The tools: for each its name, its arguments, and the question of the API that it asks.

use answers::{changes, results, run_failures, test_names, verdicts};
use rmcp::model::ToolAnnotations;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::arguments;
use crate::api::{openapi, verdicts as asked};
use crate::error::{ApiError, broken};
use crate::parameters::{CONFIGURATION, lists, runs};
use crate::service::Service;

/// Tests, runs and changes that are told if the question names no limit.
const FOUND_TESTS: u64 = 20;
const SHOWN_RUNS: u64 = 10;
const SHOWN_CHANGES: u64 = 20;

/// What a tool asks.
#[derive(Debug, Clone, Copy)]
enum Question {
    Tests,
    History,
    Changes,
    Failures,
    Verdicts,
}

/// A tool.
pub(super) struct Tool {
    pub(super) name: &'static str,
    title: &'static str,
    description: &'static str,
    /// Arguments that have to be there.
    required: &'static [&'static str],
    /// Arguments that may be.
    optional: &'static [&'static [&'static str]],
    question: Question,
}

pub(super) const TOOLS: [Tool; 5] = [
    Tool {
        name: "find_tests",
        title: "Find tests",
        description: "Tests whose name holds a text or matches a pattern with * and ?, with their suites",
        required: &["q"],
        optional: &[&["suite", "limit"]],
        question: Question::Tests,
    },
    Tool {
        name: "history",
        title: "History of a test",
        description: "Results of one test in the newest runs of each configuration, oldest first; 10 runs of each if no limit \
                      is named",
        required: &["suite", "test"],
        optional: &[&["limit", "recent", "branch", "after_time", "before_time"], &CONFIGURATION],
        question: Question::History,
    },
    Tool {
        name: "changes",
        title: "What changed",
        description: "Tests of a suite, or one test, that broke, were fixed or became flaky, with the commits that may have \
                      done it, the likeliest first",
        required: &["suite"],
        optional: &[&["test", "weeks", "kind", "recent", "branch", "limit"], &CONFIGURATION],
        question: Question::Changes,
    },
    Tool {
        name: "failures",
        title: "Failures of a run",
        description: "Tests that failed in the newest run of each configuration, or in those of one commit, with the first line of \
                      what each said; limit is how many runs of each configuration",
        required: &["suite"],
        optional: &[
            &["uuid", "ref", "branch", "unexpected", "recent", "limit", "after_time", "before_time"],
            &CONFIGURATION,
        ],
        question: Question::Failures,
    },
    Tool {
        name: "verdicts",
        title: "Are these failures known?",
        description: "For each failure of a change under review whether it is new, known-failing or known-flaky on the branch, \
                      and why",
        required: &[],
        optional: &[],
        question: Question::Verdicts,
    },
];

impl Tool {
    /// The tool as clients are told of it.
    pub(super) fn described(&self) -> rmcp::model::Tool {
        let hints = ToolAnnotations::new().read_only(true).destructive(false).idempotent(true).open_world(false);
        let schema = match self.input_schema() {
            Value::Object(schema) => schema,
            _ => Map::new(),
        };
        rmcp::model::Tool::new(self.name, self.description, schema).with_title(self.title).with_annotations(hints)
    }

    fn input_schema(&self) -> Value {
        if let Question::Verdicts = self.question {
            return asked::body();
        }
        let names = self.required.iter().chain(self.optional.iter().copied().flatten());
        let property = |name: &&'static str| {
            let (mut schema, meaning) = openapi::parameter(name);
            schema["description"] = meaning.into();
            ((*name).to_owned(), schema)
        };
        // A key of a label is any, so that its name is none of a list.
        let properties: Map<String, Value> = names.filter(|name| **name != "label.key").map(property).collect();
        let label =
            json!({ "^label[.]": { "type": "string", "description": "A member of the configuration of one's own" } });
        let mut schema = json!({
            "type": "object", "properties": properties, "required": self.required, "additionalProperties": false,
        });
        if self.optional.iter().any(|names| names.contains(&"label.key")) {
            schema["patternProperties"] = label;
        }
        schema
    }

    /// The answer to a question with these arguments.
    pub(super) async fn ask(&self, service: &Service, arguments: Map<String, Value>) -> Result<Value, ApiError> {
        let store = &service.store;
        match self.question {
            Question::Tests => {
                let ([text], parameters) = arguments::read(arguments, ["q"], self.optional)?;
                let suites: Vec<&str> = parameters.all("suite").collect();
                json(test_names::find(store, &suites, &text, parameters.limit(FOUND_TESTS)?).await?)
            }
            Question::History => {
                let ([suite, test], parameters) = arguments::read(arguments, ["suite", "test"], self.optional)?;
                let mut filter = runs::filter(&parameters)?;
                filter.limit.get_or_insert(SHOWN_RUNS);
                json(results::results_of_test(store, &suite, &test, &filter).await?)
            }
            Question::Changes => {
                let ([suite], parameters) = arguments::read(arguments, ["suite"], self.optional)?;
                let mut question = lists::changes(&parameters, &suite, parameters.chosen("test"))?;
                question.runs.limit.get_or_insert(SHOWN_CHANGES);
                json(changes::find(store, &question).await?)
            }
            Question::Failures => {
                let ([suite], parameters) = arguments::read(arguments, ["suite"], self.optional)?;
                let filter = runs::filter(&parameters)?;
                let with_expected = !parameters.flag("unexpected", true);
                json(run_failures::find(store, &suite, &filter, with_expected).await?)
            }
            Question::Verdicts => json(verdicts::find(store, &asked::read(arguments)?).await?),
        }
    }
}

fn json(answer: impl Serialize) -> Result<Value, ApiError> {
    serde_json::to_value(answer).map_err(broken)
}
