//! What flaky tests cost: `GET /api/costs`.

use answers::costs::{self, Costs};
use answers::table::schema_of;
use axum::extract::{RawQuery, State};
use web::openapi::Operation;

use crate::error::ApiError;
use crate::layers::format::Rows;
use crate::parameters::lists;
use crate::parameters::{CONFIGURATION, Parameters};
use crate::service::Shared;

pub(crate) const OPERATION: Operation = Operation::get(
    "/api/costs",
    "Runs that flaky tests spoilt and the time that was lost in them, by test, by owner or by week; the most time first",
    &[&CONFIGURATION, &["suite", "weeks", "by", "q", "owner", "recent", "branch", "limit", "format"]],
    schema_of::<Costs>,
);

/// What flaky tests cost.
pub(crate) async fn find(State(service): Shared, RawQuery(query): RawQuery) -> Result<Rows<Costs>, ApiError> {
    let parameters = Parameters::of(query.as_deref(), &OPERATION)?;
    let question = lists::costs(&parameters, parameters.chosen("suite"), &service.store.clock)?;
    Ok(Rows(costs::find(&service.store, &question).await?))
}
