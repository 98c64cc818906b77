//! `GET /api/suites`: which suites each configuration runs.

use std::collections::BTreeMap;

use axum::Json;
use axum::response::{IntoResponse, Response};
use schema::configuration::Configuration;
use schema::openapi::{JSON, Operation, QUESTION, list_of, shared, texts};
use serde_json::json;

use crate::configurations::{self, Matching};
use crate::error::{ApiError, not_found};
use crate::parameters::{CONFIGURATION, Parameters};
use crate::routes::Service;
use crate::selection::branch_key;

/// Suites that a configuration is shown with.
const SUITES: usize = 100;

/// What it offers.
pub(crate) const OPERATION: Operation = Operation {
    method: "get",
    path: "/api/suites",
    summary: "Which suites each configuration runs",
    parameters: &[&CONFIGURATION, &["suite", "recent", "branch"]],
    body: None,
    media: JSON,
    answer: || {
        let pair = json!({
            "type": "array", "prefixItems": [shared("Configuration"), texts()], "minItems": 2, "maxItems": 2,
        });
        list_of(pair)
    },
    errors: QUESTION,
};

/// Suites by configuration.
pub(crate) async fn endpoint(service: &Service, query: Option<&str>) -> Result<Response, ApiError> {
    let parameters = Parameters::read(query, OPERATION.parameters)?;
    let branch = branch_key(&parameters);
    let matching = configurations::matching(service, &parameters, &branch).await?;
    let asked: Vec<&str> = parameters.all("suite").collect();
    let mut found = of_configurations(service, &branch, &matching).await?;
    for suites in found.values_mut() {
        suites.retain(|suite| asked.is_empty() || asked.contains(&suite.as_str()));
        suites.truncate(SUITES);
    }
    found.retain(|_, suites| !suites.is_empty());
    if found.is_empty() {
        return Err(not_found("No suites matching the specified criteria"));
    }
    Ok(Json(found.into_iter().collect::<Vec<_>>()).into_response())
}

/// The suites of each configuration, sorted.
pub(crate) async fn of_configurations(
    service: &Service,
    branch: &str,
    matching: &Matching,
) -> Result<BTreeMap<Configuration, Vec<String>>, ApiError> {
    let ids: Vec<u64> = matching.keys().copied().collect();
    let mut found: BTreeMap<Configuration, Vec<String>> = BTreeMap::new();
    if ids.is_empty() {
        return Ok(found);
    }
    let sql = "SELECT config_id, suite FROM suites WHERE branch = ? AND config_id IN ? ORDER BY suite";
    let rows: Vec<(u64, String)> = service.client.query(sql).bind(branch).bind(ids).fetch_all().await?;
    for (config_id, suite) in rows {
        if let Some(configuration) = matching.get(&config_id) {
            found.entry(configuration.clone()).or_default().push(suite);
        }
    }
    Ok(found)
}
