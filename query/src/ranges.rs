//! Turns the commits that a question names into bounds on uuids: section 4 of the wire contract.

use schema::commit::Commit;

use crate::commits::{self, Keep, NOT_FOUND, between, now_uuid};
use crate::error::{ApiError, bad, not_found};
use crate::parameters::Parameters;
use crate::routes::Service;

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
    /// How many of begin and end were asked for.
    pub(crate) commit_bounds: u8,
}

impl Bounds {
    /// Commits from one uuid to another, whenever their runs were.
    pub(crate) fn between(begin: u64, end: u64) -> Self {
        Self { begin, end, after_time: None, before_time: None, commit_bounds: 2 }
    }

    /// Commits of the last weeks.
    pub(crate) fn last_weeks(weeks: u64) -> Self {
        let end = now_uuid();
        Self::between(end.saturating_sub(weeks * 7 * 86_400 * 100), end)
    }
}

/// The range of a search for commits; `None` is open.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Range {
    pub(crate) begin: Option<u64>,
    pub(crate) end: Option<u64>,
}

/// What one set of parameters names.
#[derive(Debug)]
pub(crate) enum Bound<'a> {
    References(Vec<&'a str>),
    Uuids(Vec<u64>),
    Timestamps(Vec<u64>),
}

/// What `ref`/`id`, `uuid` or `timestamp` with a prefix name: one kind of them at most.
pub(crate) fn point<'a>(parameters: &'a Parameters, prefix: &str) -> Result<Option<Bound<'a>>, ApiError> {
    let values = |member: &str| -> Vec<&'a str> {
        let name = format!("{prefix}{member}");
        parameters.pairs().filter(|(found, _)| *found == name).map(|(_, value)| value).collect()
    };
    let uuids = parameters.numbers(&format!("{prefix}uuid"))?;
    let timestamps = parameters.numbers(&format!("{prefix}timestamp"))?;
    let mut references = values("ref");
    references.extend(values("id"));
    match (references.is_empty(), uuids.is_empty(), timestamps.is_empty()) {
        (true, true, true) => Ok(None),
        (false, true, true) => Ok(Some(Bound::References(references))),
        (true, false, true) => Ok(Some(Bound::Uuids(uuids))),
        (true, true, false) => Ok(Some(Bound::Timestamps(timestamps))),
        _ => Err(bad("Can only search by one of [commit id/ref, commit uuid, timestamp] in a single request")),
    }
}

/// One end of a range: its uuid, and the commit if it is a real one.
type End = (u64, Option<Commit>);

async fn end_of(service: &Service, parameters: &Parameters, prefix: &str) -> Result<Option<End>, ApiError> {
    let named = |member: &str| format!("{prefix}{member}");
    let oldest = prefix == "after_";
    let pick = |numbers: Vec<u64>| if oldest { numbers.into_iter().min() } else { numbers.into_iter().max() };
    let id = named("repository_id");
    let ids: Vec<&str> = parameters.all(&id).collect();
    let found = match point(parameters, prefix)? {
        Some(Bound::Uuids(uuids)) => return Ok(pick(uuids).map(|uuid| (uuid, None))),
        // Time 0 is no bound.
        Some(Bound::Timestamps(seconds)) => {
            let chosen = pick(seconds).filter(|second| *second > 0);
            return Ok(chosen.map(|second| (second.saturating_mul(100), None)));
        }
        Some(Bound::References(references)) => commits::named(service, &ids, &references, 100).await?,
        None if ids.is_empty() => return Ok(None),
        None => {
            let branch = named("branch");
            let branch = parameters.first(&branch);
            let mut newest = Vec::new();
            for (repository, default_branch) in commits::asked(service, &ids).await? {
                let branch = branch.unwrap_or(&default_branch);
                newest.extend(between(service, &repository, &[branch], (0, now_uuid()), Keep::Newest, 1).await?);
            }
            newest
        }
    };
    let chosen =
        if oldest { found.into_iter().min_by_key(Commit::uuid) } else { found.into_iter().max_by_key(Commit::uuid) };
    let commit = chosen.ok_or_else(|| not_found(NOT_FOUND))?;
    Ok(Some((commit.uuid(), Some(commit))))
}

/// The uuid of the point that the parameters name, as it is.
pub(crate) async fn of_point(service: &Service, parameters: &Parameters) -> Result<Option<u64>, ApiError> {
    Ok(end_of(service, parameters, "").await?.map(|(uuid, _)| uuid))
}

/// The range of a search for commits.
pub(crate) async fn of_commits(service: &Service, parameters: &Parameters) -> Result<Range, ApiError> {
    let begin = end_of(service, parameters, "after_").await?.map(|(uuid, _)| uuid);
    let end = end_of(service, parameters, "before_").await?.map(|(uuid, _)| uuid);
    Ok(Range { begin, end })
}

/// The bounds of a run query.
pub(crate) async fn of_runs(service: &Service, parameters: &Parameters) -> Result<Bounds, ApiError> {
    let after = end_of(service, parameters, "after_").await?;
    let before = end_of(service, parameters, "before_").await?;
    let point = end_of(service, parameters, "").await?;
    if point.is_some() && (after.is_some() || before.is_some()) {
        return Err(bad("Cannot define commit and range when searching"));
    }
    let begin = point.as_ref().or(after.as_ref()).map(|(uuid, _)| *uuid);
    let end = match point.or(before) {
        // Runs of several repositories are stored under their newest commit.
        Some((uuid, Some(commit))) => {
            let siblings = commits::siblings(service, &commit).await?;
            let newest = siblings.values().flatten().map(Commit::uuid).max();
            Some(newest.map_or(uuid, |newest| newest.max(uuid)))
        }
        Some((uuid, None)) => Some(uuid),
        None => None,
    };
    Ok(Bounds {
        begin: begin.unwrap_or(0),
        // Runs of commits later than now are left out unless asked for.
        end: end.unwrap_or_else(now_uuid),
        after_time: parameters.time("after_time")?,
        before_time: parameters.time("before_time")?,
        commit_bounds: u8::from(begin.is_some()) + u8::from(end.is_some()),
    })
}
