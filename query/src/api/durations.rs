//! `GET /api/durations/<suite>[/<test>]`, `/api/slowest/<suite>` and `/api/plan/<suite>`: how long runs and results took.

use answers::durations::{self, Durations};
use answers::plan::{self, Plan};
use answers::slowest::{self, SlowestTests};
use answers::table::schema_of;
use axum::Json;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use web::openapi::Operation;

use crate::error::ApiError;
use crate::layers::format::Rows;
use crate::layers::paths::{Suite, SuiteAndTest};
use crate::parameters::{CONFIGURATION, Parameters, lists, named_by_path, runs};
use crate::service::Shared;
use crate::warning;

pub(crate) const OF_SUITE: Operation = Operation::get(
    "/api/durations/{suite}",
    "How long a suite's runs took: over time, and on each configuration; milliseconds",
    &[&CONFIGURATION, &["weeks", "recent", "branch", "format"]],
    schema_of::<Durations>,
);

pub(crate) const OF_TEST: Operation = Operation::get(
    "/api/durations/{suite}/{test}",
    "How long a test took: over time, and on each configuration; milliseconds",
    OF_SUITE.parameters,
    schema_of::<Durations>,
);

pub(crate) const SLOWEST: Operation = Operation::get(
    "/api/slowest/{suite}",
    "Tests that took longest in all runs of the newest commit that is asked for, and their median before it; milliseconds",
    &[&CONFIGURATION, &["weeks", "recent", "branch", "limit", "format"]],
    schema_of::<SlowestTests>,
);

pub(crate) const PLAN: Operation = Operation::get(
    "/api/plan/{suite}",
    "What each test of a suite usually takes, for who splits it into shares: the median over the newest runs of four weeks; milliseconds",
    &[&CONFIGURATION, &["recent", "branch"]],
    schema_of::<Plan>,
);

/// Durations of a suite's runs, or of the results of a test.
pub(crate) async fn find(
    State(service): Shared,
    SuiteAndTest { suite, test }: SuiteAndTest,
    RawQuery(query): RawQuery,
) -> Result<Rows<Durations>, ApiError> {
    let parameters = Parameters::of_beside_path(query.as_deref(), named_by_path(test.is_some()), &OF_SUITE)?;
    let question = lists::durations(&parameters, &suite, test.as_deref())?;
    Ok(Rows(durations::find(&service.store, &question).await?))
}

/// The slowest tests of the newest run.
pub(crate) async fn slowest(
    State(service): Shared,
    Suite(suite): Suite,
    RawQuery(query): RawQuery,
) -> Result<Rows<SlowestTests>, ApiError> {
    let parameters = Parameters::of_beside_path(query.as_deref(), &["suite"], &SLOWEST)?;
    Ok(Rows(slowest::find(&service.store, &lists::durations(&parameters, &suite, None)?).await?))
}

/// What each test usually takes.
pub(crate) async fn plan(
    State(service): Shared,
    Suite(suite): Suite,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let parameters = Parameters::of_beside_path(query.as_deref(), &["suite"], &PLAN)?;
    let plan: Plan = plan::find(&service.store, &suite, &runs::lately(&parameters)?).await?;
    Ok(warning::beside(&service.store, Some(&suite), Json(plan)).await?)
}
