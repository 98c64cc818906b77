//! The question before merging: `POST /api/verdicts`, and how good the answers were: `GET /api/verdicts/quality`.

use answers::ask::RunFilter;
use answers::table::schema_of;
use answers::verdicts::{self, AskingChange, MAX_TESTS, ObservedTest, VerdictQuality, Verdicts, VerdictsQuestion};
use axum::Json;
use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use schema::state::State as TestState;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use web::openapi::{self, Operation, list_of, text};

use super::json_body;
use crate::error::{ApiError, bad};
use crate::layers::format::Rows;
use crate::parameters::lists::NO_SUITE;
use crate::parameters::{CONFIGURATION, Parameters, as_of, lists, runs};
use crate::service::Shared;
use crate::warning;

/// A question names so many tests at most, each with a line of what it said.
const MAX_BODY_BYTES: usize = 16 << 20;

pub(crate) const ASK: Operation = Operation {
    parameters: &[&["as_of"]],
    ..Operation::post(
        "/api/verdicts",
        "Whether failures of a change under review are known: for each test new, known-failing, known-flaky or unknown",
        schema_of::<Verdicts>,
        &[400, 404, 503],
    )
    .taking(body)
};

pub(crate) const QUALITY: Operation = Operation {
    errors: &[400, 404, 503],
    ..Operation::get(
        "/api/verdicts/quality",
        "How the verdicts that were given turned out, by what the branch showed within a week after each, and how soon failures \
         were found: by version of the rule, suite and owner",
        &[&["suite", "weeks", "owner", "format"]],
        schema_of::<VerdictQuality>,
    )
};

/// The schema of what is posted.
pub(crate) fn body() -> Value {
    let optional = |mut schema: Value| {
        schema["additionalProperties"] = false.into();
        schema
    };
    let failing: Vec<&str> = TestState::failures().map(TestState::name).collect();
    let name = json!({ "type": "string", "minLength": 1 });
    let test = optional(json!({
        "type": "object", "required": ["test", "state"],
        "properties": { "test": name, "state": { "enum": failing }, "message": text() },
    }));
    let change = optional(json!({
        "type": "object", "required": ["id"], "properties": { "id": text(), "authors": list_of(text()) },
    }));
    optional(json!({
        "type": "object", "required": ["suite", "tests"],
        "properties": {
            "suite": name, "branch": text(), "configuration": { "type": "object" }, "base": text(), "change": change,
            "tests_run": openapi::whole(), "tests": { "type": "array", "items": test, "maxItems": MAX_TESTS },
        },
    }))
}

/// What is posted.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object with the suite and the tests")]
struct Asked {
    suite: String,
    #[serde(default)]
    branch: Option<String>,
    /// Members that the configurations have: one value or a list each.
    #[serde(default)]
    configuration: Map<String, Value>,
    #[serde(default)]
    base: Option<String>,
    #[serde(default)]
    change: Option<AskingChange>,
    #[serde(default)]
    tests_run: Option<u64>,
    tests: Vec<AskedTest>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object with a test and its state")]
struct AskedTest {
    test: String,
    /// Name of a failing state.
    state: String,
    /// What the test said.
    #[serde(default)]
    message: Option<String>,
}

impl Asked {
    fn question(self) -> Result<VerdictsQuestion, ApiError> {
        if self.suite.trim().is_empty() {
            return Err(bad(NO_SUITE));
        }
        if let Some(index) = self.tests.iter().position(|asked| asked.test.trim().is_empty()) {
            return Err(bad(format!("Test {} of {} has no name", index + 1, self.tests.len())));
        }
        let mut filters = Vec::new();
        for (name, value) in &self.configuration {
            for value in value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice) {
                filters.push((name.clone(), value.as_str().map_or_else(|| value.to_string(), str::to_owned)));
            }
        }
        let filters = Parameters::given(filters, &[], &[&CONFIGURATION])?;
        // An empty branch names none, as in queries.
        let branch = self.branch.filter(|branch| !branch.is_empty());
        let runs = RunFilter { branch, ..runs::lately(&filters)? };
        let observed = |asked: AskedTest| {
            let state = TestState::failure_of_name(&asked.state);
            let state = state.ok_or_else(|| {
                let known: Vec<&str> = TestState::failures().map(TestState::name).collect();
                bad(format!("{}: {} is not a failure; the failures are {}", asked.test, asked.state, known.join(", ")))
            })?;
            Ok(ObservedTest { test: asked.test, state, message: asked.message })
        };
        let tests = self.tests.into_iter().map(observed).collect::<Result<_, ApiError>>()?;
        let (suite, base, change, tests_run) = (self.suite, self.base, self.change, self.tests_run);
        Ok(VerdictsQuestion { suite, runs, base, change, tests_run, tests })
    }
}

/// The question that an object asks, as it would be posted.
pub(crate) fn read(asked: Map<String, Value>) -> Result<VerdictsQuestion, ApiError> {
    let asked: Asked = serde_json::from_value(Value::Object(asked))
        .map_err(|error| bad(format!("This is not a question for verdicts: {error}")))?;
    asked.question()
}

/// The verdicts on some failures.
pub(crate) async fn ask(State(service): Shared, RawQuery(query): RawQuery, body: Body) -> Result<Response, ApiError> {
    let store = as_of::store(&service.store, &Parameters::of(query.as_deref(), &ASK)?)?;
    let asked: Asked = json_body::read(body, MAX_BODY_BYTES, "is not a question for verdicts").await?;
    let question = asked.question()?;
    let answer = verdicts::find(&store, &question).await?;
    Ok(warning::beside(&store, Some(&question.suite), Json(answer)).await?)
}

/// How good the verdicts were.
pub(crate) async fn quality(
    State(service): Shared,
    RawQuery(query): RawQuery,
) -> Result<Rows<VerdictQuality>, ApiError> {
    let parameters = Parameters::of(query.as_deref(), &QUALITY)?;
    let question = lists::quality(&parameters, parameters.chosen("suite"), &service.store.clock)?;
    Ok(Rows(verdicts::quality(&service.store, &question).await?))
}
