//! `GET /api/slowest/<suite>`: the tests that took longest in the newest run, and how long they usually take there.

use std::cmp::Reverse;
use std::collections::HashMap;

use axum::Json;
use axum::response::{IntoResponse, Response};
use schema::configuration::{Configuration, stable_hash};
use serde::Serialize;
use serde_json::json;
use web::openapi::{Operation, list_of, object, shared, text, whole};

use super::selected;
use crate::error::ApiError;
use crate::flaky::BROKEN;
use crate::parameters::{CONFIGURATION, Parameters};
use crate::routes::Service;
use crate::selection::{Place, Selection};
use crate::times;

/// Tests answered if the question names no limit, and at most.
const TESTS: u64 = 50;
const MAX_TESTS: u64 = 1000;

/// A test that took long.
#[derive(Debug, Serialize)]
pub(crate) struct Slow {
    pub(crate) test: String,
    /// In this run, milliseconds.
    pub(crate) time: u32,
    /// The median of the runs before, on the same configuration.
    pub(crate) usual: Option<u32>,
    /// How many they were.
    pub(crate) runs: u64,
}

/// The run and its slowest tests.
pub(crate) struct Answer {
    pub(crate) configuration: Configuration,
    pub(crate) uuid: u64,
    pub(crate) start_time: u32,
    /// What took longest first.
    pub(crate) tests: Vec<Slow>,
}

/// What it offers.
pub(crate) const OPERATION: Operation = Operation::get(
    "/api/slowest/{suite}",
    "Tests that took longest in the newest run that is asked for, and their median before it; milliseconds",
    &[&CONFIGURATION, &["weeks", "recent", "branch", "limit", "format"]],
    || {
        let test = object(&[
            ("test", text()),
            ("time", whole()),
            ("usual", json!({ "type": ["integer", "null"] })),
            ("runs", whole()),
        ]);
        object(&[
            ("suite", text()),
            ("configuration", json!({ "anyOf": [shared("Configuration"), { "type": "null" }] })),
            ("uuid", json!({ "type": ["integer", "null"] })),
            ("start_time", json!({ "type": ["integer", "null"] })),
            ("tests", list_of(test)),
        ])
    },
);

/// Answers in JSON.
pub(crate) async fn endpoint(service: &Service, query: Option<&str>, suite: &str) -> Result<Response, ApiError> {
    let parameters = Parameters::read_beside_path(query, &["suite"], OPERATION.parameters)?;
    let answer = find(service, &parameters, suite).await?;
    let run = answer.as_ref();
    Ok(Json(json!({
        "suite": suite, "configuration": run.map(|run| &run.configuration), "uuid": run.map(|run| run.uuid),
        "start_time": run.map(|run| run.start_time), "tests": run.map_or(&[][..], |run| &run.tests),
    }))
    .into_response())
}

/// What the parameters ask of a suite; `None` if no run is left.
pub(crate) async fn find(service: &Service, parameters: &Parameters, suite: &str) -> Result<Option<Answer>, ApiError> {
    let (selection, _) = selected(service, parameters).await?;
    let limit = parameters.limit(TESTS)?.min(MAX_TESTS) as usize;
    let Some(run) = newest(service, suite, &selection).await? else { return Ok(None) };
    let Some(configuration) = selection.configuration(&run) else { return Ok(None) };
    let times = times::of_run(service, suite, &run).await?;
    let mut slowest: Vec<(Reverse<u32>, String)> =
        times.into_iter().filter_map(|(test, time)| Some((Reverse(time?), test))).collect();
    if slowest.len() > limit {
        slowest.select_nth_unstable(limit);
        slowest.truncate(limit);
    }
    slowest.sort();
    let usual = usual(service, suite, &selection, &run, slowest.iter().map(|(_, test)| test)).await?;
    let slow = |(Reverse(time), test): (Reverse<u32>, String)| {
        let before = usual.get(&stable_hash(&[suite.as_bytes(), test.as_bytes()]));
        Slow { test, time, usual: before.map(|(median, _)| *median), runs: before.map_or(0, |(_, runs)| *runs) }
    };
    let tests = slowest.into_iter().map(slow).collect();
    Ok(Some(Answer { configuration, uuid: run.uuid, start_time: run.start_time, tests }))
}

/// The newest run that did not break as a whole.
async fn newest(service: &Service, suite: &str, selection: &Selection<'_>) -> Result<Option<Place>, ApiError> {
    if selection.is_empty() {
        return Ok(None);
    }
    let sql = format!(
        "SELECT config_id, uuid, sdk, start_time FROM runs WHERE suite = ?{} AND NOT ({BROKEN}) \
         ORDER BY uuid DESC, start_time DESC, config_id, sdk LIMIT 1",
        selection.condition()
    );
    Ok(selection.bind_condition(service.client.query(&sql).bind(suite)).fetch_optional().await?)
}

/// Median and count of what these tests took on the run's configuration before it, by the tests' ids.
async fn usual(
    service: &Service,
    suite: &str,
    selection: &Selection<'_>,
    run: &Place,
    tests: impl Iterator<Item = &String>,
) -> Result<HashMap<u64, (u32, u64)>, ApiError> {
    let ids: Vec<u64> = tests.map(|test| stable_hash(&[suite.as_bytes(), test.as_bytes()])).collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let sql = "SELECT test_id, quantileExact(0.5)(toUInt32(time_and_one - 1)), count() FROM results \
               WHERE suite = ? AND test_id IN ? AND branch = ? AND config_id = ? AND sdk = ? AND uuid >= ? AND uuid < ? \
               AND time_and_one > 0 GROUP BY test_id";
    let query = service.client.query(sql).bind(suite).bind(ids).bind(&selection.branch);
    let query = query.bind(run.config_id).bind(&run.sdk).bind(selection.bounds.begin).bind(run.uuid);
    let rows: Vec<(u64, u32, u64)> = query.fetch_all().await?;
    Ok(rows.into_iter().map(|(test_id, median, runs)| (test_id, (median, runs))).collect())
}
