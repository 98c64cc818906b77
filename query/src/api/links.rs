//! `GET /api/urls`, `GET /api/urls/queue`, and the paths `/urls/…` that lead to the one link that is meant.

use answers::links::{self, ConfigurationLinks, QueueLink};
use answers::table::schema_of;
use axum::Json;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use web::openapi::Operation;

use crate::error::{ApiError, not_found};
use crate::layers::paths::redirect;
use crate::parameters::{CONFIGURATION, POINT, Parameters, RANGE, TIMES, runs};
use crate::service::{Service, Shared};

pub(crate) const URLS: Operation = Operation::get(
    "/api/urls",
    "Links of runs to their CI",
    &[&CONFIGURATION, &["suite", "recent", "limit"], &POINT, &RANGE, &TIMES],
    schema_of::<Vec<ConfigurationLinks>>,
)
.of_reference();

pub(crate) const QUEUES: Operation = Operation::get(
    "/api/urls/queue",
    "Links to the queues that run suites",
    &[&CONFIGURATION, &["suite", "recent", "branch", "limit"]],
    schema_of::<Vec<QueueLink>>,
)
.of_reference();

async fn of_runs(service: &Service, query: Option<&str>) -> Result<Vec<ConfigurationLinks>, ApiError> {
    let parameters = Parameters::of(query, &URLS)?;
    Ok(links::of_runs(&service.store, &runs::filter(&parameters)?, &parameters.texts("suite")).await?)
}

async fn of_queues(service: &Service, query: Option<&str>) -> Result<Vec<QueueLink>, ApiError> {
    let parameters = Parameters::of(query, &QUEUES)?;
    Ok(links::queues(&service.store, &runs::lately(&parameters)?, &parameters.texts("suite")).await?)
}

/// Links of runs.
pub(crate) async fn find(
    State(service): Shared,
    RawQuery(query): RawQuery,
) -> Result<Json<Vec<ConfigurationLinks>>, ApiError> {
    Ok(Json(of_runs(&service, query.as_deref()).await?))
}

/// Links of queues.
pub(crate) async fn queues(
    State(service): Shared,
    RawQuery(query): RawQuery,
) -> Result<Json<Vec<QueueLink>>, ApiError> {
    Ok(Json(of_queues(&service, query.as_deref()).await?))
}

/// To the one queue that runs what is meant.
pub(crate) async fn to_queue(State(service): Shared, RawQuery(query): RawQuery) -> Result<Response, ApiError> {
    let queues = of_queues(&service, query.as_deref()).await?;
    to_the_one("queue", distinct(queues.into_iter().map(|queue| queue.url)))
}

/// To the build of the one run that is meant.
pub(crate) async fn to_build(State(service): Shared, RawQuery(query): RawQuery) -> Result<Response, ApiError> {
    let linked = of_runs(&service, query.as_deref()).await?;
    to_the_one("build", distinct(linked.into_iter().flat_map(|it| it.urls).map(|links| links.build)))
}

/// To the worker of the one run that is meant. Several runs of one worker are as ambiguous as those of several.
pub(crate) async fn to_worker(State(service): Shared, RawQuery(query): RawQuery) -> Result<Response, ApiError> {
    let linked = of_runs(&service, query.as_deref()).await?;
    let workers = linked.into_iter().flat_map(|it| it.urls).map(|links| links.worker);
    to_the_one("worker", workers.filter(|link| !link.is_empty()).collect())
}

fn distinct(links: impl Iterator<Item = String>) -> Vec<String> {
    let mut links: Vec<String> = links.filter(|link| !link.is_empty()).collect();
    links.sort();
    links.dedup();
    links
}

fn to_the_one(kind: &str, links: Vec<String>) -> Result<Response, ApiError> {
    match links.as_slice() {
        [link] => Ok(redirect(link)),
        [] => Err(not_found(format!("No {kind} URLs for provided arguments"))),
        _ => Err(not_found(format!("Too many eligible {kind}s"))),
    }
}
