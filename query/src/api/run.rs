//! `GET /api/run`: runs with what their uploads say of them beside the results, by their page in the CI or as every list
//! names them; and `/run`, which leads from a page of the CI to the run.

use answers::Selection;
use answers::run_details::{self, RunDetails};
use answers::suites;
use answers::table::schema_of;
use axum::Json;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use schema::commit::DEFAULT_BRANCH_KEY;
use web::openapi::Operation;

use crate::error::{ApiError, bad, not_found};
use crate::layers::paths::redirect;
use crate::parameters::{CONFIGURATION, POINT, Parameters, RANGE, TIMES, lists, runs};
use crate::service::{Service, Shared};

/// Runs of each configuration if the question names no limit.
const RUNS: u64 = 20;

pub(crate) const OPERATION: Operation = Operation::get(
    "/api/run",
    "Runs and what is known of them beside their results: where they come from, what is wrong with them, what is missing \
     of them; those of a page of the CI, or those of a suite that the other parameters mean",
    &[&["link", "suite"], &CONFIGURATION, &["recent", "limit"], &POINT, &RANGE, &TIMES],
    schema_of::<Vec<RunDetails>>,
);

/// The runs that are meant.
pub(crate) async fn find(State(service): Shared, RawQuery(query): RawQuery) -> Result<Json<Vec<RunDetails>>, ApiError> {
    let parameters = Parameters::of(query.as_deref(), &OPERATION)?;
    if let Some(link) = parameters.chosen("link") {
        if parameters.pairs().any(|(name, _)| name != "link") {
            return Err(bad("A link names its runs by itself: give no other parameter beside it"));
        }
        return Ok(Json(of_link(&service, link).await?));
    }
    let suite = parameters.chosen("suite").ok_or_else(|| bad(lists::NO_SUITE))?;
    suites::expect(&service.store, suite).await?;
    let selection = Selection::of(&service.store, &runs::filter(&parameters)?, RUNS).await?;
    Ok(Json(run_details::of_selection(&service.store, suite, &selection).await?))
}

async fn of_link(service: &Service, link: &str) -> Result<Vec<RunDetails>, ApiError> {
    let found = run_details::of_link(&service.store, link).await?;
    if found.is_empty() { Err(not_found("No run has this link")) } else { Ok(found) }
}

/// From a page of the CI to the failures of its runs.
pub(crate) async fn page(State(service): Shared, RawQuery(query): RawQuery) -> Result<Response, ApiError> {
    let parameters = Parameters::read(query.as_deref(), &[&["link"]])?;
    let link = parameters.chosen("link").ok_or_else(|| bad("No link specified: write link=ADDRESS"))?;
    Ok(redirect(&format!("/investigate?{}", of_runs(&of_link(&service, link).await?))))
}

/// The query that means these runs.
fn of_runs(runs: &[RunDetails]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    let mut suites: Vec<&str> = runs.iter().map(|run| run.suite.as_str()).collect();
    suites.sort_unstable();
    suites.dedup();
    query.extend_pairs(suites.iter().map(|suite| ("suite", *suite)));
    let commits = || runs.iter().map(|run| run.uuid);
    match (commits().min(), commits().max()) {
        (Some(only), Some(last)) if only == last => {
            query.append_pair("uuid", &only.to_string());
        }
        (Some(first), Some(last)) => {
            query.append_pair("after_uuid", &first.to_string()).append_pair("before_uuid", &last.to_string());
        }
        _ => {}
    }
    let starts = || runs.iter().map(|run| run.start_time);
    if let (Some(first), Some(last)) = (starts().min(), starts().max()) {
        query.append_pair("after_time", &first.to_string()).append_pair("before_time", &last.to_string());
    }
    // A page of the CI that tested several branches shows those of one: the newest run's.
    if let Some(branch) = runs.first().map(|run| run.branch.as_str()).filter(|branch| *branch != DEFAULT_BRANCH_KEY) {
        query.append_pair("branch", branch);
    }
    query.append_pair("recent", "false");
    let mut text = query.finish();
    if let Some((first, rest)) = runs.split_first()
        && rest.iter().all(|run| run.configuration == first.configuration)
    {
        text.push('&');
        text.push_str(&first.configuration.query());
    }
    text
}
