//! `GET /api/timeline/<suite>[/<test>]` and `/api/timeline-overview/…`: windows of timelines, and which there are. They take any query
//! of the page of timelines, which is one of the reference.

use answers::overview::{self, Overview};
use answers::table::schema_of;
use answers::timeline::{self, Timeline, TimelineOf};
use axum::Json;
use axum::extract::{RawQuery, State};
use web::openapi::Operation;

use crate::error::ApiError;
use crate::layers::paths::SuiteAndTest;
use crate::parameters::{CONFIGURATION, POINT, Parameters, RANGE, TIMES, named_by_path, runs};
use crate::service::Shared;

pub(crate) const OF_TEST: Operation = Operation::get(
    "/api/timeline/{suite}/{test}",
    "The newest columns of a test's timeline, one character for each run",
    &[&CONFIGURATION, &["recent", "limit"], &POINT, &RANGE, &TIMES],
    schema_of::<Timeline>,
)
.of_reference();

pub(crate) const OF_SUITE: Operation = Operation::get(
    "/api/timeline/{suite}",
    "The newest columns of a suite's timeline, one character for each run",
    OF_TEST.parameters,
    schema_of::<Timeline>,
)
.of_reference();

pub(crate) const OVERVIEW_OF_TEST: Operation = Operation::get(
    "/api/timeline-overview/{suite}/{test}",
    "The length of a test's timeline, its windows, newest first, and where its failures are",
    OF_TEST.parameters,
    schema_of::<Overview>,
)
.of_reference();

pub(crate) const OVERVIEW_OF_SUITE: Operation = Operation::get(
    "/api/timeline-overview/{suite}",
    "The length of a suite's timeline, its windows, newest first, and where its failures are",
    OF_TEST.parameters,
    schema_of::<Overview>,
)
.of_reference();

/// A window.
pub(crate) async fn window(
    State(service): Shared,
    SuiteAndTest { suite, test }: SuiteAndTest,
    RawQuery(query): RawQuery,
) -> Result<Json<Timeline>, ApiError> {
    let parameters = Parameters::of_beside_path(query.as_deref(), named_by_path(test.is_some()), &OF_TEST)?;
    let of = TimelineOf { suite: &suite, test: test.as_deref() };
    Ok(Json(timeline::find(&service.store, of, &runs::filter(&parameters)?).await?))
}

/// Which windows there are.
pub(crate) async fn overview(
    State(service): Shared,
    SuiteAndTest { suite, test }: SuiteAndTest,
    RawQuery(query): RawQuery,
) -> Result<Json<Overview>, ApiError> {
    let parameters = Parameters::of_beside_path(query.as_deref(), named_by_path(test.is_some()), &OF_TEST)?;
    let of = TimelineOf { suite: &suite, test: test.as_deref() };
    Ok(Json(overview::find(&service.store, of, &runs::filter(&parameters)?).await?))
}
