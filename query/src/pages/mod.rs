//! The pages: rendered here in full, so that they show their content without any script.

mod badge;
mod commit_search;
mod commits;
mod compare;
mod dashboards;
mod durations;
mod failed;
mod feed;
mod files;
mod flaky;
mod investigate;
mod linked;
mod narrow;
mod near;
mod status;
mod time;
mod timelines;
mod triage;

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use minijinja::{Environment, Value, context};

pub(crate) use commits::link as commit_link;
pub(crate) use failed::failed;
pub(crate) use time::minutes;
pub(crate) use timelines::known_suites_of;

use crate::QueryOptions;
use crate::error::{ApiError, bad};
use crate::language::Field;
use crate::parameters::Parameters;
use crate::routes::Service;
use crate::{archives, dead_letters, documentation, urls};

/// What every page may load; an archive's page also has frames.
pub(crate) const POLICY: &str = "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self'; form-action 'self'; \
     base-uri 'none'; frame-ancestors 'none'";

/// Paths of pages, for who slips.
const PAGES: [&str; 13] = [
    "/",
    "/triage",
    "/dashboards",
    "/compare",
    "/suites",
    "/investigate",
    "/flaky",
    "/durations",
    "/commits",
    "/commit",
    "/documentation",
    "/dead-letters",
    "/archive",
];

/// Templates and what they all need.
pub(crate) struct Pages {
    environment: Environment<'static>,
    title: String,
    constants: String,
}

impl Pages {
    pub(crate) fn new(options: &QueryOptions) -> Self {
        Self { environment: files::environment(), title: options.title.clone(), constants: constants(options) }
    }

    /// A page; `heading` follows the site's title in its own.
    pub(crate) fn render(
        &self,
        status: StatusCode,
        template: &str,
        heading: Option<&str>,
        values: Value,
    ) -> Result<Response, ApiError> {
        let title = heading.map_or_else(|| self.title.clone(), |heading| format!("{}: {heading}", self.title));
        let html = self.text(template, context! { title, site => self.title, ..values })?;
        let policy = (HeaderName::from_static("content-security-policy"), HeaderValue::from_static(POLICY));
        Ok((status, [policy], Html(html)).into_response())
    }

    /// A filled template.
    fn text(&self, template: &str, values: Value) -> Result<String, ApiError> {
        Ok(if cfg!(debug_assertions) {
            // Read anew, so that a changed template shows without another build.
            files::environment().get_template(template)?.render(values)?
        } else {
            self.environment.get_template(template)?.render(values)?
        })
    }
}

/// What the box of a list takes: examples, and what they find.
fn help(fields: &[Field]) -> Vec<(&'static str, &'static str)> {
    fields.iter().map(|field| field.help()).collect()
}

/// Renders the page at a path, or answers what stands beside the pages.
pub(crate) async fn page(service: &Service, path: &str, query: Option<&str>) -> Result<Response, ApiError> {
    match path {
        "/" | "/search" => timelines::tests(service, query).await,
        "/suites" => timelines::suites(service, query).await,
        "/investigate" => investigate::page(service, query).await,
        "/triage" => triage::page(service, query).await,
        "/triage.atom" => feed::triage(service, query).await,
        "/compare" => compare::page(service, query).await,
        "/dashboards" => dashboards::page(service, query).await,
        "/flaky" => flaky::page(service, query).await,
        "/durations" => durations::page(service, query).await,
        "/dead-letters" => dead_letters::page(service, query).await,
        "/commits" => commits::list(service, query).await,
        "/commit" => commits::one(service, query).await,
        "/commit/info" => commits::info(service, query).await,
        "/commit/next" => commits::neighbour(service, query, commits::Direction::Next).await,
        "/commit/previous" => commits::neighbour(service, query, commits::Direction::Previous).await,
        "/documentation" => documentation::page(service, query),
        "/urls/queue" => urls::to_link(service, "queue", query).await,
        "/urls/build" => urls::to_link(service, "build", query).await,
        "/urls/worker" => urls::to_link(service, "worker", query).await,
        "/archive-routes" => Ok(archives::routes(service)),
        "/archive" => archives::extract(service, "", query).await,
        _ => match path.strip_prefix('/').and_then(|path| path.split_once('/')) {
            Some(("archive", file)) => archives::extract(service, file, query).await,
            Some(("archive-view", file)) => archives::view(service, file, query).await,
            Some(("badge", badge)) => badge::picture(service, badge, query).await,
            _ => asset(service, path, query),
        },
    }
}

/// A static file.
fn asset(service: &Service, path: &str, query: Option<&str>) -> Result<Response, ApiError> {
    if !path.starts_with("/assets/") && !path.starts_with("/library/") {
        return Err(ApiError::unknown_path());
    }
    Parameters::read(query, &[]).map_err(|_| bad("Queries not supported on this endpoint"))?;
    if path == "/assets/js/constants.js" {
        let headers = [(header::CONTENT_TYPE, "application/javascript"), (header::CACHE_CONTROL, "no-cache")];
        return Ok((headers, service.pages.constants.clone()).into_response());
    }
    let (kind, contents) = files::asset(path).ok_or_else(ApiError::unknown_path)?;
    Ok(([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "no-cache")], Body::from(contents)).into_response())
}

/// What the reference's front end imports.
fn constants(options: &QueryOptions) -> String {
    let json = |value: serde_json::Value| value.to_string().replace('<', "\\u003c");
    let members = [
        ("XCODE_CLOUD_SUITES", json(serde_json::json!(options.xcode_cloud_suites))),
        ("DEFAULT_ARCHITECTURE", json(serde_json::json!(options.default_architecture))),
        ("TESTS_LIMITS", json(serde_json::json!(options.tests_limits))),
        ("SUITES_LIMITS", json(serde_json::json!(options.suites_limits))),
        ("COMMITS_LIMITS", json(serde_json::json!(options.commits_limits))),
        ("DASHBOARD_QUERY", json(serde_json::json!(options.dashboard_queries))),
    ];
    let names: Vec<&str> = members.iter().map(|(name, _)| *name).collect();
    let mut module: String = members.iter().map(|(name, value)| format!("const {name} = {value};\n")).collect();
    module.push_str(&format!("\nexport {{{}}};\n", names.join(", ")));
    module
}
