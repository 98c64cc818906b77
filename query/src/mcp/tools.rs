//! The tools: for each its name, its arguments, and the question of the API that it asks.

use answers::{changes, results, run_failures, suites, test_names};
use rmcp::model::ToolAnnotations;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::arguments;
use crate::api::{self, openapi, verdicts};
use crate::error::{ApiError, broken};
use crate::parameters::{ANY_LABEL, CONFIGURATION, lists, runs};
use crate::service::Service;

/// Tests, runs and changes that are told if the question names no limit.
const FOUND_TESTS: u64 = 20;
const SHOWN_RUNS: u64 = 10;
const SHOWN_CHANGES: u64 = 20;

/// A question of the API that is asked by parameters.
#[derive(Debug, Clone, Copy)]
enum Question {
    Tests,
    History,
    Changes,
    Failures,
}

/// What a tool asks, and with which arguments.
#[derive(Debug, Clone, Copy)]
enum Asked {
    /// The question for verdicts, as it is posted.
    Verdicts,
    /// Another question, whose parameters are the arguments.
    Parameters {
        question: Question,
        /// Those that have to be there.
        required: &'static [&'static str],
        /// Those that may be.
        optional: &'static [&'static [&'static str]],
    },
}

/// A tool.
pub(super) struct Tool {
    pub(super) name: &'static str,
    title: &'static str,
    description: &'static str,
    asked: Asked,
}

pub(super) const TOOLS: [Tool; 5] = [
    Tool {
        name: "find_tests",
        title: "Find tests",
        description: "Tests whose name holds a text or matches a pattern with * and ?, with their suites",
        asked: Asked::Parameters { question: Question::Tests, required: &["q"], optional: &[&["suite", "limit"]] },
    },
    Tool {
        name: "history",
        title: "History of a test",
        description: "Results of one test in the newest runs of each configuration, oldest first; 10 runs of each if no limit \
                      is named",
        asked: Asked::Parameters {
            question: Question::History,
            required: &["suite", "test"],
            optional: &[&["limit", "recent", "branch", "after_time", "before_time"], &CONFIGURATION],
        },
    },
    Tool {
        name: "changes",
        title: "What changed",
        description: "Tests of a suite, or one test, that broke, were fixed or became flaky, with the commits that may have \
                      done it, the likeliest first",
        asked: Asked::Parameters {
            question: Question::Changes,
            required: &["suite"],
            optional: &[&["test", "weeks", "kind", "recent", "branch", "limit"], &CONFIGURATION],
        },
    },
    Tool {
        name: "failures",
        title: "Failures of a run",
        description: "Tests that failed in the newest run of each configuration, or in those of one commit, with the first line of \
                      what each said; limit is how many runs of each configuration",
        asked: Asked::Parameters {
            question: Question::Failures,
            required: &["suite"],
            optional: &[
                &["uuid", "ref", "branch", "unexpected", "recent", "limit", "after_time", "before_time"],
                &CONFIGURATION,
            ],
        },
    },
    Tool {
        name: "verdicts",
        title: "Are these failures known?",
        description: "For each failure of a change under review whether it is new, known-failing or known-flaky on the branch, \
                      and why",
        asked: Asked::Verdicts,
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

    /// Where the API has the same question.
    fn path(&self) -> &'static str {
        match self.asked {
            Asked::Verdicts => verdicts::ASK.path,
            Asked::Parameters { question: Question::Tests, .. } => api::test_names::SEARCH.path,
            Asked::Parameters { question: Question::History, .. } => api::results::RESULTS_OF_TEST.path,
            Asked::Parameters { question: Question::Changes, .. } => api::changes::OF_SUITE.path,
            Asked::Parameters { question: Question::Failures, .. } => api::failures::OPERATION.path,
        }
    }

    fn input_schema(&self) -> Value {
        let Asked::Parameters { required, optional, .. } = self.asked else { return verdicts::body() };
        let names = required.iter().chain(optional.iter().copied().flatten());
        let property = |name: &&'static str| {
            let (mut schema, meaning) = openapi::parameter(self.path(), name);
            schema["description"] = meaning.into();
            ((*name).to_owned(), schema)
        };
        // A key of a label is any, so that its name is none of a list.
        let properties: Map<String, Value> = names.filter(|name| **name != ANY_LABEL).map(property).collect();
        let label =
            json!({ "^label[.]": { "type": "string", "description": "A member of the configuration of one's own" } });
        let mut schema = json!({
            "type": "object", "properties": properties, "required": required, "additionalProperties": false,
        });
        if optional.iter().any(|names| names.contains(&ANY_LABEL)) {
            schema["patternProperties"] = label;
        }
        schema
    }

    /// The answer to a question with these arguments.
    pub(super) async fn ask(&self, service: &Service, arguments: Map<String, Value>) -> Result<Value, ApiError> {
        let store = &service.store;
        let Asked::Parameters { question, required, optional } = self.asked else {
            return json(answers::verdicts::find(store, &verdicts::read(arguments)?).await?);
        };
        let parameters = arguments::read(&arguments, required, optional)?;
        let of = |name| parameters.first(name).unwrap_or_default();
        match question {
            Question::Tests => {
                let asked: Vec<&str> = parameters.all("suite").collect();
                for suite in &asked {
                    suites::expect(store, suite).await?;
                }
                json(test_names::find(store, &asked, of("q"), parameters.limit(FOUND_TESTS)?).await?)
            }
            Question::History => {
                suites::expect(store, of("suite")).await?;
                let mut filter = runs::filter(&parameters)?;
                filter.limit.get_or_insert(SHOWN_RUNS);
                json(results::results_of_test(store, of("suite"), of("test"), &filter).await?.with_all_states())
            }
            Question::Changes => {
                let mut question = lists::changes(&parameters, of("suite"), parameters.chosen("test"), &store.clock)?;
                question.runs.limit.get_or_insert(SHOWN_CHANGES);
                json(changes::find(store, &question).await?)
            }
            Question::Failures => {
                let with_expected = !parameters.flag("unexpected", true);
                json(run_failures::find(store, of("suite"), &runs::filter(&parameters)?, with_expected).await?)
            }
        }
    }
}

fn json(answer: impl Serialize) -> Result<Value, ApiError> {
    serde_json::to_value(answer).map_err(broken)
}
