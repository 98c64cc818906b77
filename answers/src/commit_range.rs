//! Bounds of keys from the commits that a question names: section 4 of the wire contract.

use schema::commit::Commit;
use schema::ids::CommitKey;

use crate::ask::{CommitRange, CommitSelector, RunFilter, StartTimes};
use crate::commits::{self, NO_COMMITS};
use crate::error::{AnswerError, invalid, not_found};
use crate::reads::commits::{Keep, between};
use crate::store::Store;

/// Bounds of the runs that a question is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunBounds {
    /// The oldest commit, inclusive.
    pub begin: CommitKey,
    /// The newest commit, inclusive.
    pub end: CommitKey,
    /// When the runs started.
    pub started: StartTimes,
    /// How many of begin and end were asked for.
    pub commit_ends: u8,
}

impl RunBounds {
    /// Commits from one key to another, whenever their runs were.
    pub fn between(begin: CommitKey, end: CommitKey) -> Self {
        Self { begin, end, started: StartTimes::default(), commit_ends: 2 }
    }
}

/// Which end of a range is looked for: the oldest or the newest of what a selector names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Oldest,
    Newest,
}

/// One end of a range: its key, and the commit if a commit was named.
type Resolved = (CommitKey, Option<Commit>);

async fn resolve(store: &Store, selector: Option<&CommitSelector>, end: End) -> Result<Option<Resolved>, AnswerError> {
    let Some(selector) = selector else { return Ok(None) };
    fn pick<T: Ord + Copy>(values: &[T], end: End) -> Option<T> {
        let values = values.iter().copied();
        if end == End::Oldest { values.min() } else { values.max() }
    }
    let found = match selector {
        CommitSelector::Keys(keys) => return Ok(pick(keys, end).map(|key| (key, None))),
        // Time 0 is no bound.
        CommitSelector::Times(seconds) => {
            let second = pick(seconds, end).filter(|second| *second > 0);
            return Ok(second.map(|second| (CommitKey::start_of(second), None)));
        }
        CommitSelector::Names { repositories, names } => commits::named(store, repositories, names, 100).await?,
        CommitSelector::Newest { repositories, branch } => {
            let asked = commits::asked(store, repositories).await?;
            let branches = asked
                .iter()
                .map(|repository| (repository.id.as_str(), branch.as_deref().unwrap_or(&repository.default_branch)));
            let existing = (CommitKey::FIRST, store.clock.newest_commit_key());
            between(store, &branches.collect(), existing, Keep::Newest, 1).await?
        }
    };
    let found = found.into_iter();
    let commit = if end == End::Oldest { found.min_by_key(Commit::key) } else { found.max_by_key(Commit::key) };
    let commit = commit.ok_or_else(|| not_found(NO_COMMITS))?;
    Ok(Some((commit.key(), Some(commit))))
}

/// The key of the one point that a question names, if it names one.
pub(crate) async fn of_point(store: &Store, point: Option<&CommitSelector>) -> Result<Option<CommitKey>, AnswerError> {
    Ok(resolve(store, point, End::Newest).await?.map(|(key, _)| key))
}

/// The ends of a search for commits; none is open.
pub(crate) async fn of_commits(
    store: &Store,
    range: &CommitRange,
) -> Result<(Option<CommitKey>, Option<CommitKey>), AnswerError> {
    let begin = resolve(store, range.after.as_ref(), End::Oldest).await?;
    let end = resolve(store, range.before.as_ref(), End::Newest).await?;
    Ok((begin.map(|(key, _)| key), end.map(|(key, _)| key)))
}

/// The bounds of a question about runs.
pub(crate) async fn of_runs(store: &Store, filter: &RunFilter) -> Result<RunBounds, AnswerError> {
    let range = &filter.commits;
    let after = resolve(store, range.after.as_ref(), End::Oldest).await?;
    let before = resolve(store, range.before.as_ref(), End::Newest).await?;
    let point = resolve(store, range.at.as_ref(), End::Newest).await?;
    if point.is_some() && (after.is_some() || before.is_some()) {
        return Err(invalid("Cannot define commit and range when searching"));
    }
    let begin = point.as_ref().or(after.as_ref()).map(|(key, _)| *key);
    let end = match point.or(before) {
        // Runs of several repositories are stored under their newest commit.
        Some((key, Some(commit))) => {
            let siblings = commits::siblings(store, &commit).await?;
            let newest = siblings.values().flatten().map(Commit::key).max();
            Some(newest.map_or(key, |newest| newest.max(key)))
        }
        Some((key, None)) => Some(key),
        None => None,
    };
    Ok(RunBounds {
        begin: begin.unwrap_or(CommitKey::FIRST),
        // Runs of commits later than any that can exist now are left out unless asked for.
        end: end.unwrap_or_else(|| store.clock.newest_commit_key()),
        started: filter.started,
        commit_ends: u8::from(begin.is_some()) + u8::from(end.is_some()),
    })
}
