//! `GET /api/<suite>/tests`: names of tests.

use axum::Json;
use axum::response::{IntoResponse, Response};
use web::openapi::{Operation, texts};

use crate::error::ApiError;
use crate::parameters::Parameters;
use crate::routes::{Service, name};

/// What it offers.
pub(crate) const OPERATION: Operation =
    Operation::get("/api/{suite}/tests", "Names of a suite's tests, by prefix", &[&["test", "limit"]], texts);

/// Names of a suite's tests that start with one of the asked prefixes, sorted.
pub(crate) async fn endpoint(service: &Service, query: Option<&str>, suite: &str) -> Result<Response, ApiError> {
    let parameters = Parameters::read_beside_path(query, &["suite"], OPERATION.parameters)?;
    let mut prefixes: Vec<String> = parameters.all("test").map(name).collect();
    if prefixes.is_empty() {
        prefixes.push(String::new());
    }
    Ok(Json(named(service, suite, &prefixes, parameters.limit(1000)?).await?).into_response())
}

/// At most `limit` names over all prefixes.
pub(crate) async fn named(
    service: &Service,
    suite: &str,
    prefixes: &[String],
    limit: u64,
) -> Result<Vec<String>, ApiError> {
    let mut names: Vec<String> = Vec::new();
    for prefix in prefixes {
        let rest = limit.saturating_sub(names.len() as u64);
        if rest == 0 {
            break;
        }
        let sql = "SELECT test FROM tests WHERE suite = ? AND test BETWEEN ? AND ? ORDER BY test LIMIT ?";
        let query = service.client.query(sql).bind(suite).bind(prefix).bind(format!("{prefix}~")).bind(rest);
        names.extend(query.fetch_all::<String>().await?);
    }
    names.sort();
    names.dedup();
    Ok(names)
}
