//! `GET /api/suites`: which suites each configuration runs.

use std::collections::BTreeMap;

use axum::Json;
use axum::response::{IntoResponse, Response};
use schema::configuration::Configuration;
use serde_json::json;
use web::openapi::{Operation, list_of, shared, texts};

use crate::configurations::{self, Matching};
use crate::error::{ApiError, not_found};
use crate::parameters::{CONFIGURATION, Parameters};
use crate::routes::Service;
use crate::selection::branch_key;

/// Suites that a configuration is shown with.
const SUITES: usize = 100;

/// What it offers.
pub(crate) const OPERATION: Operation = Operation::get(
    "/api/suites",
    "Which suites each configuration runs",
    &[&CONFIGURATION, &["suite", "recent", "branch"]],
    || {
        // A configuration, then its suites.
        let member = json!({ "anyOf": [shared("Configuration"), texts()] });
        list_of(json!({ "type": "array", "items": member, "minItems": 2, "maxItems": 2 }))
    },
);

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
    let mut found: BTreeMap<Configuration, Vec<String>> = BTreeMap::new();
    for stored in configurations::stored(service, branch).await?.iter().filter(|it| !it.suites.is_empty()) {
        if let Some(configuration) = matching.get(&stored.id) {
            found.entry(configuration.clone()).or_default().extend(stored.suites.iter().cloned());
        }
    }
    Ok(found)
}
