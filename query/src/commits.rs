//! Finds commits, and turns the commits that a question names into bounds on uuids.

use std::collections::BTreeMap;

use clickhouse::Client;
use schema::commit::Commit;

use crate::QueryOptions;
use crate::configurations::now;
use crate::error::ApiError;
use crate::parameters::Parameters;

/// Parameters that name commits; the same with `after_` and `before_` make a range.
pub(crate) const POINT: [&str; 6] = ["repository_id", "branch", "id", "ref", "uuid", "timestamp"];
/// Parameters of a range, and of run start times.
pub(crate) const RANGE: [&str; 14] = [
    "after_repository_id",
    "after_branch",
    "after_id",
    "after_ref",
    "after_uuid",
    "after_timestamp",
    "before_repository_id",
    "before_branch",
    "before_id",
    "before_ref",
    "before_uuid",
    "before_timestamp",
    "after_time",
    "before_time",
];
const NOT_FOUND: &str = "No commits found matching the specified criteria";
/// The bytewise end of a prefix match over hashes, revisions and identifiers.
const AFTER_HEX: char = 'g';

/// Which runs a question is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bounds {
    /// Smallest uuid, inclusive.
    pub(crate) begin: u64,
    /// Largest uuid, inclusive.
    pub(crate) end: u64,
    /// Earliest start of a run, seconds.
    pub(crate) after_time: Option<u32>,
    /// Latest start of a run, seconds.
    pub(crate) before_time: Option<u32>,
}

/// Reads the bounds of a run query.
pub(crate) async fn bounds(
    client: &Client,
    options: &QueryOptions,
    parameters: &Parameters,
) -> Result<Bounds, ApiError> {
    let after = limit_of(client, options, parameters, "after_").await?;
    let before = limit_of(client, options, parameters, "before_").await?;
    let point = limit_of(client, options, parameters, "").await?;
    if point.is_some() && (after.is_some() || before.is_some()) {
        return Err(ApiError::Bad("Cannot define commit and range when searching".to_owned()));
    }
    Ok(Bounds {
        begin: point.or(after).unwrap_or(0),
        // Runs of commits later than now are left out unless asked for.
        end: point.or(before).unwrap_or_else(now_uuid),
        after_time: parameters.time("after_time")?,
        before_time: parameters.time("before_time")?,
    })
}

async fn limit_of(
    client: &Client,
    options: &QueryOptions,
    parameters: &Parameters,
    prefix: &str,
) -> Result<Option<u64>, ApiError> {
    let name = |member: &str| format!("{prefix}{member}");
    if let Some(uuid) = parameters.number(&name("uuid"))? {
        return Ok(Some(uuid));
    }
    if let Some(timestamp) = parameters.number(&name("timestamp"))? {
        // 0 is no bound.
        return Ok((timestamp > 0).then_some(timestamp.saturating_mul(100)));
    }
    let (reference, id) = (name("ref"), name("id"));
    let references: Vec<&str> = parameters.all(&reference).chain(parameters.all(&id)).collect();
    let repository = name("repository_id");
    let repositories: Vec<&str> = parameters.all(&repository).collect();
    if references.is_empty() && repositories.is_empty() {
        return Ok(None);
    }
    let commits = if references.is_empty() {
        let branch = name("branch");
        newest(client, options, &repositories, parameters.first(&branch)).await?
    } else {
        by_reference(client, options, &repositories, &references, 100).await?
    };
    let uuids = commits.iter().map(Commit::uuid);
    let chosen = if prefix == "after_" { uuids.min() } else { uuids.max() };
    chosen.map(Some).ok_or_else(|| ApiError::NotFound(NOT_FOUND.to_owned()))
}

fn now_uuid() -> u64 {
    now() as u64 * 100 + 99
}

async fn newest(
    client: &Client,
    options: &QueryOptions,
    repositories: &[&str],
    branch: Option<&str>,
) -> Result<Vec<Commit>, ApiError> {
    let mut found = Vec::new();
    for repository in checked(client, options, repositories).await? {
        let branch = branch.unwrap_or(&repository.1);
        found.extend(
            select(
                client,
                "repository = ? AND branch = ? AND uuid <= ? ORDER BY uuid DESC LIMIT ?",
                &repository.0,
                |query| query.bind(branch).bind(now_uuid()).bind(1_u64),
            )
            .await?,
        );
    }
    Ok(found)
}

/// The asked repositories with their default branches, or all: those configured, and those that
/// registered commits made known.
async fn checked(client: &Client, options: &QueryOptions, asked: &[&str]) -> Result<Vec<(String, String)>, ApiError> {
    let stored: Vec<String> = client.query("SELECT DISTINCT repository FROM commits").fetch_all().await?;
    let mut known: BTreeMap<String, String> = stored.into_iter().map(|id| (id, "main".to_owned())).collect();
    known.extend(options.repositories.iter().map(|found| (found.id.clone(), found.default_branch.clone())));
    if asked.is_empty() {
        return Ok(known.into_iter().collect());
    }
    asked
        .iter()
        .map(|id| {
            known
                .get_key_value(*id)
                .map(|(id, branch)| (id.clone(), branch.clone()))
                .ok_or_else(|| ApiError::NotFound(format!("'{id}' is not a registered repository")))
        })
        .collect()
}

async fn by_reference(
    client: &Client,
    options: &QueryOptions,
    repositories: &[&str],
    references: &[&str],
    limit: u64,
) -> Result<Vec<Commit>, ApiError> {
    let mut found = Vec::new();
    for (repository, _) in checked(client, options, repositories).await? {
        for reference in references {
            if reference.is_empty() {
                return Err(ApiError::Bad("A commit reference must not be empty".to_owned()));
            }
            if reference.bytes().all(|byte| byte.is_ascii_digit()) {
                let revision: u64 = reference.parse().unwrap_or(u64::MAX);
                found.extend(
                    select(client, "repository = ? AND revision = ? LIMIT ?", &repository, |query| {
                        query.bind(revision).bind(limit)
                    })
                    .await?,
                );
                continue;
            }
            let from = reference.to_lowercase();
            let to = format!("{from}{AFTER_HEX}");
            let condition = "repository = ? AND ((hash BETWEEN ? AND ?) OR (identifier BETWEEN ? AND ?) \
                             OR (revision > 0 AND concat('r', toString(revision)) BETWEEN ? AND ?)) ORDER BY hash, uuid LIMIT ?";
            found.extend(
                select(client, condition, &repository, |query| {
                    query.bind(&from).bind(&to).bind(&from).bind(&to).bind(&from).bind(&to).bind(limit)
                })
                .await?,
            );
        }
    }
    Ok(found)
}

async fn select(
    client: &Client,
    condition: &str,
    repository: &str,
    bind: impl FnOnce(clickhouse::query::Query) -> clickhouse::query::Query,
) -> Result<Vec<Commit>, ApiError> {
    let query = client.query(&format!("SELECT document FROM commits WHERE {condition}")).bind(repository);
    let documents: Vec<String> = bind(query).fetch_all().await?;
    documents
        .iter()
        .map(|document| serde_json::from_str(document).map_err(|error| ApiError::Internal(error.to_string())))
        .collect()
}

/// `GET /api/commits`: the commits that the parameters name, oldest first.
pub(crate) async fn find(
    client: &Client,
    options: &QueryOptions,
    parameters: &Parameters,
) -> Result<Vec<Commit>, ApiError> {
    let limit = parameters.limit(100)?;
    let references: Vec<&str> = parameters.all("ref").chain(parameters.all("id")).collect();
    let kinds = [!references.is_empty(), parameters.first("uuid").is_some(), parameters.first("timestamp").is_some()];
    if kinds.iter().filter(|given| **given).count() > 1 {
        let text = "Can only search by one of [commit id/ref, commit uuid, timestamp] in a single request";
        return Err(ApiError::Bad(text.to_owned()));
    }
    let repositories: Vec<&str> = parameters.all("repository_id").collect();
    let mut found = if references.is_empty() {
        in_range(client, options, parameters, &repositories, limit).await?
    } else {
        by_reference(client, options, &repositories, &references, limit).await?
    };
    found.sort_by(|one, other| (one.uuid(), &one.repository_id).cmp(&(other.uuid(), &other.repository_id)));
    found.dedup();
    if found.is_empty() { Err(ApiError::NotFound(NOT_FOUND.to_owned())) } else { Ok(found) }
}

async fn in_range(
    client: &Client,
    options: &QueryOptions,
    parameters: &Parameters,
    repositories: &[&str],
    limit: u64,
) -> Result<Vec<Commit>, ApiError> {
    let (begin, end, oldest_first) = match (parameters.number("uuid")?, parameters.number("timestamp")?) {
        (Some(uuid), _) => (uuid, uuid, false),
        (None, Some(timestamp)) => {
            (timestamp.saturating_mul(100), timestamp.saturating_mul(100).saturating_add(99), false)
        }
        (None, None) => {
            let after = limit_of(client, options, parameters, "after_").await?;
            let before = limit_of(client, options, parameters, "before_").await?;
            (after.unwrap_or(0), before.unwrap_or_else(now_uuid), after.is_some() && before.is_none())
        }
    };
    let mut found = Vec::new();
    for (repository, default_branch) in checked(client, options, repositories).await? {
        let mut branches: Vec<&str> = parameters.all("branch").collect();
        if branches.is_empty() {
            branches.push(&default_branch);
        }
        let condition = if oldest_first {
            "repository = ? AND branch IN ? AND uuid BETWEEN ? AND ? ORDER BY uuid LIMIT ?"
        } else {
            "repository = ? AND branch IN ? AND uuid BETWEEN ? AND ? ORDER BY uuid DESC LIMIT ?"
        };
        found.extend(
            select(client, condition, &repository, |query| query.bind(branches).bind(begin).bind(end).bind(limit))
                .await?,
        );
    }
    Ok(found)
}
