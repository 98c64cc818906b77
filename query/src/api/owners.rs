//! How the tests of each owner are doing: `GET /api/owners`.

use answers::owner_totals::{self, Owners};
use answers::table::schema_of;
use axum::extract::{RawQuery, State};
use web::openapi::Operation;

use crate::error::ApiError;
use crate::layers::format::Rows;
use crate::parameters::lists;
use crate::parameters::{CONFIGURATION, Parameters};
use crate::service::Shared;

pub(crate) const OPERATION: Operation = Operation::get(
    "/api/owners",
    "Owners with how many of their tests newly fail, still fail and are flaky, and what the flaky ones cost; those of \
     tests that nobody owns have no name",
    &[&CONFIGURATION, &["suite", "weeks", "recent", "branch", "limit", "format"]],
    schema_of::<Owners>,
);

/// How the tests of each owner are doing.
pub(crate) async fn find(State(service): Shared, RawQuery(query): RawQuery) -> Result<Rows<Owners>, ApiError> {
    let parameters = Parameters::of(query.as_deref(), &OPERATION)?;
    let question = lists::owners(&parameters, parameters.chosen("suite"))?;
    Ok(Rows(owner_totals::find(&service.store, &question).await?))
}
