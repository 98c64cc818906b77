//! What changed between two commits: `GET /api/compare`.

use answers::compare::{self, Comparison};
use answers::table::schema_of;
use axum::extract::{RawQuery, State};
use web::openapi::Operation;

use crate::error::{ApiError, bad};
use crate::layers::format::Rows;
use crate::parameters::lists::{self, NO_SUITE};
use crate::parameters::{CONFIGURATION, Parameters};
use crate::service::Shared;

pub(crate) const OPERATION: Operation = Operation::get(
    "/api/compare",
    "What changed for a suite between two commits, in all runs of each: failures, and for one configuration also what ran and how long it took",
    &[
        &CONFIGURATION,
        &["suite", "before", "after", "unexpected", "recent", "branch", "before_branch", "limit", "format"],
    ],
    schema_of::<Comparison>,
);

/// What changed between two commits.
pub(crate) async fn find(State(service): Shared, RawQuery(query): RawQuery) -> Result<Rows<Comparison>, ApiError> {
    let parameters = Parameters::of(query.as_deref(), &OPERATION)?;
    let suite = parameters.chosen("suite").ok_or_else(|| bad(NO_SUITE))?;
    Ok(Rows(compare::find(&service.store, &lists::compare(&parameters, suite)?).await?))
}
