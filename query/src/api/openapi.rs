//! `GET /api/openapi.json`: what every endpoint says of itself.

use axum::Json;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use web::openapi::{self, JSON, Operation};

use crate::error::ApiError;
use crate::parameters::Parameters;
use crate::routes::Service;
use crate::{
    archives, bugs, commits, compare, dead_letters, durations, ews, failures, flaky, live, results, search, suites,
    summary, test_names, timeline, triage, uploads, urls,
};

const OPENAPI: Operation = Operation {
    method: "get",
    path: "/api/openapi.json",
    summary: "This document",
    parameters: &[],
    body: None,
    media: JSON,
    answer: || json!({ "type": "object" }),
    errors: &[400],
};

/// Everything that this service answers.
const OPERATIONS: &[Operation] = &[
    results::RUNS_OF_SUITE,
    results::RESULTS_OF_TEST,
    summary::OPERATION,
    timeline::OF_SUITE,
    timeline::OF_TEST,
    timeline::overview::OF_A_SUITE,
    timeline::overview::OF_A_TEST,
    failures::OPERATION,
    flaky::OPERATION,
    triage::OPERATION,
    durations::OF_SUITE,
    durations::OF_TEST,
    durations::slowest::OPERATION,
    compare::OPERATION,
    suites::OPERATION,
    search::OPERATION,
    test_names::OPERATION,
    urls::URLS,
    urls::QUEUES,
    uploads::UPLOADS,
    uploads::PROCESS,
    archives::OPERATION,
    ews::RESULTS,
    ews::NAMES,
    bugs::TRACKERS,
    bugs::CREATE,
    bugs::known::OPERATION,
    dead_letters::LIST,
    dead_letters::ONE,
    dead_letters::RECEIPT,
    live::OPERATION,
    OPENAPI,
];

/// The intake's operations, then ours.
fn all(service: &Service) -> impl Iterator<Item = &Operation> {
    service.options.intake.iter().chain(&commits::OPERATIONS).chain(OPERATIONS)
}

/// The OpenAPI document.
pub(crate) fn document(service: &Service, query: Option<&str>) -> Result<Response, ApiError> {
    Parameters::read(query, OPENAPI.parameters)?;
    Ok(Json(openapi(service)).into_response())
}

/// The same as a value.
pub(crate) fn openapi(service: &Service) -> Value {
    openapi::document(&service.options.title, all(service), parameter)
}

/// Schema and meaning of a query parameter.
fn parameter(name: &str) -> (Value, &'static str) {
    let number = || json!({ "type": "integer", "minimum": 0 });
    let bare = name.trim_start_matches("after_").trim_start_matches("before_");
    match bare {
        "limit" => (json!({ "type": "integer", "minimum": 1 }), "How many at most; of several the last counts"),
        "days" => (json!({ "type": "integer", "minimum": 1, "maximum": 14 }), "What counts as new or fixed"),
        "group" => (json!({ "enum": ["new", "still", "fixed", "flaky"] }), "Only these"),
        // After the commits' parameters were stripped of their prefixes these two are what is left.
        "before" | "after" => (openapi::text(), "A commit: identifier, revision, beginning of a hash, or uuid"),
        "format" => (json!({ "enum": ["json", "csv"] }), "How the answer is written; json by default"),
        "weeks" => (json!({ "type": "integer", "minimum": 1, "maximum": 52 }), "How far back"),
        "uuid" => (number(), "100 times the commit's time, plus its order within the second"),
        "timestamp" => (number(), "The commit's time, seconds since 1970"),
        "time" => (json!({ "type": "integer", "minimum": 1 }), "Start of the run, seconds since 1970"),
        "ref" | "id" => (json!({ "type": "string", "minLength": 1 }), "Hash or its beginning, revision or identifier"),
        "repository_id" => (openapi::text(), "Repository of the commit"),
        "branch" => (openapi::text(), "Branch; without one the default branch"),
        "recent" => (json!({ "type": "boolean" }), "Only configurations that ran within 14 days; true by default"),
        "unexpected" => (json!({ "type": "boolean" }), "Only what was not expected; true by default"),
        "collapsed" => (json!({ "type": "boolean" }), "Names over all runs; true by default"),
        "include_expectations" => (json!({ "type": "boolean" }), "Split by whether the state was expected"),
        "flaky" => (json!({ "type": "boolean" }), "Flaky results rather than failures"),
        "is_simulator" => (json!({ "type": "boolean" }), "Configurations of simulators, or of none"),
        "version" => (
            json!({ "type": "string", "pattern": "^[0-9]{1,3}([.][0-9]{1,3}){0,2}$" }),
            "Version of the platform, a.b.c",
        ),
        "state" => (json!({ "enum": ["waiting", "replayed", "discarded"] }), "What was done about it"),
        "q" => (
            openapi::text(),
            "A part of a name, or a pattern with * and ?; lists of tests take more, as their pages explain",
        ),
        "suite" => (openapi::text(), "Name of a suite"),
        "test" => (openapi::text(), "Name of a test; its beginning where names are listed"),
        "prefixes" => (openapi::text(), "Beginning of a test's name"),
        "tests" => (openapi::text(), "Name of a test"),
        _ => (openapi::text(), "Member of the configuration"),
    }
}
