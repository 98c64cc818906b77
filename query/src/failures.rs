//! `GET /api/failures/<suite>`: which tests failed.

use std::collections::BTreeSet;

use axum::Json;
use axum::response::{IntoResponse, Response};
use clickhouse::Row;
use schema::state::{ERROR, NAMES};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use web::openapi::{Operation, list_of, object, shared, texts, whole};

use crate::error::{ApiError, not_found};
use crate::parameters::{CONFIGURATION, POINT, Parameters, RANGE, TIMES};
use crate::ranges::Bounds;
use crate::routes::Service;
use crate::selection::{OfRun, Place, Selection, UPLOAD};

const RUNS: u64 = 1000;

/// One failed test of a run.
#[derive(Row, Deserialize)]
pub(crate) struct FailureFound {
    config_id: u64,
    uuid: u64,
    sdk: String,
    start_time: u32,
    pub(crate) test: String,
    /// Position of the worst state, or of the worst unexpected one.
    pub(crate) state: u8,
}

impl FailureFound {
    /// Where its run stands.
    pub(crate) fn place(&self) -> Place {
        Place { config_id: self.config_id, uuid: self.uuid, sdk: self.sdk.clone(), start_time: self.start_time }
    }
}

/// What it offers.
pub(crate) const OPERATION: Operation = Operation::get(
    "/api/failures/{suite}",
    "Tests that failed: their names, or run by run",
    &[&CONFIGURATION, &["recent", "limit", "unexpected", "collapsed", "format"], &POINT, &RANGE, &TIMES],
    || {
        let run = json!({
            "type": "object",
            "properties": { "uuid": whole(), "start_time": whole() },
            "required": ["uuid", "start_time"],
            "additionalProperties": { "enum": NAMES },
        });
        let by_run = list_of(object(&[("configuration", shared("Configuration")), ("results", list_of(run))]));
        json!({ "anyOf": [texts(), by_run] })
    },
);

/// Names of failed tests, or the failures of each run.
pub(crate) async fn endpoint(service: &Service, query: Option<&str>, suite: &str) -> Result<Response, ApiError> {
    let parameters = Parameters::read_beside_path(query, &["suite"], OPERATION.parameters)?;
    let (unexpected, collapsed) = (parameters.flag("unexpected", true), parameters.flag("collapsed", true));
    let selection = Selection::read(service, &parameters, RUNS).await?;
    let selection = to_its_runs(service, suite, selection)
        .await?
        .ok_or_else(|| not_found("No test runs found with the specified criteria"))?;
    if collapsed {
        let sql = format!("SELECT DISTINCT test FROM {}", failures_of(&selection, state_column(unexpected)));
        let query = selection.bind(selection.bind_condition(service.client.query(&sql).bind(suite)).bind(suite));
        let names: BTreeSet<String> = query.fetch_all::<String>().await?.into_iter().collect();
        return Ok(Json(names).into_response());
    }
    let rows = rows(service, suite, &selection, unexpected).await?;
    let by_run = rows.chunk_by(|one, other| key(one) == key(other)).map(<[FailureFound]>::iter).collect();
    let found = selection.group(
        by_run,
        |run: &std::slice::Iter<'_, FailureFound>| place(run.as_slice()),
        |run| {
            let mut shown = Map::new();
            for failure in run {
                shown.insert("uuid".into(), failure.uuid.into());
                shown.insert("start_time".into(), failure.start_time.into());
                let state = NAMES.get(usize::from(failure.state)).copied().unwrap_or_default();
                shown.insert(failure.test.clone(), Value::from(state));
            }
            Ok(shown)
        },
    )?;
    Ok(Json(found).into_response())
}

fn state_column(unexpected: bool) -> &'static str {
    if unexpected { "worst_unexpected" } else { "worst" }
}

/// The failures of the selected runs, those of one run together.
pub(crate) async fn rows(
    service: &Service,
    suite: &str,
    selection: &Selection<'_>,
    unexpected: bool,
) -> Result<Vec<FailureFound>, ApiError> {
    if selection.is_empty() {
        return Ok(Vec::new());
    }
    let state = state_column(unexpected);
    let sql = format!(
        "SELECT config_id, uuid, sdk, start_time, test, {state} AS state FROM {} \
         ORDER BY uuid DESC, sdk, start_time, config_id, test",
        failures_of(selection, state)
    );
    let query = selection.bind(selection.bind_condition(service.client.query(&sql).bind(suite)).bind(suite));
    Ok(query.fetch_all().await?)
}

fn key(row: &FailureFound) -> (u64, u64, &str, u32) {
    (row.config_id, row.uuid, &row.sdk, row.start_time)
}

fn place(run: &[FailureFound]) -> Place {
    // A chunk is never empty; a place that matches nothing stands in for one.
    let nowhere = || Place { config_id: 0, uuid: 0, sdk: String::new(), start_time: 0 };
    run.first().map_or_else(nowhere, FailureFound::place)
}

/// The configuration and commit of a run.
impl OfRun for (u64, u64) {
    fn config_id(&self) -> u64 {
        self.0
    }
}

/// The selection without the time before its first run and without configurations that have none: each of them would
/// cost a granule. `None` if it has no run.
async fn to_its_runs<'a>(
    service: &Service,
    suite: &str,
    selection: Selection<'a>,
) -> Result<Option<Selection<'a>>, ApiError> {
    if selection.is_empty() {
        return Ok(None);
    }
    let sql = format!(
        "SELECT config_id, uuid FROM runs WHERE suite = ?{}{}",
        selection.condition(),
        selection.tail("config_id")
    );
    let ask = |selection: &Selection<'_>| selection.bind(service.client.query(&sql).bind(suite));
    let rows: Vec<(u64, u64)> = selection.newest(service, &[suite], ask).await?;
    let Some(begin) = rows.iter().map(|(_, uuid)| *uuid).min() else { return Ok(None) };
    let ran: BTreeSet<u64> = rows.iter().map(|(config_id, _)| *config_id).collect();
    let mut matching = selection.matching;
    matching.retain(|config_id, _| ran.contains(config_id));
    Ok(Some(Selection { matching, bounds: Bounds { begin, ..selection.bounds }, ..selection }))
}

/// The failures of the selected runs: those that the newest upload of the run wrote. Needs the suite and the
/// condition bound, then the suite and the whole selection.
fn failures_of(selection: &Selection<'_>, state: &str) -> String {
    format!(
        "failures WHERE suite = ?{condition} AND {state} <= {ERROR} \
         AND ({UPLOAD}) IN (SELECT {UPLOAD} FROM runs WHERE suite = ?{condition}{tail})",
        condition = selection.condition(),
        tail = selection.tail("config_id"),
    )
}
