//! The list of commits, and one commit with its siblings.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use axum::response::Response;
use minijinja::{Value, context};
use schema::commit::Commit;

use super::commit_search::{self, Found};
use super::status::{self, Counts};
use super::timelines::known_suites;
use super::{linked, time};
use crate::error::{ApiError, not_found};
use crate::parameters::{Parameters, RANGE};
use crate::ranges::Bounds;
use crate::routes::{Service, redirect};
use crate::selection::Selection;
use crate::{BugTracker, commits, configurations, results};

/// Runs of one suite and configuration that count for a commit.
const RUNS: u64 = 20;
/// Branches to choose from.
const BRANCHES: u64 = 200;

/// Which neighbour of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    Next,
    Previous,
}

pub(super) async fn list(service: &Service, query: Option<&str>) -> Result<Response, ApiError> {
    // The page takes any query: the reference's front end keeps its own state there.
    let parameters = Parameters::known_of(query, &commit_search::KNOWN);
    let (found, problem) = match commit_search::find(service, &parameters).await {
        Ok(found) => (found, None),
        Err(ApiError::NotFound(text)) if text == commits::NOT_FOUND => (Found::default(), None),
        Err(ApiError::NotFound(text) | ApiError::Bad(text)) => (Found::default(), Some(text)),
        Err(other) => return Err(other),
    };
    let mut statuses = status::of_commits(service, &found.commits).await?;
    let mut rows: Vec<Value> = Vec::new();
    for commit in &found.commits {
        let suites = statuses.remove(&commit.uuid()).unwrap_or_default();
        rows.push(context! { suites, ..row(service, commit) });
    }
    // Older pages stay within the lower end of a range that has both.
    let is_upper = |name: &&&str| name.starts_with("before_");
    let upper: Vec<&str> = RANGE.iter().filter(is_upper).copied().collect();
    let is_range = RANGE.iter().any(|name| name.starts_with("after_") && parameters.first(name).is_some())
        && upper.iter().any(|name| parameters.first(name).is_some());
    let page_from = |name: &str, uuid: u64| {
        let dropped = if is_range && name == "before_uuid" { &upper } else { &RANGE[..] };
        parameters.with(dropped, &[(name, &uuid.to_string())])
    };
    let older = found.commits.last().filter(|_| found.older);
    let older = older.map(|last| page_from("before_uuid", last.uuid().saturating_sub(1)));
    let newer = found.commits.first().filter(|_| found.newer).map(|first| page_from("after_uuid", first.uuid() + 1));
    let further = found.searched_to.map(|uuid| {
        context! {
            day => time::day((uuid / 100) as i64), query => page_from("before_uuid", uuid.saturating_sub(1)),
        }
    });
    let first = |name: &str| parameters.first(name).unwrap_or_default().to_owned();
    let chosen = first("repository_id");
    let repositories: Vec<String> = commits::known(service).await?.into_keys().collect();
    // Those of all commits would be as many rows as there are commits.
    let branches = configurations::branches(&service.client, BRANCHES).await?;
    let narrowed = parameters.pairs().any(|(name, _)| name != "limit");
    let values = context! {
        page => "/commits", rows, older, newer, further, problem, narrowed, repositories, branches, repository => chosen,
        q => first("q"), branch => first("branch"), limit => first("limit"),
    };
    service.pages.render(StatusCode::OK, "commits.html", Some("Commits"), values)
}

pub(super) async fn one(service: &Service, query: Option<&str>) -> Result<Response, ApiError> {
    let commit = commits::exactly_one(service, query).await?;
    let siblings: Vec<Commit> = commits::siblings(service, &commit).await?.into_values().flatten().collect();
    // Runs of several repositories are stored under their newest commit.
    let end = siblings.iter().map(Commit::uuid).fold(commit.uuid(), u64::max);
    let (suites, rows) = runs(service, &commit, end).await?;
    let place =
        |commit: Commit| context! { uuid => commit.uuid(), name => commit.short_name(), query => query_for(&commit) };
    let previous = commits::previous(service, &commit).await?.map(place);
    let next = commits::next(service, &commit).await?.map(place);
    let siblings: Vec<Value> = siblings.iter().map(|sibling| row(service, sibling)).collect();
    let values =
        context! { page => "/commits", commit => row(service, &commit), siblings, suites, rows, previous, next, end };
    service.pages.render(StatusCode::OK, "commit.html", Some(&commit.short_name()), values)
}

/// Runs of the commit: the suites, and a row of cells per configuration.
async fn runs(service: &Service, commit: &Commit, end: u64) -> Result<(Vec<Value>, Vec<Value>), ApiError> {
    let query = format!(
        "recent=false&branch={}",
        form_urlencoded::byte_serialize(commit.branch.as_bytes()).collect::<String>()
    );
    let parameters = Parameters::known_of(Some(&query), &[&["recent", "branch"]]);
    let bounds = Bounds::between(commit.uuid(), end);
    let selection = Selection::within(service, &parameters, bounds, RUNS).await?;
    let (mut suites, mut by_configuration) = (Vec::new(), BTreeMap::new());
    for suite in known_suites(service, &selection).await? {
        let entries = results::of_suite(service, &suite, &selection).await?;
        if entries.is_empty() {
            continue;
        }
        let (mut total, mut failed) = (0, 0);
        for entry in entries {
            let mut worst: Option<Counts> = None;
            total += entry.results.len();
            for run in &entry.results {
                let counts = Counts::of(run.stats.get());
                failed += usize::from(counts.unexpected > 0);
                // Of several runs of a commit the worst shows.
                worst = worst.filter(|worst| worst.unexpected >= counts.unexpected).or(Some(counts));
            }
            let Some(counts) = worst else { continue };
            let (class, symbol) = counts.symbol();
            let cell = context! { class, symbol, counts, runs => entry.results.len() };
            let cells: &mut BTreeMap<String, Value> = by_configuration.entry(entry.configuration).or_default();
            cells.insert(suite.clone(), cell);
        }
        suites.push(context! { name => suite, total, failed });
    }
    let names: Vec<String> = suites.iter().filter_map(|suite| Some(suite.get_attr("name").ok()?.to_string())).collect();
    let rows = by_configuration.into_iter().map(|(configuration, mut cells)| {
        let cells: Vec<(&String, Option<Value>)> = names.iter().map(|suite| (suite, cells.remove(suite))).collect();
        context! { name => configuration.name(), query => configuration.query(), cells }
    });
    let rows = rows.collect();
    Ok((suites, rows))
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
    Ok(redirect(&format!("/commit?repository_id={}&id={}", found.repository_id, found.short_name())))
}

/// The query of a commit's own page.
pub(super) fn query_for(commit: &Commit) -> String {
    form_urlencoded::Serializer::new(String::new())
        .append_pair("repository_id", &commit.repository_id)
        .append_pair("branch", &commit.branch)
        .append_pair("uuid", &commit.uuid().to_string())
        .finish()
}

fn row(service: &Service, commit: &Commit) -> Value {
    let message = commit.message.as_deref().unwrap_or_default();
    let (subject, rest) = message.split_once('\n').unwrap_or((message, ""));
    let bugs = service.options.bug_trackers.values().find_map(|tracker| match tracker {
        BugTracker::Bugzilla { url } => Some(url.as_str()),
        BugTracker::Template { .. } => None,
    });
    let branch = status::branch_of(&commit.branch);
    context! {
        repository => commit.repository_id, name => commit.short_name(), subject => linked::parts(subject.trim(), bugs),
        rest => linked::parts(rest.trim(), bugs), uuid => commit.uuid(), seconds => commit.timestamp, branch => commit.branch,
        runs_branch => if branch == "default" { "" } else { branch }, hash => commit.hash, query => query_for(commit),
        author => commit.author.as_ref().map_or("", |author| author.name.as_str()), link => link(service, commit),
    }
}

/// The repository's own page of a commit. A template may be configured, a scheme not uploaded.
pub(crate) fn link(service: &Service, commit: &Commit) -> Option<String> {
    let repository = service.options.repositories.iter().find(|found| found.id == commit.repository_id)?;
    Some(repository.commit_url.as_ref()?.replace("<commit>", &commit.short_name()))
}
