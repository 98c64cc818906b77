//! Finds commits, their neighbours and siblings.

use std::collections::{BTreeMap, BTreeSet};

use axum::Json;
use axum::response::{IntoResponse, Response};
use schema::commit::{Commit, DEFAULT_BRANCHES};
use schema::store::commits::{by_reference, repositories, select};
use serde_json::{Map, Value, json};
use web::openapi::{Operation, list_of, shared, texts};

use crate::configurations::now;
use crate::error::{ApiError, bad, broken, not_found};
use crate::parameters::{POINT, Parameters, RANGE};
use crate::ranges::{self, Bound};
use crate::routes::Service;

pub(crate) const NOT_FOUND: &str = "No commits found matching the specified criteria";
/// Commits of other repositories beside one; a repository with more between two commits is no sibling.
const SIBLINGS: u64 = 1000;

const FIND: Operation = Operation::get("/api/commits", "Commits, oldest first", &[&POINT, &RANGE, &["limit"]], commits);
const FIND_TOO: Operation =
    Operation::get("/api/commits/find", "The same as GET /api/commits", FIND.parameters, commits);
const SIBLINGS_OF: Operation = Operation::get(
    "/api/commits/siblings",
    "Commits of the other repositories beside one commit, newest first",
    &[&POINT, &RANGE],
    || json!({ "type": "object", "additionalProperties": list_of(shared("Commit")) }),
);
const NEXT: Operation =
    Operation::get("/api/commits/next", "The commit after one on its branch", SIBLINGS_OF.parameters, commits);
const PREVIOUS: Operation =
    Operation::get("/api/commits/previous", "The commit before one on its branch", SIBLINGS_OF.parameters, commits);
const BRANCHES: Operation = Operation::get(
    "/api/commits/branches",
    "Branches of each repository, by prefix",
    &[&["repository_id", "branch", "limit"]],
    texts_of_each,
);
const REPOSITORIES: Operation = Operation::get("/api/commits/repositories", "Ids of the repositories", &[], texts);
const REPRESENTATIONS: Operation =
    Operation::get("/api/commits/representations", "How commits of each repository are named", &[], texts_of_each);

fn commits() -> Value {
    list_of(shared("Commit"))
}

fn texts_of_each() -> Value {
    json!({ "type": "object", "additionalProperties": texts() })
}

/// What is offered below `/api/commits`.
pub(crate) const OPERATIONS: [Operation; 8] =
    [FIND, FIND_TOO, SIBLINGS_OF, NEXT, PREVIOUS, BRANCHES, REPOSITORIES, REPRESENTATIONS];

/// Newer commits are left out unless asked for.
pub(crate) fn now_uuid() -> u64 {
    now() as u64 * 100 + 99
}

/// Ids and default branches: the configured repositories, and those that registered commits made known.
pub(crate) async fn known(service: &Service) -> Result<BTreeMap<String, String>, ApiError> {
    let stored = repositories(&service.client).await?;
    let mut known: BTreeMap<String, String> = stored.into_iter().map(|id| (id, "main".to_owned())).collect();
    known.extend(service.options.repositories.iter().map(|found| (found.id.clone(), found.default_branch.clone())));
    Ok(known)
}

/// The asked repositories with their default branches, or all.
pub(crate) async fn asked(service: &Service, ids: &[&str]) -> Result<Vec<(String, String)>, ApiError> {
    let known = known(service).await?;
    if ids.is_empty() {
        return Ok(known.into_iter().collect());
    }
    ids.iter()
        .map(|id| {
            let (id, branch) =
                known.get_key_value(*id).ok_or_else(|| not_found(format!("'{id}' is not a registered repository")))?;
            Ok((id.clone(), branch.clone()))
        })
        .collect()
}

/// Four weeks, in units of uuids: what holds a page of commits of most branches.
const FIRST_SPAN: u64 = 28 * 86_400 * 100;
/// A branch without commits is asked about three times, down to the year 1970.
const WIDER: u64 = 32;

/// Which end of a range is kept under a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keep {
    Oldest,
    Newest,
}

/// Commits of some branches between two uuids, inclusive.
pub(crate) async fn between(
    service: &Service,
    repository: &str,
    branches: &[&str],
    (begin, end): (u64, u64),
    keep: Keep,
    limit: u64,
) -> Result<Vec<Commit>, ApiError> {
    let order = if keep == Keep::Oldest { "uuid" } else { "uuid DESC" };
    let condition = format!("repository = ? AND branch IN ? AND uuid BETWEEN ? AND ? ORDER BY {order}, branch LIMIT ?");
    // The end that is kept is asked first: the store would read the whole range and then sort.
    let mut span = FIRST_SPAN;
    loop {
        let (from, to) = match keep {
            Keep::Oldest => (begin, end.min(begin.saturating_add(span))),
            Keep::Newest => (begin.max(end.saturating_sub(span)), end),
        };
        let found = select(&service.client, &condition, |query| {
            query.bind(repository).bind(branches).bind(from).bind(to).bind(limit)
        })
        .await?;
        if found.len() as u64 >= limit || (from, to) == (begin, end) {
            return Ok(found);
        }
        span = span.saturating_mul(WIDER);
    }
}

/// What `ref` and `id` name, in the asked repositories or in all, of any branch.
pub(crate) async fn named(
    service: &Service,
    ids: &[&str],
    references: &[&str],
    limit: u64,
) -> Result<Vec<Commit>, ApiError> {
    if references.iter().any(|reference| reference.is_empty()) {
        return Err(bad("A commit reference must not be empty"));
    }
    let mut found = Vec::new();
    for (repository, _) in asked(service, ids).await? {
        for reference in references {
            found.extend(by_reference(&service.client, &repository, reference, limit).await?);
        }
    }
    Ok(found)
}

/// The commits that the parameters name, oldest first.
pub(crate) async fn find(service: &Service, parameters: &Parameters, limit: u64) -> Result<Vec<Commit>, ApiError> {
    let ids: Vec<&str> = parameters.all("repository_id").collect();
    let range = ranges::of_commits(service, parameters).await?;
    let mut found = Vec::new();
    match ranges::point(parameters, "")? {
        Some(Bound::References(references)) => found = named(service, &ids, &references, limit).await?,
        given => {
            for (repository, default_branch) in asked(service, &ids).await? {
                let mut branches: Vec<&str> = parameters.all("branch").collect();
                if branches.is_empty() {
                    branches.push(&default_branch);
                }
                let spans: Vec<(u64, u64)> = match &given {
                    Some(Bound::Uuids(uuids)) => uuids.iter().map(|uuid| (*uuid, *uuid)).collect(),
                    Some(Bound::Timestamps(seconds)) => {
                        let whole = |second: &u64| second.saturating_mul(100);
                        seconds.iter().map(|second| (whole(second), whole(second).saturating_add(99))).collect()
                    }
                    _ => vec![(range.begin.unwrap_or(0), range.end.unwrap_or_else(now_uuid))],
                };
                let only_after = given.is_none() && range.begin.is_some() && range.end.is_none();
                let keep = if only_after { Keep::Oldest } else { Keep::Newest };
                for span in spans {
                    found.extend(between(service, &repository, &branches, span, keep, limit).await?);
                }
            }
        }
    }
    let place = |commit: &Commit| (commit.uuid(), commit.repository_id.clone(), commit.branch.clone());
    found.sort_by_cached_key(place);
    found.dedup();
    if found.is_empty() { Err(not_found(NOT_FOUND)) } else { Ok(found) }
}

/// `GET /api/commits`.
async fn listed(service: &Service, query: Option<&str>) -> Result<Vec<Commit>, ApiError> {
    let parameters = Parameters::read(query, FIND.parameters)?;
    let limit = parameters.limit(100)?;
    find(service, &parameters, limit).await
}

/// The one commit that the parameters name.
pub(crate) async fn exactly_one(service: &Service, query: Option<&str>) -> Result<Commit, ApiError> {
    let parameters = Parameters::read(query, SIBLINGS_OF.parameters)?;
    let mut found = find(service, &parameters, 100).await?;
    match (found.len(), found.pop()) {
        (1, Some(commit)) => Ok(commit),
        (count, _) => Err(not_found(format!("{count} commits found matching the specified criteria"))),
    }
}

/// The commit after this one on its branch, up to now.
pub(crate) async fn next(service: &Service, commit: &Commit) -> Result<Option<Commit>, ApiError> {
    let span = (commit.uuid() + 1, now_uuid());
    Ok(between(service, &commit.repository_id, &[&commit.branch], span, Keep::Oldest, 1).await?.pop())
}

/// The commit before this one on its branch.
pub(crate) async fn previous(service: &Service, commit: &Commit) -> Result<Option<Commit>, ApiError> {
    let span = (0, commit.uuid().saturating_sub(1));
    Ok(between(service, &commit.repository_id, &[&commit.branch], span, Keep::Newest, 1).await?.pop())
}

/// The commits of some uuids, for pages and answers that name them.
#[derive(Debug, Default)]
pub(crate) struct ByUuid(BTreeMap<u64, Commit>);

impl ByUuid {
    /// The commit of a uuid: one of a default branch before others.
    pub(crate) fn get(&self, uuid: u64) -> Option<&Commit> {
        self.0.get(&uuid)
    }

    /// What people call it; the uuid itself where no commit of it is known.
    pub(crate) fn name(&self, uuid: u64) -> String {
        self.get(uuid).map_or_else(|| uuid.to_string(), Commit::short_name)
    }
}

/// The commits of these uuids that are known.
pub(crate) async fn by_uuid(service: &Service, uuids: &BTreeSet<u64>) -> Result<ByUuid, ApiError> {
    let (Some(oldest), Some(newest)) = (uuids.first(), uuids.last()) else { return Ok(ByUuid::default()) };
    // Of those with the same uuid the last stays.
    let sql = "SELECT uuid, document FROM commits WHERE uuid BETWEEN ? AND ? AND uuid IN ? \
               ORDER BY branch IN ?, repository DESC, branch DESC";
    let asked = service.client.query(sql).bind(oldest).bind(newest).bind(Vec::from_iter(uuids)).bind(DEFAULT_BRANCHES);
    let documents: Vec<(u64, String)> = asked.fetch_all().await?;
    let commit = |(uuid, document): (u64, String)| Ok((uuid, serde_json::from_str(&document).map_err(broken)?));
    Ok(ByUuid(documents.into_iter().map(commit).collect::<Result<_, ApiError>>()?))
}

/// Commits of the other repositories that were there until the next commit, newest first.
pub(crate) async fn siblings(service: &Service, commit: &Commit) -> Result<BTreeMap<String, Vec<Commit>>, ApiError> {
    let begin = (commit.timestamp.max(0) as u64).saturating_mul(100);
    let end = match next(service, commit).await? {
        Some(next) => (next.timestamp.max(0) as u64).saturating_mul(100),
        None => now_uuid() + 1,
    };
    let known = known(service).await?;
    let on_default = known.get(&commit.repository_id).is_some_and(|branch| *branch == commit.branch)
        || DEFAULT_BRANCHES.contains(&commit.branch.as_str());
    let mut found = BTreeMap::new();
    for (repository, default_branch) in known.iter().filter(|(id, _)| **id != commit.repository_id) {
        let shared = !on_default && !branches_of(service, repository, &commit.branch, 1).await?.is_empty();
        let branch = if shared { &commit.branch } else { default_branch };
        let mut commits = if end > begin + 1 {
            between(service, repository, &[branch], (begin + 1, end - 1), Keep::Newest, SIBLINGS).await?
        } else {
            Vec::new()
        };
        commits.extend(between(service, repository, &[branch], (0, begin), Keep::Newest, 1).await?);
        if !commits.is_empty() {
            found.insert(repository.clone(), commits);
        }
    }
    Ok(found)
}

/// Branches of a repository that start so, sorted.
async fn branches_of(service: &Service, repository: &str, prefix: &str, limit: u64) -> Result<Vec<String>, ApiError> {
    let sql =
        "SELECT DISTINCT branch FROM commits WHERE repository = ? AND branch BETWEEN ? AND ? ORDER BY branch LIMIT ?";
    let query = service.client.query(sql).bind(repository).bind(prefix).bind(format!("{prefix}~")).bind(limit);
    Ok(query.fetch_all().await?)
}

/// The endpoints below `/api/commits`; `None` if there is no such one.
pub(crate) async fn endpoint(service: &Service, name: &str, query: Option<&str>) -> Result<Option<Response>, ApiError> {
    Ok(Some(match name {
        "" | "find" => Json(listed(service, query).await?).into_response(),
        "repositories" => {
            Parameters::read(query, &[])?;
            Json(json!(known(service).await?.into_keys().collect::<Vec<_>>())).into_response()
        }
        "representations" => {
            Parameters::read(query, &[])?;
            let mut named: Map<_, _> = known(service).await?.into_keys().map(|id| (id, json!([]))).collect();
            named.extend(service.options.repositories.iter().map(|it| (it.id.clone(), json!(it.representations))));
            Json(named).into_response()
        }
        "branches" => Json(branches(service, query).await?).into_response(),
        "siblings" => Json(siblings(service, &exactly_one(service, query).await?).await?).into_response(),
        "next" => Json(Vec::from_iter(next(service, &exactly_one(service, query).await?).await?)).into_response(),
        "previous" => {
            Json(Vec::from_iter(previous(service, &exactly_one(service, query).await?).await?)).into_response()
        }
        _ => return Ok(None),
    }))
}

async fn branches(service: &Service, query: Option<&str>) -> Result<BTreeMap<String, Vec<String>>, ApiError> {
    let parameters = Parameters::read(query, BRANCHES.parameters)?;
    let limit = parameters.limit(100)?;
    let ids: Vec<&str> = parameters.all("repository_id").collect();
    let mut prefixes: Vec<&str> = parameters.all("branch").collect();
    if prefixes.is_empty() {
        prefixes.push("");
    }
    let mut found = BTreeMap::new();
    for id in known(service).await?.into_keys().filter(|id| ids.is_empty() || ids.contains(&id.as_str())) {
        let mut branches: Vec<String> = Vec::new();
        for prefix in &prefixes {
            let rest = limit - branches.len() as u64;
            if rest == 0 {
                break;
            }
            let more = branches_of(service, &id, prefix, rest).await?;
            branches.extend(more.into_iter().filter(|branch| !branches.contains(branch)).collect::<Vec<_>>());
        }
        if !branches.is_empty() {
            found.insert(id, branches);
        }
    }
    Ok(found)
}
