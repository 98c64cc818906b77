//! The rows of a run's results: the run's summary with its outcomes, its tests, those of them that failed, and those that
//! passed although they were expected to fail.

use std::borrow::Cow;

use schema::configuration::stable_hash;
use schema::ids::TestId;
use schema::outcomes::roster::RosterId;
use schema::outcomes::{Collected, Collector, Outcome, attempts};
use schema::results::{self, Counts, Member, ResultsError, TestResult};
use schema::state;
use schema::store::results::{ResultRow, Run, RunResults};
use schema::store::rows::{FailureRow, RosterRow, RunRow, TestRow};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::columns::{json, seconds, week};
use super::event_rows::EventRows;
use super::messages::Messages;
use super::owners;

/// Adds a run: `commits` is the JSON text of its list of commits, `test_results` that of the uploaded document,
/// `received_at` when the intake took it, seconds since 1970.
///
/// Malformed results add nothing. The intake has told the uploader so, and the upload still keeps the document.
pub(super) fn add(rows: &mut EventRows, run: &Run, commits: &str, test_results: &str, received_at: i64) {
    let members = results::members(test_results).unwrap_or_default();
    let (tests, failures) = (rows.tests.len(), rows.failures.len());
    let mut run_results = RunResults::of(run.clone());
    let mut counts = Counts::default();
    let mut outcomes = Collector::default();
    let mut messages = Messages::default();
    let walked = match results::member(&members, "results") {
        Some(tree) => results::walk(tree, |test, result| {
            counts.add(&result);
            let id = add_test(rows, &mut run_results, test, &result, received_at);
            let (actual, expected, has_passed) = (result.actual, result.expected, result.has_passed);
            let named = owners::of_result(&result.extra);
            if !named.is_empty() {
                outcomes.own(id, &named);
            }
            let mut outcome = Outcome { actual, expected, has_passed, time: result.time.unwrap_or(0) };
            if !outcome.is_usual() {
                let of_attempts = u32::try_from(attempts::time(&result.extra)).unwrap_or(u32::MAX);
                outcome.time = outcome.time.max(of_attempts);
            }
            outcomes.push(id, outcome);
            if actual.worst_state().is_failure()
                && let Some(log) = log(&result.extra)
            {
                outcomes.say(id, &log);
                messages.push(run, id, &result, &log);
            }
        }),
        None => Err(ResultsError::NotAnObject),
    };
    if walked.is_err() {
        rows.truncate_results(tests, failures);
        return;
    }
    messages.add(rows, received_at);
    rows.results.push(run_results);
    let Collected { roster, surprises, messages, owners } = outcomes.finish();
    let (roster_id, owners_id) = (roster.id, owners.as_ref().map_or(RosterId::NONE, |owners| owners.id));
    let week = week(received_at);
    for (id, content) in roster.contents.into_iter().chain(owners.into_iter().flat_map(|owners| owners.contents)) {
        if rows.is_new(stable_hash(&[b"roster", &id.0.to_le_bytes()]), week) {
            rows.rosters.push(RosterRow { id, content, last_upload: week });
        }
    }
    let summary = summary(run, commits, &members, &counts);
    rows.runs.push(RunRow {
        roster: roster_id,
        surprises,
        messages,
        owners: owners_id,
        received_at: seconds(received_at),
        ..summary
    });
}

/// The log among the other members of a result.
fn log(extra: &str) -> Option<Cow<'_, str>> {
    #[derive(Deserialize)]
    struct Members<'a> {
        #[serde(borrow)]
        log: Option<Cow<'a, str>>,
    }
    if !extra.contains("\"log\"") {
        return None;
    }
    serde_json::from_str::<Members<'_>>(extra).ok()?.log
}

/// The summary of a run, without its outcomes; `members` are those of the uploaded document.
fn summary(run: &Run, commits: &str, members: &[Member<'_>], counts: &Counts) -> RunRow {
    let uploaded = results::member(members, "run_stats").and_then(|stats| serde_json::from_str(stats).ok());
    let mut stats: Map<String, Value> = uploaded.unwrap_or_default();
    counts.extend(&mut stats);
    RunRow {
        suite: run.suite.clone(),
        branch: run.branch.clone(),
        config_id: run.config_id,
        uuid: run.uuid,
        sdk: run.sdk.clone(),
        start_time: run.start_time,
        flaky: counts.flaky,
        tests_run: counts.run,
        tests_not_run: counts.not_run,
        tests_unknown: counts.unknown,
        tests_unexpected_failed: counts.unexpected[0],
        roster: RosterId::NONE,
        surprises: Vec::new(),
        messages: Vec::new(),
        owners: RosterId::NONE,
        received_at: 0,
        stats: json(&stats),
        commits: commits.to_owned(),
        details: results::member(members, "details").unwrap_or_default().to_owned(),
        version: run.version,
    }
}

/// Adds one test of a run, its name if that is new, and its failure if it failed. Its identity is returned.
fn add_test(
    rows: &mut EventRows,
    results: &mut RunResults,
    test: &str,
    result: &TestResult,
    received_at: i64,
) -> TestId {
    let id = TestId::of(&results.run.suite, test);
    let test_id = id.0;
    let week = week(received_at);
    if rows.is_new(test_id, week) {
        let suite = results.run.suite.clone();
        rows.tests.push(TestRow { suite, test: test.to_owned(), test_id, last_upload: week });
    }
    results.push(ResultRow {
        test_id,
        actual: result.actual.bits(),
        expected: result.expected.bits(),
        time_and_one: result.time.map_or(0, |time| time + 1),
        extra: &result.extra,
    });
    let (worst, worst_unexpected) = (result.actual.worst(), result.actual.worst_unexpected(result.expected));
    // A pass that nobody expected is looked for as failures are.
    if worst <= state::ERROR || result.actual.is_surprising_pass(result.expected) {
        let Run { suite, branch, config_id, uuid, sdk, start_time, version } = results.run.clone();
        let test = test.to_owned();
        rows.failures.push(FailureRow {
            suite,
            branch,
            config_id,
            uuid,
            sdk,
            start_time,
            test,
            worst,
            worst_unexpected,
            version,
        });
    }
    id
}
