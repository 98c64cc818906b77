//! The query service: the JSON API and the pages over the views.
//!
//! Data flow: [`router`] has a line for every path → `layers` (metrics, kept answers, formats, error pages) → a handler of
//! `api/` or `pages/` → `parameters/` makes a question of its texts → the crate `answers` asks the store → JSON, rows, or a
//! template. `archives/` are the files that runs left behind, whose contents are hostile.

mod api;
mod archives;
mod commit_link;
mod error;
mod kept_answers;
mod layers;
mod live_stream;
mod mcp;
mod pages;
mod parameters;
mod router;
mod service;
mod warning;

use serde::Deserialize;

pub use archives::{ArchiveOrigin, ArchiveOriginError, separate, unpack};
pub use error::ApiError;
pub use pages::check_dashboards;
pub use router::{router, rules};

/// How commits of a repository are named and linked to.
#[derive(Debug, Clone)]
pub struct Representations {
    /// How its commits are named, the preferred way first.
    pub representations: Vec<String>,
    /// Link template; `<commit>` is replaced by the commit's name.
    pub commit_url: Option<String>,
}

/// The largest and the usual number of runs that a page asks for.
#[derive(Debug, Clone, Copy, Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// No more than this.
    pub max: u64,
    /// Without a choice.
    pub default: u64,
}

/// Where bugs are filed.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum BugTracker {
    /// WebKit's Bugzilla form, filled in.
    Bugzilla {
        /// Its address.
        #[serde(default = "webkit_bugzilla")]
        url: String,
    },
    /// Any tracker with a form that takes its title and text from the address.
    Template {
        /// Address with `<title>` and `<text>`, which are replaced by their encoded values.
        url: String,
    },
}

fn webkit_bugzilla() -> String {
    "https://bugs.webkit.org".to_owned()
}

/// What the service is configured with.
#[derive(Debug, Clone)]
pub struct QueryOptions {
    /// Who may come in.
    pub door: access::Door,
    /// What the intake offers beside this service; for the documentation.
    pub intake: &'static [web::openapi::Operation],
    /// Title of the pages.
    pub title: String,
    /// Where users find the pages, such as `https://results.example.org`; for what is read elsewhere.
    pub address: Option<String>,
    /// Where archived pages are linked to and served apart; without it they are sandboxed beside everything else.
    pub archive_origin: Option<ArchiveOrigin>,
    /// Known repositories.
    pub repositories: std::collections::BTreeMap<String, Representations>,
    /// Suite → where the parts of its archives are found; answered as it is.
    pub archive_routes: serde_json::Map<String, serde_json::Value>,
    /// Suites that a hosted CI runs; for the reference's front end.
    pub xcode_cloud_suites: Vec<String>,
    /// The architecture that the reference's front end prefers.
    pub default_architecture: Option<String>,
    /// Limits of timelines of tests.
    pub tests_limits: Limits,
    /// Limits of timelines of suites.
    pub suites_limits: Limits,
    /// Limits of lists of commits.
    pub commits_limits: Limits,
    /// Queries of the dashboards.
    pub dashboard_queries: Vec<serde_json::Value>,
    /// Buildbot masters whose links can be derived.
    pub masters: std::collections::BTreeSet<String>,
    /// Bug trackers by name.
    pub bug_trackers: std::collections::BTreeMap<String, BugTracker>,
}
