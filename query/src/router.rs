//! Paths to answers. Names of suites and tests may hold anything, so paths are split by hand.

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use clickhouse::Client;
use percent_encoding::percent_decode_str;
use schema::blobs::Blobs;
use tokio::sync::watch;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{DefaultPredicate, NotForContentType, Predicate};

use crate::cache::{Answers, Watermark};
use crate::configurations::{self, Known};
use crate::durations::slowest;
use crate::error::{ApiError, bad};
use crate::live::Live;
use crate::pages::{self, Pages};
use crate::timeline::overview;
use crate::{
    QueryOptions, alerts, archives, bugs, commits, compare, dead_letters, durations, ews, export, failures, flaky,
    live, operations, results, search, suites, summary, test_names, timeline, triage, uploads, urls,
};

/// Paths on which the intake takes POST, and PUT on none.
const INTAKE: [&str; 7] = [
    "/api/bugs",
    "/api/dead-letters/{id}/{action}",
    "/api/upload",
    "/api/upload/archive",
    "/api/upload/ews",
    "/api/commits",
    "/api/commits/register",
];
/// A request to file a bug names a few rows.
const MAX_BODY_BYTES: usize = 4 << 20;

/// Shared by all requests.
pub(crate) struct Service {
    pub(crate) client: Client,
    pub(crate) blobs: Blobs,
    pub(crate) options: QueryOptions,
    pub(crate) pages: Pages,
    pub(crate) watermark: Watermark,
    pub(crate) configurations: Known,
    pub(crate) live: Live,
    answers: Answers,
}

/// The service's routes, as the fallback of whatever is merged with it; `stop` turns true when open streams shall end.
/// Hooks are told from a task of its own, so that this needs a runtime.
pub fn router(
    client: Client,
    blobs: Blobs,
    watermark: Watermark,
    options: QueryOptions,
    stop: watch::Receiver<bool>,
) -> Router {
    let pages = Pages::new(&options);
    let live = Live::new(watermark.clone(), stop.clone());
    let (answers, configurations) = (Answers::new(), configurations::known());
    // The intake takes POST on these paths, so a fallback would never see the other methods.
    let routes = INTAKE.iter().fold(Router::new(), |routes, path| routes.route(path, any(answer)));
    let routes = routes.fallback(answer).layer(CompressionLayer::new().compress_when(compressible()));
    let service = Arc::new(Service { client, blobs, options, pages, watermark, configurations, live, answers });
    if !service.options.alerts.hooks.is_empty() {
        tokio::spawn(alerts::run(Arc::clone(&service), stop));
    }
    routes.with_state(service)
}

/// What compresses, and is not watched while it comes.
fn compressible() -> impl Predicate {
    DefaultPredicate::new().and(NotForContentType::const_new("application/zip"))
}

/// What is asked: a path of the API with its method settled, a page, or a file.
enum Asked<'a> {
    Get,
    Process,
    CreateBug(&'a str),
}

async fn answer(State(service): State<Arc<Service>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let (path, query) = (parts.uri.path(), parts.uri.query());
    let is_api = path.starts_with("/api/");
    let answered = async {
        if let Some(single) = without_doubled_slashes(path) {
            return Ok(moved(&single, query));
        }
        let decoded = percent_decode_str(path).decode_utf8().map_err(|_| ApiError::unknown_path())?;
        let segments: Vec<&str> = decoded.trim_start_matches('/').split('/').collect();
        match asked(&parts.method, &segments)? {
            Asked::Process => uploads::process(&service, query).await,
            Asked::CreateBug(tracker) => {
                let body: Bytes = axum::body::to_bytes(body, MAX_BODY_BYTES)
                    .await
                    .map_err(|_| bad(format!("The body is larger than {} MiB or was cut off", MAX_BODY_BYTES >> 20)))?;
                bugs::create(&service, tracker, &body).await
            }
            Asked::Get => {
                let compute = async {
                    if is_api {
                        export::shaped(&segments, query, api(&service, &segments, query).await?).await
                    } else {
                        pages::page(&service, &decoded, query).await
                    }
                };
                let watermark = service.watermark.now().await?;
                if is_kept(&segments) {
                    let asked = format!("{path}?{}", query.unwrap_or_default());
                    service.answers.respond(asked, watermark, &parts.headers, compute).await
                } else {
                    compute.await
                }
            }
        }
    };
    let begun = Instant::now();
    let response = match answered.await {
        Ok(response) => response,
        Err(error) if is_api => error.into_response(),
        Err(error) => pages::failed(&service, &error, path, query).await,
    };
    let (kind, status) = (if is_api { "api" } else { "page" }, response.status().as_str().to_owned());
    metrics::histogram!("resultsdb_request_seconds", "kind" => kind).record(begun.elapsed().as_secs_f64());
    metrics::counter!("resultsdb_requests_total", "kind" => kind, "status" => status).increment(1);
    response
}

/// Whether an answer is worth keeping: what is streamed or may be huge is not.
fn is_kept(segments: &[&str]) -> bool {
    !matches!(segments, ["api", "upload", ..] | ["archive" | "archive-view" | "archive-routes" | "assets" | "library", ..])
        // These change without any run.
        && !matches!(segments, ["dead-letters"] | ["api", "dead-letters" | "live" | "receipts", ..])
}

/// Whether the method fits the path.
fn asked<'a>(method: &Method, segments: &[&'a str]) -> Result<Asked<'a>, ApiError> {
    let get = matches!(*method, Method::GET | Method::HEAD);
    match segments {
        ["api", "upload", "process"] if *method == Method::POST => Ok(Asked::Process),
        ["api", "bug-trackers", tracker, "create-bug"] if *method == Method::PUT => Ok(Asked::CreateBug(tracker)),
        ["api", "upload", "process" | "ews"]
        | ["api", "bug-trackers", _, "create-bug"]
        | ["api", "commits", "register"] => Err(ApiError::Method),
        _ if get => Ok(Asked::Get),
        _ => Err(ApiError::Method),
    }
}

async fn api(service: &Service, segments: &[&str], query: Option<&str>) -> Result<Response, ApiError> {
    match segments {
        ["api", "results", suite, ""] => results::endpoint(service, query, &format!("{}/", name(suite)), None).await,
        ["api", "results", suite] => results::endpoint(service, query, &name(suite), None).await,
        ["api", "results", suite, test @ ..] => {
            results::endpoint(service, query, &name(suite), Some(&name(&test.join("/")))).await
        }
        ["api", "results-summary", suite, test @ ..] if !test.is_empty() => {
            summary::endpoint(service, query, &name(suite), &name(&test.join("/"))).await
        }
        ["api", "failures", suite @ ..] if !suite.is_empty() => {
            failures::endpoint(service, query, &name(&suite.join("/"))).await
        }
        ["api", "results-ews"] => ews::endpoint(service, query).await,
        ["api", "results-ews", "tests"] => ews::names(service, query).await,
        ["api", suite @ .., "tests"] if !suite.is_empty() => {
            test_names::endpoint(service, query, &name(&suite.join("/"))).await
        }
        ["api", "upload"] => uploads::list(service, query).await,
        ["api", "upload", "archive"] => archives::download(service, query).await,
        ["api", "openapi.json"] => operations::document(service, query),
        ["api", "dead-letters"] => dead_letters::list(service, query).await,
        ["api", "dead-letters", id] => dead_letters::one(service, id, false, query).await,
        ["api", "dead-letters", id, "event"] => dead_letters::one(service, id, true, query).await,
        ["api", "receipts", receipt] => dead_letters::receipt(service, receipt, query).await,
        ["api", "timeline", suite] => timeline::endpoint(service, query, &name(suite), None).await,
        ["api", "timeline", suite, test @ ..] => {
            timeline::endpoint(service, query, &name(suite), Some(&name(&test.join("/")))).await
        }
        ["api", "timeline-overview", suite] => overview::endpoint(service, query, &name(suite), None).await,
        ["api", "timeline-overview", suite, test @ ..] => {
            overview::endpoint(service, query, &name(suite), Some(&name(&test.join("/")))).await
        }
        ["api", "durations", suite] => durations::endpoint(service, query, &name(suite), None).await,
        ["api", "durations", suite, test @ ..] => {
            durations::endpoint(service, query, &name(suite), Some(&name(&test.join("/")))).await
        }
        ["api", "slowest", suite @ ..] if !suite.is_empty() => {
            slowest::endpoint(service, query, &name(&suite.join("/"))).await
        }
        ["api", "search"] => search::endpoint(service, query).await,
        ["api", "suites"] => suites::endpoint(service, query).await,
        ["api", "compare"] => compare::endpoint(service, query).await,
        ["api", "triage"] => triage::endpoint(service, query).await,
        ["api", "flaky"] => flaky::endpoint(service, query).await,
        ["api", "live"] => live::endpoint(service, query),
        ["api", "urls"] => urls::list(service, query).await,
        ["api", "urls", "queue"] => urls::list_queues(service, query).await,
        ["api", "bug-trackers"] => bugs::list(service, query),
        ["api", "bugs"] => bugs::known::endpoint(service, query).await,
        ["api", "commits"] => found(commits::endpoint(service, "", query).await?),
        ["api", "commits", name] if !name.is_empty() => found(commits::endpoint(service, name, query).await?),
        _ => Err(ApiError::unknown_path()),
    }
}

fn found(answer: Option<Response>) -> Result<Response, ApiError> {
    answer.ok_or_else(ApiError::unknown_path)
}

/// A name as it was uploaded: `?` and `#` have spellings of their own in paths.
pub(crate) fn name(text: &str) -> String {
    text.replace("$3F", "?").replace("$23", "#")
}

fn without_doubled_slashes(path: &str) -> Option<String> {
    path.contains("//").then(|| {
        let mut single = String::with_capacity(path.len());
        for character in path.chars() {
            if character != '/' || !single.ends_with('/') {
                single.push(character);
            }
        }
        single
    })
}

fn moved(path: &str, query: Option<&str>) -> Response {
    let target = query.map_or_else(|| path.to_owned(), |query| format!("{path}?{query}"));
    with_location(StatusCode::PERMANENT_REDIRECT, &target)
}

/// A 302 to a link.
pub(crate) fn redirect(link: &str) -> Response {
    with_location(StatusCode::FOUND, link)
}

fn with_location(status: StatusCode, target: &str) -> Response {
    match HeaderValue::from_str(target) {
        Ok(target) => (status, [(header::LOCATION, target)]).into_response(),
        Err(_) => ApiError::Gone("The link holds characters that no address can have".to_owned()).into_response(),
    }
}
