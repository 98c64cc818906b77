//! Results of changes under review: `/api/results-ews` and the names of their tests.

use std::collections::BTreeMap;

use axum::Json;
use axum::response::{IntoResponse, Response};
use clickhouse::Row;
use schema::configuration::Configuration;
use serde::{Deserialize, Serialize};
use serde_json::json;
use serde_json::value::RawValue;
use web::openapi::{Operation, list_of, object, shared, text, texts, whole};

use crate::configurations;
use crate::error::{ApiError, bad, broken, not_found};
use crate::parameters::{CONFIGURATION, Parameters, TIMES};
use crate::routes::Service;
use crate::selection::branch_key;

/// Tests that one question may name.
const TESTS: usize = 100;

#[derive(Row, Deserialize)]
struct Found {
    test: String,
    config_id: u64,
    uuid: u64,
    sdk: String,
    start_time: u32,
    result: String,
    details: String,
    flaky_type: String,
}

#[derive(Serialize)]
struct Entry {
    test: String,
    configuration: Configuration,
    results: Vec<Shown>,
}

#[derive(Serialize)]
struct Shown {
    uuid: u64,
    start_time: u32,
    result: Box<RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    flaky_type: Option<String>,
}

fn suite_of(parameters: &Parameters) -> Result<&str, ApiError> {
    parameters
        .first("suite")
        .filter(|suite| !suite.trim().is_empty())
        .ok_or_else(|| bad("No valid test suite specified"))
}

/// What it offers.
pub(crate) const RESULTS: Operation = Operation::get(
    "/api/results-ews",
    "Results of changes under review",
    &[&CONFIGURATION, &["suite", "tests", "flaky", "recent", "branch", "limit"], &TIMES],
    || {
        let row = json!({
            "type": "object",
            "properties": {
                "uuid": whole(), "start_time": whole(), "result": { "type": "object" }, "details": { "type": "object" },
                "flaky_type": text(),
            },
            "required": ["uuid", "start_time", "result"],
            "additionalProperties": false,
        });
        list_of(object(&[("test", text()), ("configuration", shared("Configuration")), ("results", list_of(row))]))
    },
);

/// What it offers.
pub(crate) const NAMES: Operation = Operation::get(
    "/api/results-ews/tests",
    "Names of tests that have results of changes under review",
    &[&["suite", "prefixes", "flaky", "limit"]],
    texts,
);

/// Results of some tests.
pub(crate) async fn endpoint(service: &Service, query: Option<&str>) -> Result<Response, ApiError> {
    let parameters = Parameters::read(query, RESULTS.parameters)?;
    let suite = suite_of(&parameters)?;
    let mut tests: Vec<&str> = parameters.all("tests").filter(|test| !test.trim().is_empty()).collect();
    tests.sort_unstable();
    tests.dedup();
    match tests.len() {
        0 => return Err(bad("No valid test specified")),
        count if count > TESTS => {
            return Err(bad(format!("Cannot query more than {TESTS} tests at a time, got {count} tests")));
        }
        _ => {}
    }
    let flaky = parameters.flag("flaky", false);
    let branch = branch_key(&parameters);
    let (limit, after, before) =
        (parameters.limit(100)?, parameters.time("after_time")?, parameters.time("before_time")?);
    let matching = configurations::matching(service, &parameters, &branch).await?;
    let ids: Vec<u64> = matching.keys().copied().collect();
    let sdks: Vec<&str> = parameters.all("sdk").collect();
    let rows: Vec<Found> = if ids.is_empty() {
        Vec::new()
    } else {
        let of_sdk = if sdks.is_empty() { "" } else { " AND sdk IN ?" };
        let sql = format!(
            "SELECT ?fields FROM ews_results WHERE flaky = ? AND suite = ? AND test IN ? AND branch = ? \
             AND config_id IN ? AND start_time BETWEEN ? AND ?{of_sdk} \
             ORDER BY start_time DESC, uuid LIMIT ? BY (test, config_id)"
        );
        let query = service
            .client
            .query(&sql)
            .bind(u8::from(flaky))
            .bind(suite)
            .bind(&tests)
            .bind(&branch)
            .bind(ids)
            .bind(after.unwrap_or(0))
            .bind(before.unwrap_or(u32::MAX));
        let query = if sdks.is_empty() { query } else { query.bind(&sdks) };
        query.bind(limit).fetch_all().await?
    };
    let mut groups: BTreeMap<(String, Configuration), Vec<Shown>> = BTreeMap::new();
    for row in rows {
        let Some(configuration) = matching.get(&row.config_id) else { continue };
        let sdk = (!row.sdk.is_empty()).then_some(row.sdk);
        groups.entry((row.test, Configuration { sdk, ..configuration.clone() })).or_default().push(Shown {
            uuid: row.uuid,
            start_time: row.start_time,
            result: RawValue::from_string(row.result).map_err(broken)?,
            details: (!row.details.is_empty())
                .then(|| RawValue::from_string(row.details))
                .transpose()
                .map_err(broken)?,
            flaky_type: (!row.flaky_type.is_empty()).then_some(row.flaky_type),
        });
    }
    if groups.is_empty() {
        return Err(not_found("No EWS results matching the specified criteria"));
    }
    let entries: Vec<Entry> = groups
        .into_iter()
        .map(|((test, configuration), mut results)| {
            results.sort_by_key(|row| (row.uuid, row.start_time));
            Entry { test, configuration, results }
        })
        .collect();
    Ok(Json(entries).into_response())
}

/// Names of tests that have such results.
pub(crate) async fn names(service: &Service, query: Option<&str>) -> Result<Response, ApiError> {
    let parameters = Parameters::read(query, NAMES.parameters)?;
    let suite = suite_of(&parameters)?;
    let limit = parameters.limit(100)?;
    let mut prefixes: Vec<&str> = parameters.all("prefixes").collect();
    if prefixes.is_empty() {
        prefixes.push("");
    }
    let mut names: Vec<String> = Vec::new();
    for prefix in prefixes {
        let rest = limit.saturating_sub(names.len() as u64);
        if rest == 0 {
            break;
        }
        let sql = "SELECT DISTINCT test FROM ews_results WHERE flaky = ? AND suite = ? AND test BETWEEN ? AND ? \
                   ORDER BY test LIMIT ?";
        let flaky = u8::from(parameters.flag("flaky", false));
        let query =
            service.client.query(sql).bind(flaky).bind(suite).bind(prefix).bind(format!("{prefix}~")).bind(rest);
        names.extend(query.fetch_all::<String>().await?);
    }
    names.sort();
    names.dedup();
    Ok(Json(names).into_response())
}
