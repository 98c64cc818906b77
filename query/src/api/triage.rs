//! What broke lately: `GET /api/triage`.

use answers::table::schema_of;
use answers::triage::{self, Triage};
use axum::extract::{RawQuery, State};
use web::openapi::Operation;

use crate::error::{ApiError, bad};
use crate::layers::format::Rows;
use crate::parameters::lists::{self, NO_SUITE};
use crate::parameters::{CONFIGURATION, Parameters, as_of};
use crate::service::Shared;

pub(crate) const OPERATION: Operation = Operation::get(
    "/api/triage",
    "Tests that began to fail, still fail, were fixed or are flaky, by impact",
    &[&CONFIGURATION, &["suite", "days", "group", "q", "owner", "recent", "branch", "limit", "as_of", "format"]],
    schema_of::<Triage>,
);

/// What broke lately, what still fails, what was fixed, what is flaky.
pub(crate) async fn find(State(service): Shared, RawQuery(query): RawQuery) -> Result<Rows<Triage>, ApiError> {
    let parameters = Parameters::of(query.as_deref(), &OPERATION)?;
    let suite = parameters.chosen("suite").ok_or_else(|| bad(NO_SUITE))?;
    let store = as_of::store(&service.store, &parameters)?;
    let question = lists::triage(&parameters, suite, &store.clock)?;
    Ok(Rows(triage::find(&store, &question).await?))
}
