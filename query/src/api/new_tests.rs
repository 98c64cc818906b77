//! Tests that came lately: `GET /api/new-tests`.

use answers::new_tests::{self, NewTests};
use answers::table::schema_of;
use axum::extract::{RawQuery, State};
use web::openapi::Operation;

use crate::error::ApiError;
use crate::layers::format::Rows;
use crate::parameters::{CONFIGURATION, Parameters, lists};
use crate::service::Shared;

pub(crate) const OPERATION: Operation = Operation::get(
    "/api/new-tests",
    "Tests that came lately: how flaky and how slow they are, and how many more runs would tell",
    &[&CONFIGURATION, &["suite", "days", "recent", "branch", "limit", "format"]],
    schema_of::<NewTests>,
);

/// The tests that came lately.
pub(crate) async fn find(State(service): Shared, RawQuery(query): RawQuery) -> Result<Rows<NewTests>, ApiError> {
    let parameters = Parameters::of(query.as_deref(), &OPERATION)?;
    let question = lists::new_tests(&parameters, parameters.chosen("suite"))?;
    Ok(Rows(new_tests::find(&service.store, &question).await?))
}
