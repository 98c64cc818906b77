//! The pages: rendered here in full, so that they show their content without any script.

pub(crate) mod access;
pub(crate) mod assets;
pub(crate) mod badge;
mod bugs;
pub(crate) mod causes;
pub(crate) mod changes;
mod commit_message;
mod commit_range;
pub(crate) mod commits;
pub(crate) mod compare;
pub(crate) mod costs;
pub(crate) mod dashboards;
pub(crate) mod dead_letters;
pub(crate) mod documentation;
pub(crate) mod durations;
mod error_page;
mod failure_filter;
pub(crate) mod feed;
mod files;
mod filters;
pub(crate) mod flaky;
pub(crate) mod investigate;
mod label_fields;
mod names;
pub(crate) mod new_tests;
pub(crate) mod owners;
mod plot;
pub(crate) mod populations;
pub(crate) mod quality;
pub(crate) mod quarantine;
mod segments;
mod shared_causes;
pub(crate) mod sign_in;
pub(crate) mod sql;
mod states;
mod suggestions;
mod suspects;
mod time;
pub(crate) mod timelines;
pub(crate) mod trends;
pub(crate) mod triage;
pub(crate) mod under_review;
pub(crate) mod uploads;

use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use minijinja::{Environment, Value, context};

pub use dashboards::check_dashboards;
pub(crate) use error_page::page as error_page;

use crate::QueryOptions;
use crate::error::ApiError;

/// What every page may load; an archive's page also has frames.
pub(crate) const POLICY: &str = "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self'; form-action 'self'; \
     base-uri 'none'; frame-ancestors 'none'";

/// Paths of pages, for who slips.
const PAGES: [&str; 26] = [
    "/",
    "/causes",
    "/changes",
    "/change",
    "/triage",
    "/dashboards",
    "/compare",
    "/compare/populations",
    "/suites",
    "/investigate",
    "/flaky",
    "/new-tests",
    "/quarantine",
    "/costs",
    "/owners",
    "/quality",
    "/durations",
    "/trends",
    "/sql",
    "/commits",
    "/commit",
    "/documentation",
    "/dead-letters",
    "/uploads",
    "/run",
    "/archive",
];

/// Templates and what they all need.
pub(crate) struct Pages {
    environment: Environment<'static>,
    title: String,
}

impl Pages {
    pub(crate) fn new(options: &QueryOptions) -> Self {
        Self { environment: files::environment(), title: options.title.clone() }
    }

    /// A page; `heading` follows the site's title in its own. A page that the contract records under the site's title
    /// alone names its `subject` among the values, and a script writes it into the title of the window.
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
    pub(crate) fn text(&self, template: &str, values: Value) -> Result<String, ApiError> {
        Ok(if cfg!(debug_assertions) {
            // Read anew, so that a changed template shows without another build.
            files::environment().get_template(template)?.render(values)?
        } else {
            self.environment.get_template(template)?.render(values)?
        })
    }
}
