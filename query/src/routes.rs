//! Paths to answers. Names of suites and tests may hold anything, so those paths are split by hand.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::Method;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use clickhouse::Client;
use percent_encoding::percent_decode_str;
use serde_json::{Map, json};

use crate::QueryOptions;
use crate::commits::{self, POINT, RANGE};
use crate::configurations::{self, Matching};
use crate::error::ApiError;
use crate::pages::{self, Pages};
use crate::parameters::{CONFIGURATION, Parameters};
use crate::results::{self, Selection};

/// Shared by all requests.
pub(crate) struct Service {
    pub(crate) client: Client,
    pub(crate) options: QueryOptions,
    pub(crate) pages: Pages,
}

/// Limit of run queries that do not name one.
const RUNS: u64 = 1000;

/// The service's routes, as the fallback of whatever is merged with it.
pub fn router(client: Client, options: QueryOptions) -> Router {
    let pages = Pages::new(&options);
    // The intake takes POST on these paths, so a fallback would never see GET.
    Router::new().route("/api/commits", get(answer)).fallback(answer).with_state(Arc::new(Service {
        client,
        options,
        pages,
    }))
}

async fn answer(State(service): State<Arc<Service>>, request: Request) -> Response {
    let path = request.uri().path();
    let query = request.uri().query();
    if let Some(asset) = pages::asset(path) {
        return asset;
    }
    let is_api = path.starts_with("/api/");
    let answered = if request.method() != Method::GET && request.method() != Method::HEAD {
        Err(ApiError::Method)
    } else if is_api {
        api(&service, path, query).await
    } else {
        pages::page(&service, path, query).await
    };
    answered.unwrap_or_else(|error| if is_api { error.into_response() } else { service.pages.error(&error) })
}

async fn api(service: &Service, path: &str, query: Option<&str>) -> Result<Response, ApiError> {
    let decoded = percent_decode_str(path).decode_utf8().map_err(|_| ApiError::unknown_path())?;
    let segments: Vec<&str> = decoded.trim_start_matches('/').split('/').collect();
    match segments.as_slice() {
        ["api", "suites"] => suites(service, query).await,
        ["api", "commits"] | ["api", "commits", "find"] => {
            let parameters = Parameters::read(query, &[&POINT, &RANGE[..12], &["limit"]])?;
            Ok(Json(commits::find(&service.client, &service.options, &parameters).await?).into_response())
        }
        ["api", "commits", "repositories"] => {
            Parameters::read(query, &[])?;
            let mut ids: Vec<&String> = service.options.repositories.iter().map(|found| &found.id).collect();
            ids.sort();
            Ok(Json(json!(ids)).into_response())
        }
        ["api", "commits", "representations"] => {
            Parameters::read(query, &[])?;
            let named =
                service.options.repositories.iter().map(|found| (found.id.clone(), json!(found.representations)));
            Ok(Json(named.collect::<Map<_, _>>()).into_response())
        }
        ["api", "results", suite, test @ ..] => runs(service, query, &name(suite), &name(&test.join("/"))).await,
        ["api", suite @ .., "tests"] if !suite.is_empty() => {
            let parameters = Parameters::read(query, &[&["test", "limit"]])?;
            let mut prefixes: Vec<String> = parameters.all("test").map(name).collect();
            if prefixes.is_empty() {
                prefixes.push(String::new());
            }
            let found =
                results::tests(&service.client, &name(&suite.join("/")), &prefixes, parameters.limit(RUNS)?).await?;
            Ok(Json(found).into_response())
        }
        _ => Err(ApiError::unknown_path()),
    }
}

/// A name as it was uploaded: `?` and `#` have spellings of their own in paths.
pub(crate) fn name(text: &str) -> String {
    text.replace("$3F", "?").replace("$23", "#")
}

async fn suites(service: &Service, query: Option<&str>) -> Result<Response, ApiError> {
    let parameters = Parameters::read(query, &[&CONFIGURATION, &["suite", "recent", "branch"]])?;
    let (branch, matching) = configurations_of(service, &parameters).await?;
    let asked: Vec<&str> = parameters.all("suite").collect();
    let found = results::suites(&service.client, &branch, &matching, &asked).await?;
    Ok(Json(found).into_response())
}

/// The branch key that the parameters ask for, and the matching configurations on it.
pub(crate) async fn configurations_of(
    service: &Service,
    parameters: &Parameters,
) -> Result<(String, Matching), ApiError> {
    // The default branch by its own name means the default key.
    let branch = match parameters.first("branch") {
        None | Some("main" | "master" | "trunk") => "default",
        Some(other) => other,
    };
    let matching = configurations::matching(&service.client, parameters, branch).await?;
    Ok((branch.to_owned(), matching))
}

async fn runs(service: &Service, query: Option<&str>, suite: &str, test: &str) -> Result<Response, ApiError> {
    let query_text = query.unwrap_or_default();
    for fixed in if test.is_empty() { &["suite"][..] } else { &["suite", "test"][..] } {
        if form_urlencoded::parse(query_text.as_bytes()).any(|(name, _)| name == *fixed) {
            return Err(ApiError::Bad(format!("{fixed} is not a valid query parameter on this endpoint")));
        }
    }
    let parameters = Parameters::read(query, &[&CONFIGURATION, &["recent", "limit"], &POINT, &RANGE])?;
    let limit = parameters.limit(RUNS)?;
    let bounds = commits::bounds(&service.client, &service.options, &parameters).await?;
    let (branch, matching) = configurations_of(service, &parameters).await?;
    let sdks = Selection::sdks(&parameters);
    let selection = Selection { branch: &branch, matching: &matching, bounds, sdks, limit };
    Ok(if test.is_empty() {
        Json(results::of_suite(&service.client, suite, &selection).await?).into_response()
    } else {
        Json(results::of_test(&service.client, suite, test, &selection).await?).into_response()
    })
}
