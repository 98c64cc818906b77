//! Failures by what they say: `GET /api/causes`, and what they said: `GET /api/causes/messages`.

use answers::causes::{self, Causes, Messages};
use answers::table::schema_of;
use axum::extract::{RawQuery, State};
use web::openapi::Operation;

use crate::error::{ApiError, bad};
use crate::layers::format::Rows;
use crate::parameters::lists::{self, NO_SUITE};
use crate::parameters::{CONFIGURATION, Parameters};
use crate::service::Shared;

/// What both take beside members of configurations.
const OWN: &[&str] =
    &["suite", "weeks", "cause", "test", "text", "order", "unexpected", "rule", "recent", "branch", "limit", "format"];

pub(crate) const CAUSES: Operation = Operation::get(
    "/api/causes",
    "Failures of a suite grouped by what their messages have in common, with tests, commits, configurations, bugs, and how \
     many there were by day, or by week where more than 4 are asked for",
    &[&CONFIGURATION, OWN],
    schema_of::<Causes>,
);

pub(crate) const MESSAGES: Operation = Operation::get(
    "/api/causes/messages",
    "What failing tests of a suite said, the newest first: of one cause or one test, or with a text in it",
    &[&CONFIGURATION, OWN],
    schema_of::<Messages>,
);

/// The causes of failures.
pub(crate) async fn find(State(service): Shared, RawQuery(query): RawQuery) -> Result<Rows<Causes>, ApiError> {
    let parameters = Parameters::of(query.as_deref(), &CAUSES)?;
    let suite = parameters.chosen("suite").ok_or_else(|| bad(NO_SUITE))?;
    Ok(Rows(causes::find(&service.store, &lists::causes(&parameters, suite)?).await?))
}

/// What failing tests said.
pub(crate) async fn messages(State(service): Shared, RawQuery(query): RawQuery) -> Result<Rows<Messages>, ApiError> {
    let parameters = Parameters::of(query.as_deref(), &MESSAGES)?;
    let suite = parameters.chosen("suite").ok_or_else(|| bad(NO_SUITE))?;
    Ok(Rows(causes::messages(&service.store, &lists::causes(&parameters, suite)?).await?))
}
