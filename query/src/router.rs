//! Every path of the service, one line each, and the layers around them.

use std::sync::Arc;

use answers::Store;
use axum::Router;
use axum::http::Method;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, post, put};
use schema::blobs::Blobs;
use tokio::sync::watch;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{DefaultPredicate, NotForContentType, Predicate};

use crate::api::{
    bug_trackers, bugs, changes, commits, compare, dead_letters, durations, ews, failures, flaky, links, live, openapi,
    populations, recent_uploads, renames, results, rules, run, suites, summary, test_names, timeline, triage, uploads,
    verdicts,
};
use crate::error::ApiError;
use crate::layers::{cache, error_pages, format, metrics, paths};
use crate::service::Service;
use crate::{QueryOptions, archives, pages};

/// The service's routes; `stop` turns true when open streams shall end.
pub fn router(store: Store, blobs: Blobs, options: QueryOptions, stop: watch::Receiver<bool>) -> Router {
    let service = Arc::new(Service::new(store, blobs, options, stop));
    let kept = from_fn_with_state(Arc::clone(&service), cache::keep);
    let looked = from_fn_with_state(Arc::clone(&service), cache::look);
    let shown = from_fn_with_state(Arc::clone(&service), error_pages::show);
    let api = kept_api().layer(from_fn(format::write)).layer(kept.clone());
    let api = api.merge(fresh_api().layer(looked.clone())).merge(static_api());
    let pages = kept_pages().layer(kept).merge(fresh_pages().layer(looked)).merge(static_pages());
    let pages = pages.fallback(unknown).method_not_allowed_fallback(method_not_allowed).layer(shown);
    api.method_not_allowed_fallback(method_not_allowed)
        .merge(pages)
        .layer(from_fn(paths::without_doubled_slashes))
        .layer(from_fn(metrics::record))
        .layer(CompressionLayer::new().compress_when(compressible()))
        .with_state(service)
}

/// Answers that hold until the views move.
fn kept_api() -> Router<Arc<Service>> {
    Router::new()
        .route("/api/results/{suite}", get(results::find))
        .route("/api/results/{suite}/", get(results::find))
        .route("/api/results/{suite}/{*test}", get(results::find))
        .route("/api/results-summary/{suite}/{*test}", get(summary::find))
        .route("/api/timeline/{suite}", get(timeline::window))
        .route("/api/timeline/{suite}/{*test}", get(timeline::window))
        .route("/api/timeline-overview/{suite}", get(timeline::overview))
        .route("/api/timeline-overview/{suite}/{*test}", get(timeline::overview))
        .route("/api/durations/{suite}", get(durations::find))
        .route("/api/durations/{suite}/{*test}", get(durations::find))
        .route("/api/slowest/{*suite}", get(durations::slowest))
        .route("/api/plan/{*suite}", get(durations::plan))
        .route("/api/failures/{*suite}", get(failures::find))
        .route("/api/changes/{suite}", get(changes::find))
        .route("/api/changes/{suite}/{*test}", get(changes::find))
        .route("/api/triage", get(triage::find))
        .route("/api/flaky", get(flaky::find))
        .route("/api/compare", get(compare::find))
        .route("/api/compare/populations/{*suite}", get(populations::find))
        .route("/api/search", get(test_names::search))
        .route("/api/suites", get(suites::find))
        .route("/api/run", get(run::find))
        .route("/api/urls", get(links::find))
        .route("/api/urls/queue", get(links::queues))
        .route("/api/bugs", get(bugs::find))
        .route("/api/renames", get(renames::find))
        .route("/api/results-ews", get(ews::find))
        .route("/api/results-ews/tests", get(ews::names))
        .route("/api/commits", get(commits::find))
        .route("/api/commits/find", get(commits::find))
        .route("/api/commits/siblings", get(commits::siblings))
        .route("/api/commits/next", get(commits::next))
        .route("/api/commits/previous", get(commits::previous))
        .route("/api/commits/branches", get(commits::branches))
        .route("/api/commits/repositories", get(commits::repositories))
        .route("/api/commits/representations", get(commits::representations))
        // Names of suites may hold slashes, so that no pattern tells this path from one that does not exist.
        .route("/api/{*suite_tests}", get(test_names::names))
}

/// Answers that are large, or change without any run.
fn fresh_api() -> Router<Arc<Service>> {
    Router::new()
        .route("/api/upload", get(uploads::find))
        .route("/api/verdicts", post(verdicts::ask))
        .route("/api/verdicts/quality", get(verdicts::quality))
        .route("/api/rules/preview", post(rules::preview))
        .route("/api/upload/archive", get(archives::download))
        .route("/api/upload/process", post(uploads::process))
        .route("/api/bug-trackers/{tracker}/create-bug", put(bug_trackers::create))
}

/// Answers that need no view, or ask what is not a view.
fn static_api() -> Router<Arc<Service>> {
    Router::new()
        .route("/api/openapi.json", get(openapi::document))
        .route("/api/bug-trackers", get(bug_trackers::names))
        .route("/api/live", get(live::listen))
        .route("/api/dead-letters", get(dead_letters::find))
        .route("/api/uploads/recent", get(recent_uploads::find))
        .route("/api/dead-letters/{id}", get(dead_letters::one))
        .route("/api/dead-letters/{id}/event", get(dead_letters::event))
        .route("/api/receipts/{*receipt}", get(dead_letters::receipt))
        // The intake takes POST here, of which a service of its own must not know less.
        .route("/api/dead-letters/{id}/{action}", get(unknown))
        .route("/api/upload/ews", get(method_not_allowed))
        .route("/api/commits/register", get(method_not_allowed))
}

/// Pages that hold until the views move.
fn kept_pages() -> Router<Arc<Service>> {
    Router::new()
        .route("/", get(pages::timelines::of_tests))
        .route("/search", get(pages::timelines::of_tests))
        .route("/suites", get(pages::timelines::of_suites))
        .route("/triage", get(pages::triage::page))
        .route("/changes", get(pages::changes::page))
        .route("/triage.atom", get(pages::feed::triage))
        .route("/investigate", get(pages::investigate::page))
        .route("/dashboards", get(pages::dashboards::page))
        .route("/compare", get(pages::compare::page))
        .route("/compare/populations", get(pages::populations::page))
        .route("/flaky", get(pages::flaky::page))
        .route("/durations", get(pages::durations::page))
        .route("/commits", get(pages::commits::list))
        .route("/commit", get(pages::commits::one))
        .route("/commit/info", get(pages::commits::info))
        .route("/commit/next", get(pages::commits::next))
        .route("/commit/previous", get(pages::commits::previous))
        .route("/badge/{*badge}", get(pages::badge::picture))
        .route("/run", get(run::page))
        .route("/urls/queue", get(links::to_queue))
        .route("/urls/build", get(links::to_build))
        .route("/urls/worker", get(links::to_worker))
}

/// Pages of archives, which are large.
fn fresh_pages() -> Router<Arc<Service>> {
    Router::new()
        .route("/archive", get(archives::list))
        .route("/archive/", get(archives::list))
        .route("/archive/{*file}", get(archives::extract))
        .route("/archive-view/{*file}", get(archives::view))
}

/// Pages and files that need no view.
fn static_pages() -> Router<Arc<Service>> {
    Router::new()
        .route("/dead-letters", get(pages::dead_letters::page))
        .route("/uploads", get(pages::uploads::page))
        .route("/documentation", get(pages::documentation::page))
        .route("/archive-routes", get(archives::routes))
        .route("/assets/js/constants.js", get(pages::assets::constants))
        .route("/assets/{*file}", get(pages::assets::file))
        .route("/library/{*file}", get(pages::assets::file))
}

async fn unknown(method: Method) -> ApiError {
    if matches!(method, Method::GET | Method::HEAD) { ApiError::unknown_path() } else { ApiError::Method }
}

async fn method_not_allowed() -> ApiError {
    ApiError::Method
}

/// What compresses, and is not watched while it comes.
fn compressible() -> impl Predicate {
    DefaultPredicate::new().and(NotForContentType::const_new("application/zip"))
}
