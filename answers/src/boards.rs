//! How a suite is doing now on each of its configurations.
//!
//! Data flow: the newest runs of a suite → [`Tile`] for each configuration, SDKs together → a [`Board`], worst first. A
//! configuration that was not heard of for a while is at least a warning, and after a longer while is left out.

use std::collections::BTreeMap;

use analysis::judge::{Judgement, Standing};
use schema::configuration::Configuration;
use schema::ids::{CommitKey, ConfigId};
use schema::state::State;

use crate::ask::{ConfigurationFilter, RunFilter};
use crate::error::AnswerError;
use crate::late_runs::{LateRuns, NEW_DAYS};
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
    let judged = LateRuns::of(store, &question.suite, &question.runs, NEW_DAYS).await?.verdicts().await?;
    let tiles = runs.into_iter().filter_map(|(configuration, mut runs)| {
        runs.sort_by_key(|run| std::cmp::Reverse((run.outcome.commit, run.start_time)));
        let tile = tile(&runs, judged.get(&ConfigId(configuration.id())), now, question)?;
        Some((configuration, tile))
    });
    let mut tiles: Vec<(Configuration, Tile)> = tiles.collect();
    tiles.sort_by_key(|(_, tile)| (tile.state, std::cmp::Reverse(tile.failed)));
    Ok(Board { worst: tiles.first().map(|(_, tile)| tile.state), tiles })
}

/// From the runs of a configuration, newest first, and the verdict on them; none if the newest is too long ago.
fn tile(runs: &[Run], judged: Option<&Judgement>, now: u64, question: &BoardQuestion) -> Option<Tile> {
    let latest = runs.first()?;
    let age = now.saturating_sub(u64::from(latest.start_time));
    if age > question.expire_after {
        return None;
    }
    let state = |run: &Run| if question.with_expected { run.outcome.actual } else { run.outcome.unexpected };
    // Shards and reruns of the newest commit count together, and the one with the most failures speaks for it.
    let of_commit = || runs.iter().take_while(|run| run.outcome.commit == latest.outcome.commit);
    let count = |run: &Run| run.outcome.failed.map_or(0, |(all, bad)| if question.with_expected { all } else { bad });
    let speaks = of_commit().max_by_key(|run| (count(run), std::cmp::Reverse(state(run)))).unwrap_or(latest);
    let is_flaky = judged.is_some_and(|judged| judged.standing == Standing::Flaky);
    let shown = match state(speaks) {
        // What failed and passed on the newest commit is not called broken before another commit was tested.
        worst if worst.is_failure() && is_flaky && !question.with_expected => State::WARNING,
        worst => worst,
    };
    let is_late = age > question.warn_after;
    let blame = judged.and_then(|judged| judged.blame);
    let (first_bad, last_good) = (blame.map(|blame| blame.first_bad), blame.and_then(|blame| blame.last_good));
    let failing_runs = first_bad.map_or(0, |first| runs.iter().take_while(|run| run.outcome.commit >= first).count());
    let sdk_of = |commit: CommitKey| runs.iter().find(|run| run.outcome.commit == commit).map(|run| run.sdk.clone());
    let sdks = last_good.and_then(sdk_of).zip(first_bad.and_then(sdk_of));
    Some(Tile {
        state: if is_late { shown.min(State::WARNING) } else { shown },
        is_late,
        commit: latest.outcome.commit,
        start_time: latest.start_time,
        label: speaks.outcome.label.clone(),
        failed: count(speaks),
        failing_runs,
        first_bad,
        last_good,
        sdks: sdks.filter(|(good, bad)| good != bad),
        is_flaky,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use analysis::history::{Cell, History};
    use analysis::judge::{Question, judge};
    use analysis::rules::Rules;
    use schema::seconds::HOUR;

    /// Newest first: the state of each run, an hour apart, the first an hour ago; `x` was built with another SDK.
    fn of(states: &str, hours_ago: u64, judged: Option<&Judgement>) -> Option<Tile> {
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
        tile(&runs, judged, (1000 + hours_ago) * HOUR, &question)
    }

    /// What the rule says of cells, oldest first: F failed, B failed and passed.
    fn judged(cells: &str, first: u64) -> Judgement {
        let cell = |(index, letter): (usize, u8)| {
            let failed = u32::from(letter != b'P');
            let worst = if failed > 0 { State::ERROR } else { State::PASS };
            let runs = if letter == b'B' { 2 } else { 1 };
            let passed = Cell::passed(CommitKey(first + index as u64), index as u32, 1000 * 3600);
            Cell { runs, failed, unrecovered: failed, worst, worst_of_all: worst, ..passed }
        };
        let cells: Vec<Cell> = cells.bytes().enumerate().map(cell).collect();
        let question = Question { now: 1000 * HOUR, new_since: 0, rules: Rules::default() };
        judge(&History { cells: &cells, commits: cells.len() as u32 }, &question)
    }

    #[test]
    fn a_failing_configuration_says_since_when() {
        let tile = of("FFxP", 1, Some(&judged("PPFF", 997))).unwrap();
        assert_eq!((tile.state, tile.failed, tile.failing_runs), (State::ERROR, 1, 2));
        assert_eq!((tile.first_bad, tile.last_good), (Some(CommitKey(999)), Some(CommitKey(998))));
        assert_eq!(tile.sdks, Some(("old".into(), "new".into())));
        let tile = of("FF", 1, Some(&judged("FF", 999))).unwrap();
        assert_eq!((tile.first_bad, tile.last_good, tile.failing_runs), (Some(CommitKey(999)), None, 2));
    }

    #[test]
    fn a_passing_one_warns_once_it_is_late_and_then_is_left_out() {
        let state = |hours| of("PPF", hours, None).map(|tile| (tile.state, tile.is_late));
        assert_eq!((state(12), state(13)), (Some((State::PASS, false)), Some((State::WARNING, true))));
        assert_eq!((state(168), state(169)), (Some((State::WARNING, true)), None));
        assert_eq!(of("F", 13, None).unwrap().state, State::ERROR);
        assert_eq!(of("", 0, None), None);
    }

    #[test]
    fn what_failed_and_passed_on_the_newest_commit_is_a_warning() {
        let tile = of("FP", 1, Some(&judged("PB", 999))).unwrap();
        assert_eq!((tile.state, tile.is_flaky, tile.first_bad), (State::WARNING, true, None));
    }
}
