//! `GET /api/triage`: which tests began to fail, still fail, were fixed or are flaky, and since which commit.
//!
//! Data flow: the newest runs of each configuration, without those that broke as a whole → the failures of just these →
//! per test one [`rule::History`] for each configuration → [`rule::finding`]. A test that has no failure in a run passed
//! in it, or did not run: of those that seem to be fixed the newest results tell which.

mod found;
pub(crate) mod news;
mod rule;

use std::collections::{BTreeMap, HashMap};

use axum::Json;
use axum::response::{IntoResponse, Response};
use clickhouse::Row;
use schema::configuration::{Configuration, stable_hash};
use schema::state::{ERROR, NAMES};
use serde::Deserialize;
use serde_json::{Value, json};
use web::openapi::{Operation, list_of, object, shared, text, texts, whole};

use crate::bugs::known;
use crate::error::{ApiError, bad};
use crate::flaky::BROKEN;
use crate::language::Question;
use crate::messages;
use crate::parameters::{CONFIGURATION, Parameters};
use crate::ranges::Bounds;
use crate::routes::Service;
use crate::selection::{Selection, UPLOAD};
use found::PASSED;
pub(crate) use found::{FIELDS, Found};
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
/// How far back it is looked for what a test said.
const MESSAGE_WEEKS: u64 = 2;
/// Tests answered if the question names no limit.
const TESTS: u64 = 100;
/// Commits of a test's small history.
const SPARK: usize = 24;
/// Tests that are looked up because they seem to be fixed.
const MAX_FIXED: usize = 2000;
/// Failures that one question reads at most.
const MAX_FAILURES: u64 = 1_000_000;
const DAY: u64 = 86_400 * 100;

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
    &[&CONFIGURATION, &["suite", "days", "group", "q", "recent", "branch", "limit", "format"]],
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
            ("bugs", texts()),
            ("message", json!({ "type": ["string", "null"] })),
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
    let answer = find_with_messages(service, &parameters, suite, TESTS).await?;
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
        "history": found.history, "bugs": known::addresses(&found.bugs),
        "message": found.message,
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
    let question = Question::read(parameters.first("q").unwrap_or_default(), &FIELDS)?;
    let limit = parameters.limit(limit)?.min(1000) as usize;
    let selection = Selection::within(service, parameters, Bounds::last_weeks(WEEKS), RUNS).await?;
    let mut answer = Answer { days, configurations: Vec::new(), counts: BTreeMap::new(), tests: Vec::new() };
    if selection.is_empty() {
        return Ok(answer);
    }
    let runs = runs(service, suite, &selection).await?;
    answer.configurations = runs.keys().filter_map(|id| selection.matching.get(id).cloned()).collect();
    let mut commits: Vec<u64> = runs.values().flat_map(|runs| runs.uuids.iter().copied()).collect();
    commits.sort_unstable_by(|one, other| other.cmp(one));
    commits.dedup();
    let newest = commits.first().copied().unwrap_or_default();
    commits.truncate(SPARK);
    let ids: Vec<u64> = runs.keys().copied().collect();
    let since = selection.bounds.end.saturating_sub(days * DAY);
    let judged = judge(failures(service, suite, &selection).await?, &runs, newest, since);
    let judged = without_gone(service, suite, &selection, &ids, judged, (newest, since)).await?;
    let mut found: Vec<Found> = judged.into_iter().map(|judged| told(judged, &ids, &selection, &commits)).collect();
    let bugs = known::of_suite(service, suite).await?;
    for test in &mut found {
        test.bugs = bugs.of(&test.test, &test.configurations).into_iter().cloned().collect();
    }
    found.retain(|test| test.is_meant(suite, &question));
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

/// The same, and what each test said, for who shows that.
pub(crate) async fn find_with_messages(
    service: &Service,
    parameters: &Parameters,
    suite: &str,
    limit: u64,
) -> Result<Answer, ApiError> {
    let mut answer = find(service, parameters, suite, limit).await?;
    let lately = Selection::within(service, parameters, Bounds::last_weeks(MESSAGE_WEEKS), RUNS).await?;
    let names = answer.tests.iter().map(|test| test.test.as_str());
    let messages = messages::newest(service, suite, &lately, names).await?;
    let said: Vec<Option<String>> = answer.tests.iter().map(|test| messages.get(test.test.as_str()).cloned()).collect();
    for (test, message) in answer.tests.iter_mut().zip(said) {
        test.message = message;
    }
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

/// A test that is on the list, and why.
struct Judged<'a> {
    test: String,
    /// One for each configuration that ran.
    histories: Vec<History<'a>>,
    finding: Finding,
}

/// Findings of what failed; `since` is where "new" and "fixed" begin.
fn judge<'a>(failures: Vec<Failed>, runs: &'a BTreeMap<u64, Runs>, newest: u64, since: u64) -> Vec<Judged<'a>> {
    let empty = || runs.values().map(|runs| History { runs: &runs.uuids, failed: BTreeMap::new() }).collect::<Vec<_>>();
    let ids: Vec<u64> = runs.keys().copied().collect();
    let mut tests: HashMap<String, Vec<History<'_>>> = HashMap::new();
    for Failed { config_id, uuid, start_time, sdk, test, worst_unexpected } in failures {
        let (Some(runs), Ok(index)) = (runs.get(&config_id), ids.binary_search(&config_id)) else { continue };
        let Some(position) = runs.positions.get(&(uuid, start_time, sdk)) else { continue };
        tests.entry(test).or_insert_with(empty)[index].failed.insert(*position, worst_unexpected);
    }
    let finding = |(test, histories): (String, Vec<History<'a>>)| {
        let finding = rule::finding(&histories, newest, since)?;
        Some(Judged { test, histories, finding })
    };
    tests.into_iter().filter_map(finding).collect()
}

/// The newest result of each test on each configuration, by their ids; what an upload left of one that it replaced is none.
async fn newest_results(
    service: &Service,
    suite: &str,
    selection: &Selection<'_>,
    test_ids: Vec<u64>,
) -> Result<HashMap<(u64, u64), u64>, ApiError> {
    if test_ids.is_empty() {
        return Ok(HashMap::new());
    }
    let sql = format!(
        "SELECT test_id, config_id, max(uuid) FROM results WHERE suite = ? AND test_id IN ?{condition} \
         AND ({UPLOAD}) IN (SELECT {UPLOAD} FROM runs WHERE suite = ?{condition}) GROUP BY test_id, config_id",
        condition = selection.condition()
    );
    let query = selection.bind_condition(service.client.query(&sql).bind(suite).bind(test_ids)).bind(suite);
    let rows: Vec<(u64, u64, u64)> = selection.bind_condition(query).fetch_all().await?;
    Ok(rows.into_iter().map(|(test_id, config_id, uuid)| ((test_id, config_id), uuid)).collect())
}

/// Judges again what seems to be fixed, without the configurations on which the test did not run since it failed: what was
/// removed or is skipped has no failures either.
async fn without_gone<'a>(
    service: &Service,
    suite: &str,
    selection: &Selection<'_>,
    ids: &[u64],
    judged: Vec<Judged<'a>>,
    (newest, since): (u64, u64),
) -> Result<Vec<Judged<'a>>, ApiError> {
    let id = |test: &str| stable_hash(&[suite.as_bytes(), test.as_bytes()]);
    let (mut fixed, mut kept): (Vec<_>, Vec<_>) =
        judged.into_iter().partition(|judged| judged.finding.group == Group::Fixed);
    // Whoever fixes more than this at once reads about the largest of it.
    fixed.sort_by_key(|judged| std::cmp::Reverse(judged.finding.impact));
    fixed.truncate(MAX_FIXED);
    // Nothing before the fixes is needed, which are lately.
    let recent = Selection { bounds: Bounds { begin: since, ..selection.bounds }, ..selection.clone() };
    let test_ids = fixed.iter().map(|judged| id(&judged.test)).collect();
    let results = newest_results(service, suite, &recent, test_ids).await?;
    for mut judged in fixed {
        for (history, config_id) in judged.histories.iter_mut().zip(ids) {
            let failed = history.failed.keys().next().and_then(|position| history.runs.get(*position));
            let ran = results.get(&(id(&judged.test), *config_id));
            if failed.is_some() && ran <= failed {
                *history = History::default();
            }
        }
        if let Some(finding) = rule::finding(&judged.histories, newest, since) {
            kept.push(Judged { finding, ..judged });
        }
    }
    Ok(kept)
}

/// What is told of a finding.
fn told(judged: Judged<'_>, ids: &[u64], selection: &Selection<'_>, commits: &[u64]) -> Found {
    let Judged { test, histories, finding: Finding { group, state, affected, since, before, impact } } = judged;
    let known = |index: &usize| selection.matching.get(ids.get(*index)?).cloned();
    let configurations = affected.iter().filter_map(known).collect();
    Found {
        test,
        group,
        state,
        configurations,
        since,
        before,
        impact,
        history: spark(commits, &histories),
        bugs: Vec::new(),
        message: None,
    }
}

/// The worst unexpected state on each of the commits, 8 where the test did not fail.
fn spark(commits: &[u64], histories: &[History<'_>]) -> String {
    let mut worst = vec![PASSED; commits.len()];
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
