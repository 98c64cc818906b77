//! `GET /api/compare`: what changed for a suite between two commits.
//!
//! Data flow: two names of commits → on each configuration the newest run at or before each → the failures of those
//! runs → [`rule::failures`], the same change of a test on several configurations together. Where one configuration is
//! left, the documents of its two runs also tell what was added, removed and became slower.

mod rule;

use std::collections::{BTreeMap, BTreeSet};

use axum::Json;
use axum::response::{IntoResponse, Response};
use schema::configuration::Configuration;
use schema::state::{ERROR, NAMES};
use serde_json::json;
use web::openapi::{Operation, list_of, object, shared, text, whole};

use crate::commits::{self, now_uuid};
use crate::error::{ApiError, bad, not_found};
use crate::parameters::{CONFIGURATION, Parameters};
use crate::ranges::Bounds;
use crate::routes::Service;
use crate::selection::{Place, Selection, UPLOAD};
use crate::times;
use rule::Failures;
pub(crate) use rule::{Change, Details};

/// How far before a commit its run may be, in units of uuids: four weeks.
const REACH: u64 = 28 * 86_400 * 100;
/// Uuids have more digits than any revision.
const SMALLEST_UUID: u64 = 10_000_000_000;

/// A commit that is compared.
#[derive(Debug, Clone)]
pub(crate) struct End {
    pub(crate) uuid: u64,
    /// As people name it.
    pub(crate) name: String,
}

/// A run on one side: its uuid and start.
pub(crate) type Side = (u64, u32);

/// Configurations that ran on both sides, and one test's change on them.
#[derive(Debug)]
pub(crate) struct Changed {
    pub(crate) test: String,
    pub(crate) change: Change,
    /// Positions of the worst states.
    pub(crate) before: u8,
    pub(crate) after: u8,
    /// Positions in the answer's runs.
    pub(crate) runs: Vec<usize>,
}

/// What changed.
pub(crate) struct Answer {
    pub(crate) before: End,
    pub(crate) after: End,
    pub(crate) runs: Vec<(Configuration, Side, Side)>,
    /// Configurations that ran only on one side.
    pub(crate) alone: usize,
    pub(crate) counts: BTreeMap<Change, usize>,
    /// New failures first; the worst and most common first.
    pub(crate) tests: Vec<Changed>,
    pub(crate) details: Option<Details>,
}

/// What it offers.
pub(crate) const OPERATION: Operation = Operation::get(
    "/api/compare",
    "What changed for a suite between two commits: failures, and for one configuration also what ran and how long it took",
    &[
        &CONFIGURATION,
        &["suite", "before", "after", "unexpected", "recent", "branch", "before_branch", "limit", "format"],
    ],
    || {
        let end = || object(&[("uuid", whole()), ("name", text())]);
        let side = || object(&[("uuid", whole()), ("start_time", whole())]);
        let run = object(&[("configuration", shared("Configuration")), ("before", side()), ("after", side())]);
        let test = object(&[
            ("test", text()),
            ("change", json!({ "enum": Change::ALL.map(Change::name) })),
            ("before", json!({ "enum": NAMES })),
            ("after", json!({ "enum": NAMES })),
            ("runs", list_of(whole())),
        ]);
        object(&[
            ("suite", text()),
            ("before", end()),
            ("after", end()),
            ("runs", list_of(run)),
            ("counts", json!({ "type": "object", "additionalProperties": whole() })),
            ("tests", list_of(test)),
            ("details", json!({ "type": ["object", "null"] })),
        ])
    },
);

/// Answers in JSON.
pub(crate) async fn endpoint(service: &Service, query: Option<&str>) -> Result<Response, ApiError> {
    let parameters = Parameters::read(query, OPERATION.parameters)?;
    let suite = parameters.first("suite").ok_or_else(|| bad("No test suite specified"))?;
    let answer = find(service, &parameters, suite).await?;
    let end = |end: &End| json!({ "uuid": end.uuid, "name": end.name });
    let side = |(uuid, start_time): &Side| json!({ "uuid": uuid, "start_time": start_time });
    let run = |(configuration, before, after): &(Configuration, Side, Side)| json!({ "configuration": configuration, "before": side(before), "after": side(after) });
    let name = |state: u8| NAMES.get(usize::from(state)).copied();
    let test = |changed: &Changed| {
        json!({
            "test": changed.test, "change": changed.change, "before": name(changed.before), "after": name(changed.after),
            "runs": changed.runs,
        })
    };
    Ok(Json(json!({
        "suite": suite, "before": end(&answer.before), "after": end(&answer.after),
        "runs": answer.runs.iter().map(run).collect::<Vec<_>>(),
        "counts": answer.counts, "tests": answer.tests.iter().map(test).collect::<Vec<_>>(), "details": answer.details,
    }))
    .into_response())
}

/// What the parameters ask of a suite.
pub(crate) async fn find(service: &Service, parameters: &Parameters, suite: &str) -> Result<Answer, ApiError> {
    let (before, other_branch) = (parameters.first("before"), parameters.first("before_branch"));
    if before.is_none() && other_branch.is_none() {
        return Err(bad("Name the commit to compare with as before, or its branch as before_branch"));
    }
    let (before, after) = tokio::try_join!(end(service, before), end(service, parameters.first("after")))?;
    let of_before = other_branch.map(|branch| parameters.replacing("branch", branch));
    let of_before = of_before.as_ref().unwrap_or(parameters);
    let limit = parameters.limit(500)?.min(10_000) as usize;
    let unexpected = parameters.flag("unexpected", true);
    let (one, other) = tokio::try_join!(
        Runs::at(service, of_before, suite, before.uuid, unexpected),
        Runs::at(service, parameters, suite, after.uuid, unexpected)
    )?;
    let mut runs = Vec::new();
    let mut pairs = Vec::new();
    let mut merged: BTreeMap<(Change, String), Changed> = BTreeMap::new();
    let mut common: Vec<(&Configuration, u64)> = other.known.iter().map(|(id, one)| (one, *id)).collect();
    common.sort();
    for (configuration, id) in common {
        let (Some(old), Some(now)) = (one.runs.get(&id), other.runs.get(&id)) else { continue };
        let (none_old, none_now) = (Failures::new(), Failures::new());
        let (failed_old, failed_now) =
            (one.failures.get(&id).unwrap_or(&none_old), other.failures.get(&id).unwrap_or(&none_now));
        for (test, change, was, is) in rule::failures(failed_old, failed_now) {
            let empty = || Changed { test: test.to_owned(), change, before: was, after: is, runs: Vec::new() };
            let changed = merged.entry((change, test.to_owned())).or_insert_with(empty);
            changed.runs.push(runs.len());
            (changed.before, changed.after) = (changed.before.min(was), changed.after.min(is));
        }
        runs.push((configuration.clone(), (old.uuid, old.start_time), (now.uuid, now.start_time)));
        pairs.push((old, now));
    }
    let details = match pairs.as_slice() {
        [(old, now)] => {
            Some(rule::details(&times::of_run(service, suite, old).await?, &times::of_run(service, suite, now).await?))
        }
        _ => None,
    };
    let mut counts = BTreeMap::new();
    for changed in merged.values() {
        *counts.entry(changed.change).or_default() += 1;
    }
    let mut tests: Vec<Changed> = merged.into_values().collect();
    let rank = |one: &Changed| (one.change, one.after.min(one.before), usize::MAX - one.runs.len());
    tests.sort_by(|one, other| rank(one).cmp(&rank(other)).then_with(|| one.test.cmp(&other.test)));
    tests.truncate(limit);
    let alone = one.runs.len() + other.runs.len() - 2 * runs.len();
    Ok(Answer { before, after, runs, alone, counts, tests, details })
}

/// The commit of a name, or now.
async fn end(service: &Service, name: Option<&str>) -> Result<End, ApiError> {
    match name {
        Some(name) => named(service, name).await,
        None => Ok(End { uuid: now_uuid(), name: "now".to_owned() }),
    }
}

/// The commit of a name: an identifier, a revision, the beginning of a hash, or a uuid.
async fn named(service: &Service, name: &str) -> Result<End, ApiError> {
    let name = name.trim();
    if let Some(uuid) = name.parse::<u64>().ok().filter(|uuid| *uuid >= SMALLEST_UUID) {
        return Ok(End { uuid, name: commits::by_uuid(service, &BTreeSet::from([uuid])).await?.name(uuid) });
    }
    let found = commits::named(service, &[], &[name], 2).await?;
    match found.as_slice() {
        [] => Err(not_found(format!(
            "No commit is named {name}; give an identifier, a revision or the beginning of a hash"
        ))),
        [commit] => Ok(End { uuid: commit.uuid(), name: commit.short_name() }),
        _ => Err(bad(format!("More than one commit is named {name}; give more of its name"))),
    }
}

/// The runs of one side, by configuration, and what failed in them.
struct Runs {
    known: BTreeMap<u64, Configuration>,
    runs: BTreeMap<u64, Place>,
    failures: BTreeMap<u64, Failures>,
}

impl Runs {
    /// The newest run of each configuration at or before a commit.
    async fn at(
        service: &Service,
        parameters: &Parameters,
        suite: &str,
        uuid: u64,
        unexpected: bool,
    ) -> Result<Self, ApiError> {
        let bounds = Bounds::between(uuid.saturating_sub(REACH), uuid);
        let selection = Selection::within(service, parameters, bounds, 1).await?;
        let mut side = Self { known: BTreeMap::new(), runs: BTreeMap::new(), failures: BTreeMap::new() };
        if selection.is_empty() {
            return Ok(side);
        }
        let newest = |fields: &str| {
            format!(
                "SELECT {fields} FROM runs WHERE suite = ?{} ORDER BY uuid DESC, start_time DESC, sdk LIMIT 1 BY config_id",
                selection.condition()
            )
        };
        let sql = newest("config_id, uuid, sdk, start_time");
        let runs: Vec<Place> = selection.bind_condition(service.client.query(&sql).bind(suite)).fetch_all().await?;
        for run in runs {
            if let Some(configuration) = selection.configuration(&run) {
                side.known.insert(run.config_id, configuration);
                side.runs.insert(run.config_id, run);
            }
        }
        let state = if unexpected { "worst_unexpected" } else { "worst" };
        let sql = format!(
            "SELECT config_id, test, {state} AS state FROM failures WHERE suite = ?{} AND {state} <= {ERROR} \
             AND ({UPLOAD}) IN ({})",
            selection.condition(),
            newest(UPLOAD),
        );
        let query = selection.bind_condition(service.client.query(&sql).bind(suite)).bind(suite);
        let rows: Vec<(u64, String, u8)> = selection.bind_condition(query).fetch_all().await?;
        for (config_id, test, state) in rows {
            side.failures.entry(config_id).or_default().insert(test, state);
        }
        Ok(side)
    }
}

/// What a page says of counts.
pub(crate) fn described(change: Change) -> &'static str {
    match change {
        Change::New => "Newly failing",
        Change::Changed => "Failing in another way",
        Change::Fixed => "Fixed, or not run any more",
        Change::Same => "Still failing",
    }
}
