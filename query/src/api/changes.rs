//! What changed, when, and by which commits: `GET /api/changes/<suite>[/<test>]`.

use answers::changes::{self, Changes};
use answers::table::schema_of;
use axum::extract::{RawQuery, State};
use web::openapi::Operation;

use crate::error::ApiError;
use crate::layers::format::Rows;
use crate::layers::paths::SuiteAndTest;
use crate::parameters::{CONFIGURATION, Parameters, as_of, lists, named_by_path};
use crate::service::Shared;

pub(crate) const OF_SUITE: Operation = Operation::get(
    "/api/changes/{suite}",
    "Tests that broke, were fixed or became flaky together, with the commits that may have done it",
    &[&CONFIGURATION, &["weeks", "kind", "q", "owner", "recent", "branch", "limit", "as_of", "format"]],
    schema_of::<Changes>,
);

pub(crate) const OF_TEST: Operation = Operation::get(
    "/api/changes/{suite}/{test}",
    "What changed for one test, with the commits that may have done it",
    OF_SUITE.parameters,
    schema_of::<Changes>,
);

/// The changes, newest first.
pub(crate) async fn find(
    State(service): Shared,
    SuiteAndTest { suite, test }: SuiteAndTest,
    RawQuery(query): RawQuery,
) -> Result<Rows<Changes>, ApiError> {
    let parameters = Parameters::of_beside_path(query.as_deref(), named_by_path(test.is_some()), &OF_SUITE)?;
    let store = as_of::store(&service.store, &parameters)?;
    let question = lists::changes(&parameters, &suite, test.as_deref(), &store.clock)?;
    Ok(Rows(changes::find(&store, &question).await?))
}
