//! `GET /api/openapi.json`: what every endpoint says of itself.

use answers::causes::CauseOrder;
use answers::changes::Kind;
use answers::costs::CostsBy;
use answers::flaky::FlakyOrder;
use answers::new_tests::MAX_DAYS as NEWEST_DAYS;
use answers::quarantine::EntryState;
use answers::quarantine::export::ListFormat;
use answers::triage::{Group, MAX_DAYS};
use axum::Json;
use axum::extract::{RawQuery, State};
use serde_json::{Value, json};
use web::openapi::{self, Operation, Repeated};

use super::{
    access, bug_trackers, bugs, causes, changes, commits, compare, costs, dead_letters, durations, ews, failures,
    flaky, links, live, new_tests, owners, populations, quarantine, recent_uploads, renames, results, rules, run, sql,
    standing, suites, summary, test_metrics, test_names, timeline, trends, triage, under_review, uploads, verdicts,
};
use crate::archives;
use crate::error::ApiError;
use crate::parameters::{self, Parameters};
use crate::service::{Service, Shared};

const OPENAPI: Operation = Operation {
    errors: &[400],
    ..Operation::get("/api/openapi.json", "This document", &[], || json!({ "type": "object" }))
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
    new_tests::OPERATION,
    costs::OPERATION,
    owners::OPERATION,
    triage::OPERATION,
    test_metrics::OPERATION,
    changes::OF_SUITE,
    changes::OF_TEST,
    standing::OPERATION,
    under_review::RECENT,
    under_review::ONE,
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
    Parameters::of(query.as_deref(), &OPENAPI)?;
    Ok(Json(described(&service)))
}

/// The OpenAPI document: the intake's operations, then ours.
pub(crate) fn described(service: &Service) -> Value {
    let operations = service.options.intake.iter().chain(OPERATIONS);
    let mut document =
        openapi::document(&service.options.title, operations, |operation, name| parameter(operation.path, name));
    for operation in OPERATIONS {
        let described = &mut document["paths"][operation.path][operation.method]["parameters"];
        for described in described.as_array_mut().into_iter().flatten() {
            let name = described["name"].as_str().filter(|_| described["in"] == "query");
            if name.is_some_and(|name| !parameters::may_repeat(operation, name)) {
                described["schema"]["maxItems"] = 1.into();
            }
        }
    }
    document
}

/// Where the intake takes reports, whose format is another matter than that of an answer.
const REPORTS: &str = "/api/reports";
/// How rows are written.
const OF_ROWS: [&str; 4] = ["json", "csv", "parquet", "arrow"];

/// Schema and meaning of `format`.
fn format(path: &str) -> (Value, &'static str) {
    let written = "How the answer is written; json by default";
    if path == REPORTS {
        (openapi::text(), "The form of the reports; their contents say if absent")
    } else if path == quarantine::EXPORT.path {
        (json!({ "enum": ListFormat::ALL.map(ListFormat::name) }), "The form of the list; plain names by default")
    } else if path == under_review::ONE.path {
        let all = [&OF_ROWS[..], &["markdown"]].concat();
        (json!({ "enum": all }), written)
    } else {
        (json!({ "enum": OF_ROWS }), written)
    }
}

/// Schema and meaning of `state`.
fn state(path: &str) -> (Value, &'static str) {
    if path == dead_letters::LIST.path {
        return (json!({ "enum": ["waiting", "replayed", "discarded"] }), "What was done about the letter");
    }
    let states = [&EntryState::ALL.map(EntryState::name)[..], &[quarantine::ALL]].concat();
    (json!({ "enum": states }), "What became of an entry; active by default")
}

/// Schema and meaning of `days`.
fn days(path: &str) -> (Value, &'static str) {
    let of_new_tests = path == new_tests::OPERATION.path;
    let (most, meaning) =
        if of_new_tests { (NEWEST_DAYS, "How lately a test came") } else { (MAX_DAYS, "What counts as new or fixed") };
    (json!({ "type": "integer", "minimum": 1, "maximum": most }), meaning)
}

/// Schema and meaning of a query parameter of what is asked at a path.
pub(crate) fn parameter(path: &str, name: &str) -> (Value, &'static str) {
    let number = || json!({ "type": "integer", "minimum": 0 });
    let bare = name.trim_start_matches("after_").trim_start_matches("before_").trim_start_matches("base_");
    match bare {
        "limit" if OPERATIONS.iter().any(|one| one.path == path && one.repeated == Repeated::Any) => {
            (json!({ "type": "integer", "minimum": 1 }), "How many at most; of several the last counts")
        }
        "limit" => (json!({ "type": "integer", "minimum": 1 }), "How many at most"),
        "days" => days(path),
        "as_of" => (
            openapi::text(),
            "What would have been answered then: a date (its end in UTC), a time such as 2026-01-31T12:00:00Z, seconds since 1970, \
             or the receipt of an upload, for when it came",
        ),
        "group" => (json!({ "enum": Group::ALL.map(Group::name) }), "Only these"),
        "kind" => (json!({ "enum": Kind::ALL.map(Kind::name) }), "Only changes of this kind"),
        "sort" => (json!({ "enum": FlakyOrder::ALL.map(FlakyOrder::name) }), "What comes first; certainty by default"),
        // After the commits' parameters were stripped of their prefixes these two are what is left.
        "before" | "after" => (openapi::text(), "A commit: identifier, revision, beginning of a hash, or uuid"),
        "format" => format(path),
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
        "state" => state(path),
        "q" => (
            openapi::text(),
            "A part of a name, or a pattern with * and ?; lists of tests take more, as their pages explain",
        ),
        "cause" => (json!({ "type": "string", "pattern": "^[0-9a-fA-F]{32}$" }), "Only failures of this cause"),
        "text" => {
            (json!({ "type": "string", "maxLength": 200 }), "A part of what failing tests said; case does not matter")
        }
        "order" => (json!({ "enum": CauseOrder::ALL.map(CauseOrder::name) }), "What comes first; failures by default"),
        "by" => (json!({ "enum": CostsBy::ALL.map(CostsBy::name) }), "What is summed up; test by default"),
        "owner" => (openapi::text(), "Only tests of this owner; none for those that nobody owns, any for the others"),
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
