//! The query service: answers the JSON API and renders the pages.
//!
//! Data flow: query text → [`parameters`] (what the endpoint knows, with the contract's errors) →
//! [`configurations`] (which stored configurations match) and bounds on commits → one bounded,
//! partition-pruned statement → JSON, or a template.

mod commits;
mod configurations;
mod error;
mod pages;
mod parameters;
mod results;
mod routes;

pub use error::ApiError;
pub use routes::router;

/// A repository that commits belong to.
#[derive(Debug, Clone)]
pub struct Repository {
    /// Its id.
    pub id: String,
    /// What main, master and trunk are stored as.
    pub default_branch: String,
    /// How its commits are named, the preferred way first.
    pub representations: Vec<String>,
    /// Link template; `<commit>` is replaced by the commit's name.
    pub commit_url: Option<String>,
}

/// What the service is configured with.
#[derive(Debug, Clone)]
pub struct QueryOptions {
    /// Title of the pages.
    pub title: String,
    /// Known repositories.
    pub repositories: Vec<Repository>,
}
