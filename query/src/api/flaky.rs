//! Flaky tests: `GET /api/flaky`.

use answers::flaky::{self, FlakyTests};
use answers::table::schema_of;
use axum::extract::{RawQuery, State};
use web::openapi::Operation;

use crate::error::ApiError;
use crate::layers::format::Rows;
use crate::parameters::lists;
use crate::parameters::{CONFIGURATION, Parameters};
use crate::service::Shared;

pub(crate) const OPERATION: Operation = Operation::get(
    "/api/flaky",
    "Tests that pass and fail by chance, ranked by how certain that is, by the runs they spoilt or by the time they cost",
    &[&CONFIGURATION, &["suite", "weeks", "sort", "q", "owner", "recent", "branch", "limit", "format"]],
    schema_of::<FlakyTests>,
);

/// The flakiest tests.
pub(crate) async fn find(State(service): Shared, RawQuery(query): RawQuery) -> Result<Rows<FlakyTests>, ApiError> {
    let parameters = Parameters::of(query.as_deref(), &OPERATION)?;
    let question = lists::flaky(&parameters, parameters.chosen("suite"), &service.store.clock)?;
    Ok(Rows(flaky::find(&service.store, &question).await?))
}
