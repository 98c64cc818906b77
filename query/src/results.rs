//! `GET /api/results/<suite>[/<test>]`: runs of a suite, results of one test.

use axum::Json;
use axum::response::{IntoResponse, Response};
use clickhouse::Row;
use schema::configuration::stable_hash;
use schema::state::States;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use web::openapi::{Operation, list_of, object, shared, text, whole};

use crate::error::{ApiError, broken};
use crate::parameters::{CONFIGURATION, POINT, Parameters, RANGE, TIMES};
use crate::routes::Service;
use crate::selection::{Entry, OfRun, Place, Selection};

/// Runs per partition if the question names no limit.
const RUNS: u64 = 1000;

/// A run of a suite.
#[derive(Debug, Serialize)]
pub(crate) struct SuiteRun {
    pub(crate) uuid: u64,
    pub(crate) start_time: u32,
    details: Value,
    pub(crate) stats: Box<RawValue>,
}

/// What it offers.
pub(crate) const RUNS_OF_SUITE: Operation = Operation::get(
    "/api/results/{suite}",
    "Runs of a suite, by configuration, oldest first",
    &[&CONFIGURATION, &["recent", "limit", "format"], &POINT, &RANGE, &TIMES],
    || {
        let run = object(&[
            ("uuid", whole()),
            ("start_time", whole()),
            ("details", object(&[("number_of_flaky_tests", whole())])),
            ("stats", json!({ "type": "object" })),
        ]);
        list_of(object(&[("configuration", shared("Configuration")), ("results", list_of(run))]))
    },
);

/// What it offers.
pub(crate) const RESULTS_OF_TEST: Operation = Operation::get(
    "/api/results/{suite}/{test}",
    "Results of one test, by configuration, oldest first",
    RUNS_OF_SUITE.parameters,
    || {
        let result = json!({
            "type": "object",
            "properties": { "uuid": whole(), "start_time": whole(), "actual": text(), "expected": text() },
            "required": ["uuid", "start_time", "actual", "expected"],
        });
        list_of(object(&[("configuration", shared("Configuration")), ("results", list_of(result))]))
    },
);

/// Answers for a suite, or for a test of it.
pub(crate) async fn endpoint(
    service: &Service,
    query: Option<&str>,
    suite: &str,
    test: Option<&str>,
) -> Result<Response, ApiError> {
    let parameters = Parameters::read_of(query, test.is_some(), RUNS_OF_SUITE.parameters)?;
    let selection = Selection::read(service, &parameters, RUNS).await?;
    Ok(match test {
        None => Json(of_suite(service, suite, &selection).await?).into_response(),
        Some(test) => Json(of_test(service, suite, test, &selection).await?).into_response(),
    })
}

#[derive(Row, Deserialize)]
struct RunFound {
    config_id: u64,
    uuid: u64,
    sdk: String,
    start_time: u32,
    flaky: u32,
    stats: String,
}

impl OfRun for RunFound {
    fn config_id(&self) -> u64 {
        self.config_id
    }
}

/// The runs of a suite.
pub(crate) async fn of_suite(
    service: &Service,
    suite: &str,
    selection: &Selection<'_>,
) -> Result<Vec<Entry<SuiteRun>>, ApiError> {
    if selection.is_empty() {
        return Ok(Vec::new());
    }
    let sql =
        format!("SELECT ?fields FROM runs WHERE suite = ?{}{}", selection.condition(), selection.tail("config_id"));
    let ask = |selection: &Selection<'_>| selection.bind(service.client.query(&sql).bind(suite));
    let rows: Vec<RunFound> = selection.newest(service, &[suite], ask).await?;
    selection.group(
        rows,
        |row| Place { config_id: row.config_id, uuid: row.uuid, sdk: row.sdk.clone(), start_time: row.start_time },
        |row| {
            Ok(SuiteRun {
                uuid: row.uuid,
                start_time: row.start_time,
                details: json!({ "number_of_flaky_tests": row.flaky }),
                stats: RawValue::from_string(row.stats).map_err(broken)?,
            })
        },
    )
}

/// A stored result of a test.
#[derive(Row, Deserialize)]
pub(crate) struct ResultFound {
    pub(crate) config_id: u64,
    pub(crate) uuid: u64,
    pub(crate) sdk: String,
    pub(crate) start_time: u32,
    pub(crate) actual: u16,
    pub(crate) expected: u16,
    time_and_one: u32,
    extra: String,
}

impl ResultFound {
    /// Where it stands.
    pub(crate) fn place(&self) -> Place {
        Place { config_id: self.config_id, uuid: self.uuid, sdk: self.sdk.clone(), start_time: self.start_time }
    }

    /// How long the test took, milliseconds.
    pub(crate) fn time(&self) -> Option<u32> {
        self.time_and_one.checked_sub(1)
    }
}

impl OfRun for ResultFound {
    fn config_id(&self) -> u64 {
        self.config_id
    }
}

/// The selected rows of one test.
pub(crate) async fn rows_of_test(
    service: &Service,
    suite: &str,
    test: &str,
    selection: &Selection<'_>,
) -> Result<Vec<ResultFound>, ApiError> {
    if selection.is_empty() {
        return Ok(Vec::new());
    }
    let sql = format!(
        "SELECT ?fields FROM results WHERE suite = ? AND test_id = ?{}{}",
        selection.condition(),
        selection.tail("config_id")
    );
    let test_id = stable_hash(&[suite.as_bytes(), test.as_bytes()]);
    let ask = |selection: &Selection<'_>| selection.bind(service.client.query(&sql).bind(suite).bind(test_id));
    selection.newest(service, &[suite], ask).await
}

/// The results of one test.
pub(crate) async fn of_test(
    service: &Service,
    suite: &str,
    test: &str,
    selection: &Selection<'_>,
) -> Result<Vec<Entry<Map<String, Value>>>, ApiError> {
    let rows = rows_of_test(service, suite, test, selection).await?;
    selection.group(rows, ResultFound::place, |row| {
        let mut shown = Map::new();
        shown.insert("uuid".into(), row.uuid.into());
        shown.insert("start_time".into(), row.start_time.into());
        shown.insert("actual".into(), States::from_bits(row.actual).to_string().into());
        shown.insert("expected".into(), States::from_bits(row.expected).to_string().into());
        if let Some(time) = row.time() {
            shown.insert("time".into(), time.into());
        }
        if !row.extra.is_empty() {
            let extra: Map<String, Value> = serde_json::from_str(&row.extra).map_err(broken)?;
            shown.extend(extra);
        }
        Ok(shown)
    })
}
