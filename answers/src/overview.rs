//! How long a timeline is, in which windows it can be asked for, and where along it the failures are.

use std::collections::BTreeMap;

use schema::configuration::Configuration;
use schema::ids::CommitKey;
use schema::state::States;
use schemars::JsonSchema;
use serde::Serialize;

use crate::ask::RunFilter;
use crate::error::AnswerError;
use crate::reads::outcomes;
use crate::reads::selection::{RunPlace, Selection};
use crate::renames::{self, Tenure};
use crate::store::Store;
use crate::suites;
use crate::timeline::TimelineOf;

/// Columns of a window; the last one has the rest.
const WINDOW: usize = 500;
/// Parts of the strip.
const STRIP: usize = 240;
/// The columns of the longest timeline.
const MAX_COLUMNS: usize = 250_000;

/// What happened on one commit, or in one configuration.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Tally {
    runs: u64,
    unexpected: u64,
}

impl Tally {
    fn of(actual: u16, expected: u16, runs: u64) -> Self {
        let is_failing = States::from_bits(actual).unexpected_state(States::from_bits(expected)).is_failure();
        Self { runs, unexpected: if is_failing { runs } else { 0 } }
    }

    fn add(&mut self, other: Self) {
        self.runs += other.runs;
        self.unexpected += other.unexpected;
    }
}

/// Neighbouring columns.
#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Part {
    /// The newest commit.
    pub newest: CommitKey,
    /// The oldest commit.
    pub oldest: CommitKey,
    /// How many columns it has.
    pub columns: usize,
    /// How many runs it has.
    pub runs: u64,
    /// Runs that failed unexpectedly.
    pub unexpected: u64,
}

/// A configuration over the whole time.
#[derive(Debug, Serialize, JsonSchema)]
pub struct OverviewRow {
    /// The configuration.
    pub configuration: Configuration,
    /// The shortest name that tells it from the others.
    pub name: String,
    /// The query text that selects exactly this configuration.
    pub query: String,
    /// The commit of its newest run.
    pub newest: CommitKey,
    /// How many runs it has.
    pub runs: u64,
    /// Runs that failed unexpectedly.
    pub unexpected: u64,
}

/// An overview of a timeline.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct Overview {
    /// How many columns the timeline has.
    pub columns: usize,
    /// Its windows, newest first.
    pub windows: Vec<Part>,
    /// The same in equal parts for a strip.
    pub strip: Vec<Part>,
    /// Its configurations, in the order of windows.
    pub rows: Vec<OverviewRow>,
}

/// The overview of a timeline.
pub async fn find(store: &Store, of: TimelineOf<'_>, filter: &RunFilter) -> Result<Overview, AnswerError> {
    suites::expect(store, of.suite).await?;
    let selection = Selection::of(store, filter, 1).await?;
    if selection.is_empty() {
        return Ok(Overview::default());
    }
    let tenures = match of.test {
        Some(test) => Some(renames::tenures(store, of.suite, test).await?),
        None => None,
    };
    let test = tenures.as_deref();
    let (commits, rows) = tokio::try_join!(
        by_commit(store, of.suite, test, &selection),
        by_configuration(store, of.suite, test, &selection)
    )?;
    Ok(Overview {
        columns: commits.len(),
        windows: parts(&commits, WINDOW),
        strip: parts(&commits, commits.len().div_ceil(STRIP).max(1)),
        rows,
    })
}

/// Each commit, newest first.
async fn by_commit(
    store: &Store,
    suite: &str,
    test: Option<&[Tenure]>,
    selection: &Selection,
) -> Result<Vec<(CommitKey, Tally)>, AnswerError> {
    let mut commits: Vec<(CommitKey, Tally)> = Vec::new();
    for row in outcomes::by_commit(store, suite, test, selection).await? {
        let tally = Tally::of(row.actual, row.expected, row.runs);
        let count = commits.len();
        match commits.last_mut() {
            Some((commit, known)) if *commit == row.uuid => known.add(tally),
            _ if count == MAX_COLUMNS => break,
            _ => commits.push((row.uuid, tally)),
        }
    }
    Ok(commits)
}

/// Each configuration, in the order of windows.
async fn by_configuration(
    store: &Store,
    suite: &str,
    test: Option<&[Tenure]>,
    selection: &Selection,
) -> Result<Vec<OverviewRow>, AnswerError> {
    let mut tallies: BTreeMap<Configuration, (CommitKey, Tally)> = BTreeMap::new();
    for row in outcomes::by_configuration(store, suite, test, selection).await? {
        let place = RunPlace { config_id: row.config_id, uuid: row.newest, sdk: row.sdk, start_time: 0 };
        let Some(configuration) = selection.configuration(&place) else { continue };
        let (newest, known) = tallies.entry(configuration).or_default();
        *newest = row.newest.max(*newest);
        known.add(Tally::of(row.actual, row.expected, row.runs));
    }
    let names = Configuration::short_names(tallies.keys());
    let row = |((configuration, (newest, tally)), name): ((Configuration, (CommitKey, Tally)), String)| OverviewRow {
        name,
        query: configuration.query(),
        configuration,
        newest,
        runs: tally.runs,
        unexpected: tally.unexpected,
    };
    Ok(tallies.into_iter().zip(names).map(row).collect())
}

fn parts(commits: &[(CommitKey, Tally)], size: usize) -> Vec<Part> {
    let part = |commits: &[(CommitKey, Tally)]| {
        let mut sum = Tally::default();
        commits.iter().for_each(|(_, tally)| sum.add(*tally));
        let key = |commit: Option<&(CommitKey, Tally)>| commit.map_or(CommitKey::FIRST, |(key, _)| *key);
        let (newest, oldest) = (key(commits.first()), key(commits.last()));
        Part { newest, oldest, columns: commits.len(), runs: sum.runs, unexpected: sum.unexpected }
    };
    commits.chunks(size).map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_cover_every_commit_once() {
        let commits: Vec<(CommitKey, Tally)> =
            (0..1203u64).rev().map(|key| (CommitKey(key), Tally { runs: 2, unexpected: key % 2 })).collect();
        let parts = parts(&commits, WINDOW);
        assert_eq!(parts.iter().map(|part| part.columns).collect::<Vec<_>>(), [500, 500, 203]);
        assert_eq!((parts[0].newest.0, parts[0].oldest.0, parts[1].newest.0), (1202, 703, 702));
        assert_eq!(parts.iter().map(|part| part.runs).sum::<u64>(), 2406);
        assert_eq!(parts.iter().map(|part| part.unexpected).sum::<u64>(), 601);
    }
}
