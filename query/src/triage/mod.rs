//! `GET /api/triage`: which tests began to fail, still fail, were fixed or are flaky, and since which commit.
//!
//! Data flow: the newest runs of each configuration, without those that broke as a whole → the failures of just these →
//! per test one [`rule::History`] for each configuration → [`rule::finding`]. A test that has no failure in a run passed
//! in it, or did not run.

mod rule;

use std::collections::{BTreeMap, HashMap};

use axum::Json;
use axum::response::{IntoResponse, Response};
use clickhouse::Row;
use schema::configuration::Configuration;
use schema::openapi::{Operation, list_of, object, shared, text, whole};
use schema::state::{ERROR, NAMES};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::commits::now_uuid;
use crate::error::{ApiError, bad};
use crate::flaky::BROKEN;
use crate::parameters::{CONFIGURATION, Parameters};
use crate::ranges::Bounds;
use crate::routes::Service;
use crate::selection::{Selection, UPLOAD};
pub(crate) use rule::Group;
use rule::{Finding, History};

/// The version of the rule, for whoever keeps its findings.
const RULE: &str = "triage-1";
/// How far back runs are looked at.
const WEEKS: u64 = 4;
/// The newest runs of each configuration that count.
const RUNS: u64 = 30;
/// What is called new or fixed, days.
const DEFAULT_DAYS: u64 = 3;
const MAX_DAYS: u64 = 14;
/// Tests answered if the question names no limit.
const TESTS: u64 = 100;
/// Commits of a test's small history.
const SPARK: usize = 24;
/// Failures that one question reads at most.
const MAX_FAILURES: u64 = 1_000_000;
const DAY: u64 = 86_400 * 100;

/// A test on the list.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) test: String,
    pub(crate) group: Group,
    /// Position of the worst state.
    pub(crate) state: u8,
    /// Configurations that put it in its group.
    pub(crate) configurations: Vec<Configuration>,
    pub(crate) since: u64,
    pub(crate) before: Option<u64>,
    pub(crate) impact: usize,
    /// The suite's newest commits, newest first: the worst unexpected state, 8 where it did not fail.
    pub(crate) history: String,
}

/// What a suite's newest runs say.
pub(crate) struct Answer {
    pub(crate) days: u64,
    /// Configurations that ran.
    pub(crate) configurations: Vec<Configuration>,
    /// How many tests are in each group.
    pub(crate) counts: BTreeMap<Group, usize>,
    /// Group by group, the largest impact first.
    pub(crate) tests: Vec<Found>,
}

/// What it offers.
pub(crate) const OPERATION: Operation = Operation::get(
    "/api/triage",
    "Tests that began to fail, still fail, were fixed or are flaky, by impact",
    &[&CONFIGURATION, &["suite", "days", "group", "recent", "branch", "limit"]],
    || {
        let test = object(&[
            ("test", text()),
            ("group", json!({ "enum": Group::ALL.map(Group::name) })),
            ("state", json!({ "enum": NAMES })),
            ("configurations", list_of(shared("Configuration"))),
            ("since", whole()),
            ("before", json!({ "type": ["integer", "null"] })),
            ("impact", whole()),
            ("history", json!({ "type": "string", "pattern": "^[0-8]*$" })),
        ]);
        object(&[
            ("suite", text()),
            ("days", whole()),
            ("rule", text()),
            ("configurations", whole()),
            ("counts", json!({ "type": "object", "additionalProperties": whole() })),
            ("tests", list_of(test)),
        ])
    },
);

/// Answers in JSON.
pub(crate) async fn endpoint(service: &Service, query: Option<&str>) -> Result<Response, ApiError> {
    let parameters = Parameters::read(query, OPERATION.parameters)?;
    let suite = parameters.first("suite").ok_or_else(|| bad("No test suite specified"))?;
    let answer = find(service, &parameters, suite, TESTS).await?;
    let tests: Vec<Value> = answer.tests.iter().map(shown).collect();
    Ok(Json(json!({
        "suite": suite, "days": answer.days, "rule": RULE, "configurations": answer.configurations.len(),
        "counts": answer.counts, "tests": tests,
    }))
    .into_response())
}

fn shown(found: &Found) -> Value {
    json!({
        "test": found.test, "group": found.group, "state": NAMES.get(usize::from(found.state)),
        "configurations": found.configurations, "since": found.since, "before": found.before, "impact": found.impact,
        "history": found.history,
    })
}

/// One unexpected failure of a run that counts.
#[derive(Row, Deserialize)]
struct Failed {
    config_id: u64,
    uuid: u64,
    start_time: u32,
    sdk: String,
    test: String,
    worst_unexpected: u8,
}

/// The runs of one configuration, newest first.
#[derive(Default)]
struct Runs {
    uuids: Vec<u64>,
    /// Where the run of a uuid, a start and an SDK is.
    positions: HashMap<(u64, u32, String), usize>,
}

/// What the parameters ask of a suite; `limit` tests of it unless they say.
pub(crate) async fn find(
    service: &Service,
    parameters: &Parameters,
    suite: &str,
    limit: u64,
) -> Result<Answer, ApiError> {
    let days = match parameters.first("days").map(str::parse) {
        None => DEFAULT_DAYS,
        Some(Ok(days)) if (1..=MAX_DAYS).contains(&days) => days,
        Some(_) => return Err(bad(format!("Days must be an integer from 1 to {MAX_DAYS}"))),
    };
    let asked: Vec<&str> = parameters.all("group").filter(|group| !group.is_empty()).collect();
    if let Some(unknown) = asked.iter().find(|asked| Group::ALL.iter().all(|group| group.name() != **asked)) {
        return Err(bad(format!("{unknown} is not a group; the groups are new, still, fixed and flaky")));
    }
    let limit = parameters.limit(limit)?.min(1000) as usize;
    let end = now_uuid();
    let bounds = Bounds {
        begin: end.saturating_sub(WEEKS * 7 * DAY),
        end,
        after_time: None,
        before_time: None,
        commit_bounds: 2,
    };
    let selection = Selection::within(service, parameters, bounds, RUNS).await?;
    let mut answer = Answer { days, configurations: Vec::new(), counts: BTreeMap::new(), tests: Vec::new() };
    if selection.is_empty() {
        return Ok(answer);
    }
    let runs = runs(service, suite, &selection).await?;
    answer.configurations = runs.keys().filter_map(|id| selection.matching.get(id).cloned()).collect();
    let mut found = judge(failures(service, suite, &selection).await?, &runs, days, &selection);
    for test in &found {
        *answer.counts.entry(test.group).or_default() += 1;
    }
    found.retain(|test| asked.is_empty() || asked.contains(&test.group.name()));
    let rank = |test: &Found| (test.group, usize::MAX - test.impact, u64::MAX - test.since);
    found.sort_by(|one, other| rank(one).cmp(&rank(other)).then_with(|| one.test.cmp(&other.test)));
    found.truncate(limit);
    answer.tests = found;
    Ok(answer)
}

/// Runs that count: the newest, but for those that broke as a whole. Needs the suite and the selection bound.
fn counted(selection: &Selection<'_>, fields: &str) -> String {
    format!(
        "SELECT {fields} FROM runs WHERE suite = ?{} AND NOT ({BROKEN}){}",
        selection.condition(),
        selection.tail("config_id")
    )
}

async fn runs(service: &Service, suite: &str, selection: &Selection<'_>) -> Result<BTreeMap<u64, Runs>, ApiError> {
    let sql = counted(selection, "config_id, uuid, start_time, sdk");
    let mut rows: Vec<(u64, u64, u32, String)> =
        selection.bind(service.client.query(&sql).bind(suite)).fetch_all().await?;
    rows.sort_by_key(|(_, uuid, start_time, _)| std::cmp::Reverse((*uuid, *start_time)));
    let mut found: BTreeMap<u64, Runs> = BTreeMap::new();
    for (config_id, uuid, start_time, sdk) in rows {
        let runs = found.entry(config_id).or_default();
        runs.positions.insert((uuid, start_time, sdk), runs.uuids.len());
        runs.uuids.push(uuid);
    }
    Ok(found)
}

async fn failures(service: &Service, suite: &str, selection: &Selection<'_>) -> Result<Vec<Failed>, ApiError> {
    let sql = format!(
        "SELECT ?fields FROM failures WHERE suite = ?{} AND worst_unexpected <= {ERROR} \
         AND ({UPLOAD}) IN ({}) LIMIT {MAX_FAILURES}",
        selection.condition(),
        counted(selection, UPLOAD),
    );
    let query = selection.bind_condition(service.client.query(&sql).bind(suite)).bind(suite);
    Ok(selection.bind(query).fetch_all().await?)
}

fn judge(failures: Vec<Failed>, runs: &BTreeMap<u64, Runs>, days: u64, selection: &Selection<'_>) -> Vec<Found> {
    let empty = || runs.values().map(|runs| History { runs: &runs.uuids, failed: BTreeMap::new() }).collect::<Vec<_>>();
    let ids: Vec<u64> = runs.keys().copied().collect();
    let mut tests: HashMap<String, Vec<History<'_>>> = HashMap::new();
    for Failed { config_id, uuid, start_time, sdk, test, worst_unexpected } in failures {
        let (Some(runs), Ok(index)) = (runs.get(&config_id), ids.binary_search(&config_id)) else { continue };
        let Some(position) = runs.positions.get(&(uuid, start_time, sdk)) else { continue };
        tests.entry(test).or_insert_with(empty)[index].failed.insert(*position, worst_unexpected);
    }
    let mut commits: Vec<u64> = runs.values().flat_map(|runs| runs.uuids.iter().copied()).collect();
    commits.sort_unstable_by(|one, other| other.cmp(one));
    commits.dedup();
    let newest = commits.first().copied().unwrap_or_default();
    commits.truncate(SPARK);
    let since = now_uuid().saturating_sub(days * DAY);
    let found = tests.into_iter().filter_map(|(test, histories)| {
        let Finding { group, state, affected, since, before, impact } = rule::finding(&histories, newest, since)?;
        let known = |index: &usize| selection.matching.get(ids.get(*index)?).cloned();
        let configurations = affected.iter().filter_map(known).collect();
        Some(Found { test, group, state, configurations, since, before, impact, history: spark(&commits, &histories) })
    });
    found.collect()
}

/// The worst unexpected state on each of the commits, 8 where the test did not fail.
fn spark(commits: &[u64], histories: &[History<'_>]) -> String {
    let mut worst = vec![b'8'; commits.len()];
    for history in histories {
        for (position, state) in &history.failed {
            let commit = commits.binary_search_by(|commit| history.runs[*position].cmp(commit));
            if let Ok(index) = commit {
                worst[index] = worst[index].min(b'0' + state);
            }
        }
    }
    worst.into_iter().map(char::from).collect()
}
