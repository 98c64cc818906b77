//! The list of commits, and one commit with its siblings.

use std::collections::BTreeMap;

use answers::ask::RunFilter;
use answers::commit_search::{self, CommitPage};
use answers::commits::{self, NO_COMMITS};
use answers::{AnswerError, RunBounds, Selection, results, suites};
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use minijinja::{Value, context};
use schema::commit::{Commit, DEFAULT_BRANCH_KEY, branch_key};
use schema::configuration::Configuration;
use schema::ids::CommitKey;

use super::states::Counts;
use super::{commit_message, commit_range, suspects, time};
use crate::api::commits::exactly_one;
use crate::commit_link::commit_link;
use crate::error::{ApiError, not_found};
use crate::layers::paths::redirect;
use crate::parameters::{POINT, Parameters, RANGE, commits as questions};
use crate::service::{Service, Shared};
use crate::{BugTracker, QueryOptions};

/// Commits on a page unless more are asked for.
const COMMITS: u64 = 50;
/// What the list knows of a query; it takes any other parameter too and leaves it alone.
const KNOWN: [&[&str]; 3] = [&POINT, &RANGE, &["limit", "q", "suite"]];
/// Runs of one suite and configuration that count for a commit.
const RUNS: u64 = 20;
/// Branches to choose from.
const BRANCHES: u64 = 200;

/// The list.
pub(crate) async fn list(State(service): Shared, RawQuery(query): RawQuery) -> Result<Response, ApiError> {
    // The page takes any query: the reference's front end keeps its own state there.
    let mut parameters = Parameters::known_of(query.as_deref(), &KNOWN);
    if let Some(narrowed) = suspects::narrowed(&service, &parameters).await? {
        parameters = Parameters::known_of(Some(&narrowed), &KNOWN);
    }
    let (found, problem) = match search(&service, &parameters).await {
        Ok(found) => (found, None),
        Err(ApiError::Answer(AnswerError::NotFound(text))) if text == NO_COMMITS => (CommitPage::default(), None),
        Err(ApiError::Answer(AnswerError::NotFound(text) | AnswerError::Invalid(text)) | ApiError::Bad(text)) => {
            (CommitPage::default(), Some(text))
        }
        Err(other) => return Err(other),
    };
    let range = match problem {
        None => commit_range::chosen(&service.store, &questions::range(&parameters)?).await?,
        Some(_) => None,
    };
    let mut statuses = answers::commit_runs::find(&service.store, &found.commits).await?;
    let mut rows: Vec<Value> = Vec::new();
    for commit in &found.commits {
        let suites = statuses.remove(&commit.key()).unwrap_or_default();
        rows.push(context! { suites, ..row(&service.options, commit) });
    }
    // Older pages stay within the lower end of a range that has both.
    let is_upper = |name: &&&str| name.starts_with("before_");
    let upper: Vec<&str> = RANGE.iter().filter(is_upper).copied().collect();
    let is_range = RANGE.iter().any(|name| name.starts_with("after_") && parameters.first(name).is_some())
        && upper.iter().any(|name| parameters.first(name).is_some());
    let page_from = |name: &str, key: CommitKey| {
        let dropped = if is_range && name == "before_uuid" { &upper } else { &RANGE[..] };
        parameters.with(dropped, &[(name, &key.to_string())])
    };
    let older = found.commits.last().filter(|_| found.has_older);
    let older = older.map(|last| page_from("before_uuid", last.key().previous()));
    let newer = found.commits.first().filter(|_| found.has_newer);
    let newer = newer.map(|first| page_from("after_uuid", first.key().next()));
    let further = found.searched_to.map(|key| {
        context! { day => time::day(key.time() as i64), query => page_from("before_uuid", key.previous()) }
    });
    // The form keeps what bounds the list. A bound by uuid alone is the place to which Newer or Older led: a search begins anew.
    let bounds: Vec<(&str, &str)> =
        parameters.pairs().filter(|(name, value)| is_bound(name) && !value.is_empty()).collect();
    let is_place = matches!(bounds[..], [("before_uuid" | "after_uuid", _)]);
    let kept = if is_place { Vec::new() } else { bounds };
    let first = |name: &str| parameters.first(name).unwrap_or_default().to_owned();
    let asked = parameters.texts("repository_id");
    let repositories = commits::repositories(&service.store).await?;
    let repositories: Vec<String> = repositories.into_iter().map(|repository| repository.id).collect();
    // Those of all commits would be as many rows as there are commits.
    let branches = commits::branches_that_ran(&service.store, BRANCHES).await?;
    let narrowed = parameters.pairs().any(|(name, _)| name != "limit");
    let values = context! {
        page => "/commits", rows, range, older, newer, further, problem, narrowed, repositories, branches, asked,
        q => first("q"), branch => first("branch"), limit => first("limit"), kept,
    };
    service.pages.render(StatusCode::OK, "commits.html", Some("Commits"), values)
}

/// Whether a parameter bounds the list, and has no field of its own.
fn is_bound(name: &str) -> bool {
    RANGE.contains(&name) || POINT.contains(&name) && !["repository_id", "branch"].contains(&name)
}

async fn search(service: &Service, parameters: &Parameters) -> Result<CommitPage, ApiError> {
    let limit = parameters.limit(COMMITS)?.min(service.options.commits_limits.max);
    let question = questions::question(parameters)?;
    Ok(commit_search::page(&service.store, &question, parameters.first("q"), limit).await?)
}

/// One commit.
pub(crate) async fn one(State(service): Shared, RawQuery(query): RawQuery) -> Result<Response, ApiError> {
    let (store, options) = (&service.store, &service.options);
    let commit = exactly_one(&service, query.as_deref()).await?;
    let siblings: Vec<Commit> = commits::siblings(store, &commit).await?.into_values().flatten().collect();
    // Runs of several repositories are stored under their newest commit.
    let end = siblings.iter().map(Commit::key).fold(commit.key(), CommitKey::max);
    let (suites, rows) = runs(&service, &commit, end).await?;
    let place =
        |commit: Commit| context! { uuid => commit.key(), name => commit.short_name(), query => query_for(&commit) };
    let previous = commits::previous(store, &commit).await?.map(place);
    let next = commits::next(store, &commit).await?.map(place);
    let siblings: Vec<Value> = siblings.iter().map(|sibling| row(options, sibling)).collect();
    let values =
        context! { page => "/commits", commit => row(options, &commit), siblings, suites, rows, previous, next, end };
    service.pages.render(StatusCode::OK, "commit.html", Some(&commit.short_name()), values)
}

/// Runs of the commit: the suites, and a row of cells per configuration.
async fn runs(service: &Service, commit: &Commit, end: CommitKey) -> Result<(Vec<Value>, Vec<Value>), ApiError> {
    let store = &service.store;
    let filter = RunFilter { branch: Some(commit.branch.clone()), recent: false, ..RunFilter::default() };
    let selection = Selection::within(store, &filter, RunBounds::between(commit.key(), end), RUNS).await?;
    let (mut ran, mut by_configuration) = (Vec::new(), BTreeMap::<Configuration, BTreeMap<String, Value>>::new());
    for suite in suites::of_selection(store, &selection).await? {
        let entries = results::runs_in(store, &suite, &selection).await?;
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
            let runs = entry.results.len();
            let cell = context! { counts, runs, ..Value::from_serialize(counts.look()) };
            by_configuration.entry(entry.configuration).or_default().insert(suite.clone(), cell);
        }
        ran.push(context! { name => suite, total, failed });
    }
    let names: Vec<String> = ran.iter().filter_map(|suite| Some(suite.get_attr("name").ok()?.to_string())).collect();
    let rows = by_configuration.into_iter().map(|(configuration, mut cells)| {
        let cells: Vec<(&String, Option<Value>)> = names.iter().map(|suite| (suite, cells.remove(suite))).collect();
        context! { name => configuration.name(), query => configuration.query(), cells }
    });
    let rows = rows.collect();
    Ok((ran, rows))
}

/// To the repository's own page of a commit.
pub(crate) async fn info(State(service): Shared, RawQuery(query): RawQuery) -> Result<Response, ApiError> {
    let commit = exactly_one(&service, query.as_deref()).await?;
    commit_link(&service.options, &commit)
        .map(|link| redirect(&link))
        .ok_or_else(|| ApiError::Gone(format!("{} does not define a commit link", commit.repository_id)))
}

/// To the page of the commit after.
pub(crate) async fn next(State(service): Shared, RawQuery(query): RawQuery) -> Result<Response, ApiError> {
    let commit = exactly_one(&service, query.as_deref()).await?;
    to_neighbour(&commit, commits::next(&service.store, &commit).await?, "subsequent")
}

/// To the page of the commit before.
pub(crate) async fn previous(State(service): Shared, RawQuery(query): RawQuery) -> Result<Response, ApiError> {
    let commit = exactly_one(&service, query.as_deref()).await?;
    to_neighbour(&commit, commits::previous(&service.store, &commit).await?, "previous")
}

fn to_neighbour(commit: &Commit, neighbour: Option<Commit>, word: &str) -> Result<Response, ApiError> {
    let none = || not_found(format!("{} has no registered {word} commit", commit.short_name()));
    let neighbour = neighbour.ok_or_else(none)?;
    Ok(redirect(&format!("/commit?repository_id={}&id={}", neighbour.repository_id, neighbour.short_name())))
}

/// The query of a commit's own page.
pub(super) fn query_for(commit: &Commit) -> String {
    form_urlencoded::Serializer::new(String::new())
        .append_pair("repository_id", &commit.repository_id)
        .append_pair("branch", &commit.branch)
        .append_pair("uuid", &commit.key().to_string())
        .finish()
}

fn row(options: &QueryOptions, commit: &Commit) -> Value {
    let message = commit.message.as_deref().unwrap_or_default();
    let (subject, rest) = message.split_once('\n').unwrap_or((message, ""));
    let bugs = options.bug_trackers.values().find_map(|tracker| match tracker {
        BugTracker::Bugzilla { url } => Some(url.as_str()),
        BugTracker::Template { .. } => None,
    });
    let runs_branch = Some(branch_key(Some(&commit.branch))).filter(|key| *key != DEFAULT_BRANCH_KEY);
    context! {
        repository => commit.repository_id, name => commit.short_name(), uuid => commit.key(),
        subject => commit_message::parts(subject.trim(), bugs), rest => commit_message::parts(rest.trim(), bugs),
        seconds => commit.timestamp, branch => commit.branch, runs_branch => runs_branch.unwrap_or_default(),
        hash => commit.hash, query => query_for(commit), link => commit_link(options, commit),
        author => commit.author.as_ref().map_or("", |author| author.name.as_str()),
    }
}
