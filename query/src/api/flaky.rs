//! Unreliable tests: `GET /api/flaky`.

use answers::flaky::{self, FlakyTests};
use answers::table::schema_of;
use axum::extract::{RawQuery, State};
use web::openapi::Operation;

use crate::error::{ApiError, bad};
use crate::layers::format::Rows;
use crate::parameters::lists::{self, NO_SUITE};
use crate::parameters::{CONFIGURATION, Parameters};
use crate::service::Shared;

pub(crate) const OPERATION: Operation = Operation::get(
    "/api/flaky",
    "Tests ranked by how unreliable they were",
    &[&CONFIGURATION, &["suite", "weeks", "q", "recent", "branch", "limit", "format"]],
    schema_of::<FlakyTests>,
);

/// The most unreliable tests.
pub(crate) async fn find(State(service): Shared, RawQuery(query): RawQuery) -> Result<Rows<FlakyTests>, ApiError> {
    let parameters = Parameters::read(query.as_deref(), OPERATION.parameters)?;
    let suite = parameters.chosen("suite").ok_or_else(|| bad(NO_SUITE))?;
    let question = lists::flaky(&parameters, suite, &service.store.clock)?;
    Ok(Rows(flaky::find(&service.store, &question).await?))
}
