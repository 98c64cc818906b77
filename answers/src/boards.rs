//! How a suite is doing now on each of its configurations.
//!
//! Data flow: the newest runs of a suite → [`Tile`] for each configuration, SDKs together → a [`Board`], worst first. A
//! configuration that was not heard of for a while is at least a warning, and after a longer while is left out.

use std::collections::BTreeMap;

use analysis::blame;
use analysis::verdict::{self, Verdict};
use schema::configuration::Configuration;
use schema::ids::CommitKey;
use schema::state::State;

use crate::ask::{ConfigurationFilter, RunFilter};
use crate::error::AnswerError;
use crate::reads::selection::Selection;
use crate::results::{SuiteRun, runs_in};
use crate::store::Store;
use crate::timeline::Outcome;

/// Runs of each configuration that are looked at.
const RUNS: u64 = 150;

/// Which runs a board is about.
#[derive(Debug, Clone, PartialEq)]
pub struct BoardQuestion {
    /// The suite.
    pub suite: String,
    /// Branch and configurations.
    pub runs: RunFilter,
    /// Narrows the configurations further.
    pub narrowed_to: ConfigurationFilter,
    /// Whether failures that were expected count, too.
    pub with_expected: bool,
    /// Seconds without a run after which a configuration is a warning.
    pub warn_after: u64,
    /// Seconds without a run after which a configuration is left out.
    pub expire_after: u64,
}

/// How a configuration is doing.
#[derive(Debug, PartialEq)]
pub struct Tile {
    /// Of the newest run, no better than a warning if that is long ago.
    pub state: State,
    /// Whether the newest run is long ago.
    pub is_late: bool,
    /// The commit of the newest run.
    pub commit: CommitKey,
    /// Start of the newest run, seconds since 1970.
    pub start_time: u32,
    /// The newest run in words.
    pub label: String,
    /// Tests that failed in it.
    pub failed: u64,
    /// Runs that failed one after the other, until now.
    pub failing_runs: usize,
    /// The commit since which it fails.
    pub first_bad: Option<CommitKey>,
    /// The last commit before that.
    pub last_good: Option<CommitKey>,
    /// Where the SDK changed between those.
    pub sdks: Option<(String, String)>,
    /// Whether it changes between pass and fail.
    pub is_flaky: bool,
}

/// A suite's configurations, worst first.
#[derive(Debug)]
pub struct Board {
    /// The worst of all; none if nothing ran.
    pub worst: Option<State>,
    /// The configurations.
    pub tiles: Vec<(Configuration, Tile)>,
}

/// A run as a tile looks at it.
#[derive(Debug, Clone)]
struct Run {
    outcome: Outcome,
    start_time: u32,
    sdk: String,
}

/// The board of a suite.
pub async fn find(store: &Store, question: &BoardQuestion) -> Result<Board, AnswerError> {
    let mut selection = Selection::of(store, &question.runs, RUNS).await?;
    selection.matching.retain(|_, configuration| question.narrowed_to.matches(configuration));
    let mut runs: BTreeMap<Configuration, Vec<Run>> = BTreeMap::new();
    for of_configuration in runs_in(store, &question.suite, &selection).await? {
        let configuration = of_configuration.configuration;
        let run = |run: &SuiteRun| Run {
            outcome: Outcome::of_run(run),
            start_time: run.start_time,
            sdk: configuration.sdk.clone().unwrap_or_default(),
        };
        let found = of_configuration.results.iter().map(run);
        runs.entry(configuration.without_sdk()).or_default().extend(found);
    }
    let now = store.clock.now();
    let tiles = runs.into_iter().filter_map(|(configuration, mut runs)| {
        runs.sort_by_key(|run| std::cmp::Reverse((run.outcome.commit, run.start_time)));
        Some((configuration, tile(&runs, now, question)?))
    });
    let mut tiles: Vec<(Configuration, Tile)> = tiles.collect();
    tiles.sort_by_key(|(_, tile)| (tile.state, std::cmp::Reverse(tile.failed)));
    Ok(Board { worst: tiles.first().map(|(_, tile)| tile.state), tiles })
}

/// From the runs of a configuration, newest first; none if the newest is too long ago.
fn tile(runs: &[Run], now: u64, question: &BoardQuestion) -> Option<Tile> {
    let latest = runs.first()?;
    let age = now.saturating_sub(u64::from(latest.start_time));
    if age > question.expire_after {
        return None;
    }
    let state = |run: &Run| if question.with_expected { run.outcome.actual } else { run.outcome.unexpected };
    let failing: Vec<(CommitKey, bool)> =
        runs.iter().map(|run| (run.outcome.commit, state(run).is_failure())).collect();
    let range = blame::of_runs(failing.iter().copied());
    let failing_runs = range.map_or(0, |range| range.failing_runs);
    let is_late = age > question.warn_after;
    let verdict = verdict::of_runs(failing.into_iter(), latest.outcome.commit);
    let count = |(all, unexpected)| if question.with_expected { all } else { unexpected };
    let (first_bad, last_good) = (runs[..failing_runs].last(), runs.get(failing_runs).filter(|_| failing_runs > 0));
    let sdks = first_bad.zip(last_good).map(|(bad, good)| (good.sdk.clone(), bad.sdk.clone()));
    Some(Tile {
        state: if is_late { state(latest).min(State::WARNING) } else { state(latest) },
        is_late,
        commit: latest.outcome.commit,
        start_time: latest.start_time,
        label: latest.outcome.label.clone(),
        failed: latest.outcome.failed.map_or(0, count),
        failing_runs,
        first_bad: range.map(|range| range.first_bad),
        last_good: range.and_then(|range| range.last_good),
        sdks: sdks.filter(|(good, bad)| good != bad),
        is_flaky: matches!(verdict, Verdict::Flaky { .. }),
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use schema::seconds::HOUR;

    /// Newest first: the state of each run, an hour apart, the first an hour ago; `x` was built with another SDK.
    fn of(states: &str, hours_ago: u64) -> Option<Tile> {
        let question = BoardQuestion {
            suite: "s".into(),
            runs: RunFilter::default(),
            narrowed_to: ConfigurationFilter::default(),
            with_expected: false,
            warn_after: 12 * HOUR,
            expire_after: 168 * HOUR,
        };
        let run = |(index, letter): (usize, u8)| Run {
            outcome: Outcome {
                commit: CommitKey(1000 - index as u64),
                actual: if letter == b'P' { State::PASS } else { State::ERROR },
                unexpected: if letter == b'P' || letter == b'x' { State::PASS } else { State::ERROR },
                label: String::new(),
                failed: Some((2, u64::from(letter == b'F'))),
                time: None,
            },
            start_time: (1000 - index as u32) * 3600,
            sdk: if letter == b'x' { "old".into() } else { "new".into() },
        };
        let runs: Vec<Run> = states.bytes().enumerate().map(run).collect();
        tile(&runs, (1000 + hours_ago) * HOUR, &question)
    }

    #[test]
    fn a_failing_configuration_says_since_when() {
        let tile = of("FFxP", 1).unwrap();
        assert_eq!((tile.state, tile.failed, tile.failing_runs), (State::ERROR, 1, 2));
        assert_eq!((tile.first_bad, tile.last_good), (Some(CommitKey(999)), Some(CommitKey(998))));
        assert_eq!(tile.sdks, Some(("old".into(), "new".into())));
        let tile = of("FF", 1).unwrap();
        assert_eq!((tile.first_bad, tile.last_good, tile.failing_runs), (Some(CommitKey(999)), None, 2));
    }

    #[test]
    fn a_passing_one_warns_once_it_is_late_and_then_is_left_out() {
        let state = |hours| of("PPF", hours).map(|tile| (tile.state, tile.is_late));
        assert_eq!((state(12), state(13)), (Some((State::PASS, false)), Some((State::WARNING, true))));
        assert_eq!((state(168), state(169)), (Some((State::WARNING, true)), None));
        assert_eq!(of("F", 13).unwrap().state, State::ERROR);
        assert_eq!(of("", 0), None);
    }

    #[test]
    fn what_changes_often_is_flaky() {
        assert!(of("PFPF", 1).unwrap().is_flaky && !of("PF", 1).unwrap().is_flaky);
    }
}
