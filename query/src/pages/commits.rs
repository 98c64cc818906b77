//! The list of commits, and one commit with its siblings.

use axum::http::StatusCode;
use axum::response::Response;
use minijinja::{Value, context};
use schema::commit::Commit;

use crate::commits;
use crate::error::{ApiError, not_found};
use crate::routes::{Service, redirect};

/// Which neighbour of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    Next,
    Previous,
}

pub(super) async fn list(service: &Service, query: Option<&str>) -> Result<Response, ApiError> {
    // The page takes any query: the reference's front end keeps its own state there.
    let mut found = match commits::listed(service, query).await {
        Err(ApiError::NotFound(_) | ApiError::Bad(_)) => Vec::new(),
        other => other?,
    };
    found.reverse();
    let rows: Vec<Value> = found.iter().map(|commit| row(service, commit)).collect();
    service.pages.render(StatusCode::OK, "commits.html", Some("Commits"), context! { page => "/commits", rows })
}

pub(super) async fn one(service: &Service, query: Option<&str>) -> Result<Response, ApiError> {
    let commit = commits::exactly_one(service, query).await?;
    let siblings = commits::siblings(service, &commit).await?;
    let siblings: Vec<Value> = siblings.values().flatten().map(|sibling| row(service, sibling)).collect();
    let values = context! { commit => row(service, &commit), siblings };
    service.pages.render(StatusCode::OK, "commit.html", Some(&commit.short_name()), values)
}

/// To the repository's own page of a commit.
pub(super) async fn info(service: &Service, query: Option<&str>) -> Result<Response, ApiError> {
    let commit = commits::exactly_one(service, query).await?;
    link(service, &commit)
        .map(|link| redirect(&link))
        .ok_or_else(|| ApiError::Gone(format!("{} does not define a commit link", commit.repository_id)))
}

/// To the page of the commit before or after.
pub(super) async fn neighbour(
    service: &Service,
    query: Option<&str>,
    direction: Direction,
) -> Result<Response, ApiError> {
    let commit = commits::exactly_one(service, query).await?;
    let (found, word) = match direction {
        Direction::Next => (commits::next(service, &commit).await?, "subsequent"),
        Direction::Previous => (commits::previous(service, &commit).await?, "previous"),
    };
    let found = found.ok_or_else(|| not_found(format!("{} has no registered {word} commit", commit.short_name())))?;
    Ok(redirect(&page_of(&found)))
}

fn page_of(commit: &Commit) -> String {
    format!("/commit?repository_id={}&id={}", commit.repository_id, commit.short_name())
}

fn row(service: &Service, commit: &Commit) -> Value {
    let message = commit.message.as_deref().unwrap_or_default();
    let (subject, rest) = message.split_once('\n').unwrap_or((message, ""));
    context! {
        repository => commit.repository_id, name => commit.short_name(), subject,
        rest => rest.trim(), uuid => commit.uuid(), seconds => commit.timestamp, branch => commit.branch, hash => commit.hash,
        author => commit.author.as_ref().map_or("", |author| author.name.as_str()), link => link(service, commit),
    }
}

/// The repository's own page of a commit. A template may be configured, a scheme not uploaded.
pub(crate) fn link(service: &Service, commit: &Commit) -> Option<String> {
    let repository = service.options.repositories.iter().find(|found| found.id == commit.repository_id)?;
    Some(repository.commit_url.as_ref()?.replace("<commit>", &commit.short_name()))
}
