//! Which tests fail more often in one population of runs than in another: `GET /api/compare/populations/<suite>`.

use answers::populations::{self, Populations};
use answers::table::schema_of;
use axum::extract::{RawQuery, State};
use web::openapi::Operation;

use crate::error::ApiError;
use crate::layers::format::Rows;
use crate::layers::paths::Suite;
use crate::parameters::populations::{BASE, SAMPLE, question};
use crate::parameters::{CONFIGURATION, Parameters};
use crate::service::Shared;

pub(crate) const OPERATION: Operation = Operation::get(
    "/api/compare/populations/{suite}",
    "Tests that fail more often in a population of runs (branch, weeks, configurations) than in its base, which differs by \
     what base_ parameters say: Fisher's exact test, one-sided, adjusted by Benjamini-Hochberg",
    &[&CONFIGURATION, &SAMPLE, &BASE, &["unexpected", "limit", "format"]],
    schema_of::<Populations>,
);

/// The two populations and the tests that failed in the sample.
pub(crate) async fn find(
    State(service): Shared,
    Suite(suite): Suite,
    RawQuery(query): RawQuery,
) -> Result<Rows<Populations>, ApiError> {
    let parameters = Parameters::of_beside_path(query.as_deref(), &["suite"], &OPERATION)?;
    Ok(Rows(populations::find(&service.store, &question(&parameters, &suite)?).await?))
}
