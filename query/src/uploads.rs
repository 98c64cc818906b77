//! `GET /api/upload` and `POST /api/upload/process`: the uploads as they came.

use axum::Json;
use axum::response::{IntoResponse, Response};
use clickhouse::Row;
use schema::configuration::Configuration;
use schema::event::{CI_URLS, STEPS};
use schema::links::{self, MasterIds};
use schema::results::{self, ResultsError};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use web::openapi::{JSON, Operation, QUESTION, list_of, object, shared, text, whole};

use crate::error::{ApiError, broken, not_found};
use crate::parameters::{CONFIGURATION, POINT, Parameters, RANGE};
use crate::routes::Service;
use crate::selection::{OfRun, Place, Selection};
use crate::suites;

#[derive(Row, Deserialize)]
struct UploadFound {
    config_id: u64,
    uuid: u64,
    sdk: String,
    start_time: u32,
    commits: String,
    test_results: String,
}

#[derive(Serialize)]
struct Shown {
    configuration: Configuration,
    suite: String,
    commits: Box<RawValue>,
    timestamp: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    test_results: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    processing: Option<Value>,
}

/// The uploads of the selected runs.
pub(crate) async fn list(service: &Service, query: Option<&str>) -> Result<Response, ApiError> {
    let shown = find(service, query).await?.into_iter().map(|(configuration, suite, found)| {
        Ok(Shown {
            test_results: Some(RawValue::from_string(found.test_results).map_err(broken)?),
            processing: None,
            configuration,
            suite,
            commits: RawValue::from_string(found.commits).map_err(broken)?,
            timestamp: found.start_time,
        })
    });
    Ok(Json(shown.collect::<Result<Vec<_>, ApiError>>()?).into_response())
}

/// What processing made of them. The views are a pure function of the events, so that processing an upload again
/// changes nothing; the answer says for each what processing came to.
pub(crate) async fn process(service: &Service, query: Option<&str>) -> Result<Response, ApiError> {
    let found = find(service, query).await?;
    if found.is_empty() {
        return Err(not_found("No uploads matching the specified criteria"));
    }
    let shown = found.into_iter().map(|(configuration, suite, found)| {
        Ok(Shown {
            test_results: None,
            processing: Some(outcome(service, &found.test_results)),
            configuration,
            suite,
            commits: RawValue::from_string(found.commits).map_err(broken)?,
            timestamp: found.start_time,
        })
    });
    Ok(Json(shown.collect::<Result<Vec<_>, ApiError>>()?).into_response())
}

fn outcome(service: &Service, test_results: &str) -> Value {
    let document = serde_json::from_str::<&RawValue>(test_results)
        .map_err(|error| ResultsError::Json(error.to_string()))
        .and_then(|document| results::members(document.get()));
    let member = |name: &str| results::member(document.as_ref().ok()?, name);
    let walked = member("results").map_or(Err(ResultsError::NotAnObject), |tree| results::walk(tree, |_, _| {}));
    let details: Map<String, Value> =
        member("details").and_then(|details| serde_json::from_str(details).ok()).unwrap_or_default();
    let known = links::master(&details).is_some_and(|master| service.options.masters.contains(master));
    let linked = links::derive(&details, known.then(MasterIds::default).as_ref());
    let steps = STEPS.iter().map(|step| {
        let failed = |error: &dyn std::fmt::Display| json!({ "status": "error", "description": error.to_string() });
        let status = match (&walked, &linked) {
            (Err(error), _) if step.reads_results => failed(error),
            (_, Err(error)) if step.name == CI_URLS => failed(error),
            _ => json!({ "status": "ok" }),
        };
        (step.name.to_owned(), status)
    });
    Value::Object(steps.collect())
}

/// What it offers.
pub(crate) const UPLOADS: Operation = Operation::get(
    "/api/upload",
    "Runs as they were uploaded",
    &[&CONFIGURATION, &["suite", "recent", "limit"], &POINT, &RANGE],
    || list_of(uploaded("test_results", json!({ "type": "object" }))),
);

/// What it offers.
pub(crate) const PROCESS: Operation = Operation {
    method: "post",
    path: "/api/upload/process",
    summary: "Process stored uploads again",
    parameters: UPLOADS.parameters,
    body: None,
    media: JSON,
    answer: || list_of(uploaded("processing", shared("Processing"))),
    errors: QUESTION,
};

fn uploaded(member: &str, schema: Value) -> Value {
    object(&[
        ("configuration", shared("Configuration")),
        ("suite", text()),
        ("commits", list_of(shared("Commit"))),
        ("timestamp", whole()),
        (member, schema),
    ])
}

async fn find(service: &Service, query: Option<&str>) -> Result<Vec<(Configuration, String, UploadFound)>, ApiError> {
    let parameters = Parameters::read(query, UPLOADS.parameters)?;
    let selection = Selection::read(service, &parameters, 100).await?;
    if selection.is_empty() {
        return Ok(Vec::new());
    }
    let mut asked: Vec<String> = parameters.all("suite").map(str::to_owned).collect();
    if asked.is_empty() {
        let known = suites::of_configurations(service, &selection.branch, &selection.matching).await?;
        asked = known.into_values().flatten().collect();
    }
    asked.sort();
    asked.dedup();
    let mut found = Vec::new();
    for suite in asked {
        // Which they are is found without the documents, of which the store would otherwise sort far too many.
        let sql = format!(
            "SELECT ?fields FROM uploads WHERE suite = ?{condition} AND (config_id, uuid, sdk, start_time) IN \
             (SELECT config_id, uuid, sdk, start_time FROM uploads WHERE suite = ?{condition}{tail})",
            condition = selection.condition(),
            tail = selection.tail("config_id"),
        );
        let ask = |selection: &Selection<'_>| {
            let outer = selection.bind_condition(service.client.query(&sql).bind(&suite));
            selection.bind(outer.bind(&suite))
        };
        let mut rows: Vec<UploadFound> = selection.newest(service, &[&suite], ask).await?;
        selection.sort(&mut rows, place);
        for row in rows {
            if let Some(configuration) = selection.configuration(&place(&row)) {
                found.push((configuration, suite.clone(), row));
            }
        }
        if found.len() as u64 >= selection.limit {
            break;
        }
    }
    Ok(found)
}

impl OfRun for UploadFound {
    fn config_id(&self) -> u64 {
        self.config_id
    }
}

fn place(row: &UploadFound) -> Place {
    Place { config_id: row.config_id, uuid: row.uuid, sdk: row.sdk.clone(), start_time: row.start_time }
}
