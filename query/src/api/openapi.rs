//! `GET /api/openapi.json`: what every endpoint says of itself.

use answers::causes::CauseOrder;
use answers::changes::Kind;
use answers::flaky::FlakyOrder;
use answers::quarantine::EntryState;
use answers::quarantine::export::ListFormat;
use answers::triage::Group;
use axum::Json;
use axum::extract::{RawQuery, State};
use serde_json::{Value, json};
use web::openapi::{self, JSON, Operation};

use super::{
    access, bug_trackers, bugs, causes, changes, commits, compare, dead_letters, durations, ews, failures, flaky,
    links, live, populations, quarantine, recent_uploads, renames, results, rules, run, sql, suites, summary,
    test_metrics, test_names, timeline, trends, triage, uploads, verdicts,
};
use crate::archives;
use crate::error::ApiError;
use crate::parameters::Parameters;
use crate::service::{Service, Shared};

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
    commits::FIND,
    commits::FIND_TOO,
    commits::SIBLINGS,
    commits::NEXT,
    commits::PREVIOUS,
    commits::BRANCHES,
    commits::REPOSITORIES,
    commits::REPRESENTATIONS,
    results::RUNS_OF_SUITE,
    results::RESULTS_OF_TEST,
    summary::OPERATION,
    timeline::OF_SUITE,
    timeline::OF_TEST,
    timeline::OVERVIEW_OF_SUITE,
    timeline::OVERVIEW_OF_TEST,
    failures::OPERATION,
    causes::CAUSES,
    causes::MESSAGES,
    flaky::OPERATION,
    triage::OPERATION,
    test_metrics::OPERATION,
    changes::OF_SUITE,
    changes::OF_TEST,
    verdicts::ASK,
    verdicts::QUALITY,
    rules::PREVIEW,
    sql::OPERATION,
    durations::OF_SUITE,
    durations::OF_TEST,
    durations::SLOWEST,
    durations::PLAN,
    trends::OPERATION,
    compare::OPERATION,
    populations::OPERATION,
    suites::SUITES,
    test_names::SEARCH,
    test_names::NAMES,
    run::OPERATION,
    links::URLS,
    links::QUEUES,
    uploads::UPLOADS,
    uploads::PROCESS,
    recent_uploads::OPERATION,
    archives::OPERATION,
    ews::RESULTS,
    ews::NAMES,
    bug_trackers::TRACKERS,
    bug_trackers::CREATE,
    bugs::BUGS,
    renames::RENAMES,
    quarantine::QUARANTINE,
    quarantine::PROPOSALS,
    quarantine::EXPORT,
    dead_letters::LIST,
    dead_letters::ONE,
    dead_letters::RECEIPT,
    access::KEYS,
    access::AUDIT,
    live::LIVE,
    OPENAPI,
];

/// The document for programs.
pub(crate) async fn document(State(service): Shared, RawQuery(query): RawQuery) -> Result<Json<Value>, ApiError> {
    Parameters::read(query.as_deref(), OPENAPI.parameters)?;
    Ok(Json(described(&service)))
}

/// The OpenAPI document: the intake's operations, then ours.
pub(crate) fn described(service: &Service) -> Value {
    let operations = service.options.intake.iter().chain(OPERATIONS);
    openapi::document(&service.options.title, operations, parameter)
}

/// One of the words that some operations take, and of those that others do.
fn one_of(words: &[&str], others: &[&str]) -> Value {
    let words = [words, others].concat();
    json!({ "enum": words })
}

/// Schema and meaning of a query parameter.
pub(crate) fn parameter(name: &str) -> (Value, &'static str) {
    let number = || json!({ "type": "integer", "minimum": 0 });
    let bare = name.trim_start_matches("after_").trim_start_matches("before_").trim_start_matches("base_");
    match bare {
        "limit" => (json!({ "type": "integer", "minimum": 1 }), "How many at most; of several the last counts"),
        "days" => (json!({ "type": "integer", "minimum": 1, "maximum": 14 }), "What counts as new or fixed"),
        "group" => (json!({ "enum": Group::ALL.map(Group::name) }), "Only these"),
        "kind" => (json!({ "enum": Kind::ALL.map(Kind::name) }), "Only changes of this kind"),
        "sort" => (json!({ "enum": FlakyOrder::ALL.map(FlakyOrder::name) }), "What comes first; certainty by default"),
        // After the commits' parameters were stripped of their prefixes these two are what is left.
        "before" | "after" => (openapi::text(), "A commit: identifier, revision, beginning of a hash, or uuid"),
        "format" => (
            one_of(&["json", "csv", "parquet", "arrow"], &ListFormat::ALL.map(ListFormat::name)),
            "How the answer is written; json by default. Lists of the quarantine have the last five, and no other",
        ),
        "weeks" => (json!({ "type": "integer", "minimum": 1, "maximum": 52 }), "How far back"),
        "ago" => (json!({ "type": "integer", "minimum": 0, "maximum": 52 }), "How many weeks ago the last week ends"),
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
        "state" => (
            one_of(
                &["waiting", "replayed", "discarded"],
                &[&EntryState::ALL.map(EntryState::name)[..], &[quarantine::ALL]].concat(),
            ),
            "What was done about it, of dead letters the first three; what became of an entry of the quarantine",
        ),
        "q" => (
            openapi::text(),
            "A part of a name, or a pattern with * and ?; lists of tests take more, as their pages explain",
        ),
        "cause" => (json!({ "type": "string", "pattern": "^[0-9a-fA-F]{32}$" }), "Only failures of this cause"),
        "text" => {
            (json!({ "type": "string", "maxLength": 200 }), "A part of what failing tests said; case does not matter")
        }
        "order" => (json!({ "enum": CauseOrder::ALL.map(CauseOrder::name) }), "What comes first; failures by default"),
        "rule" => (number(), "The version of the rule that made the patterns; the newest by default"),
        "link" => (openapi::text(), "Page of the run in the CI"),
        "suite" => (openapi::text(), "Name of a suite"),
        "test" => (openapi::text(), "Name of a test; its beginning where names are listed"),
        "prefixes" => (openapi::text(), "Beginning of a test's name"),
        "tests" => (openapi::text(), "Name of a test"),
        "label.key" => {
            (openapi::text(), "Any other member of the configuration: label.python=3.12; write its key after the dot")
        }
        _ => (openapi::text(), "Member of the configuration"),
    }
}
