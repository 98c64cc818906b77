//! Every path of the service, one line each, and the layers around them.

use std::sync::Arc;

use ::access::{Routes, Rule};
use answers::Store;
use axum::Router;
use axum::http::Method;
use axum::middleware::{from_fn, from_fn_with_state, map_response};
use schema::blobs::Blobs;
use tokio::sync::watch;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{DefaultPredicate, NotForContentType, Predicate};
use web::protection::protect;

use crate::api::{
    access, bug_trackers, bugs, causes, changes, commits, compare, costs, dead_letters, durations, ews, failures,
    flaky, links, live, new_tests, openapi, owners, populations, quarantine, recent_uploads, renames, results, rules,
    run, sql, standing, suites, summary, test_metrics, test_names, timeline, trends, triage, under_review, uploads,
    verdicts,
};
use crate::error::ApiError;
use crate::layers::{cache, error_pages, format, metrics, paths};
use crate::service::Service;
use crate::{QueryOptions, archives, mcp, pages};

/// The service's routes; `stop` turns true when open streams shall end.
pub fn router(store: Store, blobs: Blobs, options: QueryOptions, stop: watch::Receiver<bool>) -> Router {
    let door = options.door.clone();
    let service = Arc::new(Service::new(store, blobs, options, stop));
    let shown = from_fn_with_state(Arc::clone(&service), error_pages::show);
    let pages = pages(&service).behind(&door).fallback(unknown);
    let pages = pages.method_not_allowed_fallback(method_not_allowed).layer(shown);
    api(&service)
        .behind(&door)
        .method_not_allowed_fallback(method_not_allowed)
        .merge(pages)
        .layer(from_fn(paths::without_doubled_slashes))
        .layer(from_fn(metrics::record))
        .layer(CompressionLayer::new().compress_when(compressible()))
        .layer(map_response(protect))
        .with_state(service)
}

/// The API, with what keeps answers.
fn api(service: &Arc<Service>) -> Routes<Arc<Service>> {
    let kept = from_fn_with_state(Arc::clone(service), cache::keep);
    let looked = from_fn_with_state(Arc::clone(service), cache::look);
    let [of_views, fresh, other] = api_routes();
    let written = from_fn_with_state(Arc::clone(service), format::write);
    of_views.layer(written.clone()).layer(kept).merge(fresh.layer(written).layer(looked)).merge(other)
}

/// The pages, with what keeps them.
fn pages(service: &Arc<Service>) -> Routes<Arc<Service>> {
    let kept = from_fn_with_state(Arc::clone(service), cache::keep);
    let looked = from_fn_with_state(Arc::clone(service), cache::look);
    let [of_views, fresh, other] = page_routes();
    of_views.layer(kept).merge(fresh.layer(looked)).merge(other)
}

fn api_routes() -> [Routes<Arc<Service>>; 3] {
    [kept_api(), fresh_api(), static_api()]
}

fn page_routes() -> [Routes<Arc<Service>>; 3] {
    [kept_pages(), fresh_pages(), static_pages()]
}

/// Method, path and rule of every route.
pub fn rules() -> Vec<(Method, &'static str, Rule)> {
    api_routes().iter().chain(&page_routes()).flat_map(|routes| routes.rules().to_vec()).collect()
}

/// Answers that hold until the views move.
fn kept_api() -> Routes<Arc<Service>> {
    Routes::new()
        .get(Rule::Read, "/api/results/{suite}", results::find)
        .get(Rule::Read, "/api/results/{suite}/", results::find)
        .get(Rule::Read, "/api/results/{suite}/{*test}", results::find)
        .get(Rule::Read, "/api/results-summary/{suite}/{*test}", summary::find)
        .get(Rule::Read, "/api/timeline/{suite}", timeline::window)
        .get(Rule::Read, "/api/timeline/{suite}/{*test}", timeline::window)
        .get(Rule::Read, "/api/timeline-overview/{suite}", timeline::overview)
        .get(Rule::Read, "/api/timeline-overview/{suite}/{*test}", timeline::overview)
        .get(Rule::Read, "/api/durations/{suite}", durations::find)
        .get(Rule::Read, "/api/durations/{suite}/{*test}", durations::find)
        .get(Rule::Read, "/api/slowest/{*suite}", durations::slowest)
        .get(Rule::Read, "/api/plan/{*suite}", durations::plan)
        .get(Rule::Read, "/api/failures/{*suite}", failures::find)
        .get(Rule::Read, "/api/changes/{suite}", changes::find)
        .get(Rule::Read, "/api/changes/{suite}/{*test}", changes::find)
        .get(Rule::Read, "/api/changes-under-review", under_review::recent)
        .get(Rule::Read, "/api/changes-under-review/{*id}", under_review::one)
        .get(Rule::Read, "/api/causes", causes::find)
        .get(Rule::Read, "/api/causes/messages", causes::messages)
        .get(Rule::Read, "/api/triage", triage::find)
        .get(Rule::Read, "/api/standing", standing::find)
        .get(Rule::Read, "/api/metrics", test_metrics::scrape)
        .get(Rule::Read, "/api/flaky", flaky::find)
        .get(Rule::Read, "/api/new-tests", new_tests::find)
        .get(Rule::Read, "/api/costs", costs::find)
        .get(Rule::Read, "/api/owners", owners::find)
        .get(Rule::Read, "/api/trends", trends::find)
        .get(Rule::Read, "/api/compare", compare::find)
        .get(Rule::Read, "/api/compare/populations/{*suite}", populations::find)
        .get(Rule::Read, "/api/search", test_names::search)
        .get(Rule::Read, "/api/suites", suites::find)
        .get(Rule::Read, "/api/run", run::find)
        .get(Rule::Read, "/api/urls", links::find)
        .get(Rule::Read, "/api/urls/queue", links::queues)
        .get(Rule::Read, "/api/bugs", bugs::find)
        .get(Rule::Read, "/api/renames", renames::find)
        .get(Rule::Read, "/api/results-ews", ews::find)
        .get(Rule::Read, "/api/results-ews/tests", ews::names)
        .get(Rule::Read, "/api/commits", commits::find)
        .get(Rule::Read, "/api/commits/find", commits::find)
        .get(Rule::Read, "/api/commits/siblings", commits::siblings)
        .get(Rule::Read, "/api/commits/next", commits::next)
        .get(Rule::Read, "/api/commits/previous", commits::previous)
        .get(Rule::Read, "/api/commits/branches", commits::branches)
        .get(Rule::Read, "/api/commits/repositories", commits::repositories)
        .get(Rule::Read, "/api/commits/representations", commits::representations)
        // Names of suites may hold slashes, so that no pattern tells this path from one that does not exist.
        .get(Rule::Read, "/api/{*suite_tests}", test_names::names)
}

/// Answers that are large, or change without any run.
fn fresh_api() -> Routes<Arc<Service>> {
    Routes::new()
        .get(Rule::Read, "/api/upload", uploads::find)
        .get(Rule::Read, "/api/quarantine", quarantine::find)
        .get(Rule::Read, "/api/quarantine/proposals", quarantine::propose)
        .get(Rule::Read, "/api/quarantine/export", quarantine::export)
        .post(Rule::Read, "/api/verdicts", verdicts::ask)
        .get(Rule::Read, "/api/verdicts/quality", verdicts::quality)
        .post(Rule::Read, "/api/sql", sql::ask)
        .post(Rule::Read, "/mcp", mcp::handle)
        .post(Rule::Read, "/api/rules/preview", rules::preview)
        .get(Rule::Read, "/api/upload/archive", archives::download)
        .post(Rule::Read, "/api/upload/process", uploads::process)
        .put(Rule::Read, "/api/bug-trackers/{tracker}/create-bug", bug_trackers::create)
}

/// Answers that need no view, or ask what is not a view.
fn static_api() -> Routes<Arc<Service>> {
    Routes::new()
        .get(Rule::Anybody, "/api/openapi.json", openapi::document)
        .get(Rule::Read, "/api/bug-trackers", bug_trackers::names)
        .get(Rule::Read, "/api/live", live::listen)
        .get(Rule::Admin, "/api/keys", access::list_keys)
        .get(Rule::Admin, "/api/audit", access::audit)
        .get(Rule::Read, "/api/dead-letters", dead_letters::find)
        .get(Rule::Read, "/api/uploads/recent", recent_uploads::find)
        .get(Rule::Read, "/api/dead-letters/{id}", dead_letters::one)
        .get(Rule::Read, "/api/dead-letters/{id}/event", dead_letters::event)
        .get(Rule::Read, "/api/receipts/{*receipt}", dead_letters::receipt)
        // The intake takes POST here, of which a service of its own must not know less.
        .get(Rule::Anybody, "/api/dead-letters/{id}/{action}", unknown)
        .get(Rule::Anybody, "/api/keys/{id}/{action}", unknown)
        .get(Rule::Anybody, "/api/upload/ews", method_not_allowed)
        .get(Rule::Anybody, "/api/commits/register", method_not_allowed)
}

/// Pages that hold until the views move.
fn kept_pages() -> Routes<Arc<Service>> {
    Routes::new()
        .get(Rule::Read, "/", pages::timelines::of_tests)
        .get(Rule::Read, "/search", pages::timelines::of_tests)
        .get(Rule::Read, "/suites", pages::timelines::of_suites)
        .get(Rule::Read, "/triage", pages::triage::page)
        .get(Rule::Read, "/changes", pages::changes::page)
        .get(Rule::Read, "/change", pages::under_review::list)
        .get(Rule::Read, "/change/{*id}", pages::under_review::page)
        .get(Rule::Read, "/causes", pages::causes::page)
        .get(Rule::Read, "/triage.atom", pages::feed::triage)
        .get(Rule::Read, "/investigate", pages::investigate::page)
        .get(Rule::Read, "/dashboards", pages::dashboards::page)
        .get(Rule::Read, "/compare", pages::compare::page)
        .get(Rule::Read, "/compare/populations", pages::populations::page)
        .get(Rule::Read, "/flaky", pages::flaky::page)
        .get(Rule::Read, "/new-tests", pages::new_tests::page)
        .get(Rule::Read, "/costs", pages::costs::page)
        .get(Rule::Read, "/owners", pages::owners::page)
        .get(Rule::Read, "/durations", pages::durations::page)
        .get(Rule::Read, "/trends", pages::trends::page)
        .get(Rule::Read, "/commits", pages::commits::list)
        .get(Rule::Read, "/commit", pages::commits::one)
        .get(Rule::Read, "/commit/info", pages::commits::info)
        .get(Rule::Read, "/commit/next", pages::commits::next)
        .get(Rule::Read, "/commit/previous", pages::commits::previous)
        .get(Rule::Read, "/badge/{*badge}", pages::badge::picture)
        .get(Rule::Read, "/run", run::page)
        .get(Rule::Read, "/urls/queue", links::to_queue)
        .get(Rule::Read, "/urls/build", links::to_build)
        .get(Rule::Read, "/urls/worker", links::to_worker)
}

/// Pages of archives, which are large.
fn fresh_pages() -> Routes<Arc<Service>> {
    Routes::new()
        .get(Rule::Read, "/sql", pages::sql::page)
        .get(Rule::Read, "/quarantine", pages::quarantine::page)
        .get(Rule::Read, "/quality", pages::quality::page)
        .get(Rule::Read, "/archive", archives::list)
        .get(Rule::Read, "/archive/", archives::list)
        .get(Rule::Read, "/archive/{*file}", archives::extract)
        .get(Rule::Read, "/archive-view/{*file}", archives::view)
        // The ticket is asked for where it is known which archive is meant.
        .get(Rule::Anybody, "/apart/{ticket}/archive/{*file}", archives::apart)
}

/// Pages and files that need no view.
fn static_pages() -> Routes<Arc<Service>> {
    Routes::new()
        .get(Rule::Read, "/dead-letters", pages::dead_letters::page)
        .get(Rule::Read, "/uploads", pages::uploads::page)
        .get(Rule::Anybody, "/sign-in", pages::sign_in::sign_in_page)
        .post(Rule::Anybody, "/sign-in", pages::sign_in::sign_in)
        .get(Rule::Anybody, "/sign-in/provider", pages::sign_in::leave)
        .get(Rule::Anybody, "/sign-in/back", pages::sign_in::come_back)
        .post(Rule::Anybody, "/sign-out", pages::sign_in::sign_out)
        .get(Rule::Admin, "/admin/keys", pages::access::keys)
        .get(Rule::Admin, "/admin/audit", pages::access::audit)
        .get(Rule::Anybody, "/documentation", pages::documentation::page)
        .get(Rule::Read, "/archive-routes", archives::routes)
        .get(Rule::Anybody, "/assets/js/constants.js", pages::assets::constants)
        .get(Rule::Anybody, "/assets/{*file}", pages::assets::file)
        .get(Rule::Anybody, "/library/{*file}", pages::assets::file)
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
