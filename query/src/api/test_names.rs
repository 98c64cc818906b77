//! Tests by their names: `GET /api/search` and `GET /api/<suite>/tests`.

use answers::suites;
use answers::table::schema_of;
use answers::test_names::{self, TestSearch};
use axum::Json;
use axum::extract::{RawQuery, State};
use web::openapi::{Operation, texts};

use crate::error::ApiError;
use crate::layers::paths::Rest;
use crate::parameters::{Parameters, name};
use crate::service::Shared;

pub(crate) const SEARCH: Operation = Operation::get(
    "/api/search",
    "Tests whose name holds a text, or matches a pattern with * and ?, or is in a pasted list",
    &[&["q", "suite", "limit"]],
    schema_of::<TestSearch>,
)
.with_lists(&["suite"]);
/// Tests that a search answers if it names no limit.
const SEARCHED: u64 = 20;

/// Tests by a part of their name, a pattern or a list.
pub(crate) async fn search(State(service): Shared, RawQuery(query): RawQuery) -> Result<Json<TestSearch>, ApiError> {
    let parameters = Parameters::of(query.as_deref(), &SEARCH)?;
    let asked: Vec<&str> = parameters.all("suite").filter(|suite| !suite.is_empty()).collect();
    let text = parameters.first("q").unwrap_or_default();
    for suite in &asked {
        suites::expect(&service.store, suite).await?;
    }
    Ok(Json(test_names::find(&service.store, &asked, text, parameters.limit(SEARCHED)?).await?))
}

pub(crate) const NAMES: Operation =
    Operation::get("/api/{suite}/tests", "Names of a suite's tests, by prefix", &[&["test", "limit"]], texts)
        .of_reference();
/// Names that are answered if the question names no limit.
const NAMED: u64 = 1000;

/// Names of a suite's tests: every path below `/api` that ends in `/tests` and is nothing else.
pub(crate) async fn names(
    State(service): Shared,
    Rest(rest): Rest,
    RawQuery(query): RawQuery,
) -> Result<Json<Vec<String>>, ApiError> {
    let suite = rest.strip_suffix("/tests").filter(|suite| !suite.is_empty()).ok_or_else(ApiError::unknown_path)?;
    let parameters = Parameters::of_beside_path(query.as_deref(), &["suite"], &NAMES)?;
    let mut prefixes: Vec<String> = parameters.all("test").map(name).collect();
    if prefixes.is_empty() {
        prefixes.push(String::new());
    }
    let limit = parameters.limit(NAMED)?;
    Ok(Json(test_names::with_prefixes(&service.store, &name(suite), &prefixes, limit).await?))
}
