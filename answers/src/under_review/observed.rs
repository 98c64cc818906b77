//! What the tests of a change did, over its commits on one configuration: what counts is the newest commit.

use analysis::history::{Cell, Outcome};
use schema::ids::CommitKey;
use schema::state::State;
use schemars::JsonSchema;
use serde::Serialize;

/// How a test that failed in a change is doing on the newest commit of the change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Now {
    /// It fails in every run.
    Failing,
    /// It failed and passed: in runs of one commit, or in attempts of one run.
    Flaky,
    /// It failed on a commit before, and did not run on the newest.
    NotRun,
    /// It failed on a commit before, and does not any more.
    Mended,
}

impl Now {
    /// Its name in answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Failing => "failing",
            Self::Flaky => "flaky",
            Self::NotRun => "not-run",
            Self::Mended => "mended",
        }
    }
}

/// What a test did in a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Observed {
    pub(super) now: Now,
    /// The worst unexpected state on the newest commit on which it failed.
    pub(super) state: State,
    /// That commit.
    pub(super) commit: CommitKey,
    /// Runs of that commit that have the test, and those of them that failed.
    pub(super) runs: u32,
    pub(super) failed: u32,
}

impl Observed {
    /// What the cells of a test say, which are in the order of commits; none if it never failed unexpectedly.
    pub(super) fn of(cells: &[Cell], newest: CommitKey) -> Option<Self> {
        let failed = cells.iter().rev().find(|cell| cell.failed > 0)?;
        let failed = on(cells, failed.commit)?;
        let now = match on(cells, newest).and_then(|cell| cell.outcome()) {
            Some(Outcome::Bad) => Now::Failing,
            Some(Outcome::BothWays) => Now::Flaky,
            Some(Outcome::Good | Outcome::Expected) => Now::Mended,
            None => Now::NotRun,
        };
        Some(Self { now, state: failed.worst, commit: failed.commit, runs: failed.runs, failed: failed.failed })
    }
}

/// Everything that a test did on a commit: runs of it that started hours apart are sessions of their own.
pub(super) fn on(cells: &[Cell], commit: CommitKey) -> Option<Cell> {
    cells.iter().filter(|cell| cell.commit == commit).copied().reduce(Cell::joined)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Cells by letters, each on the commit of its number: P passed, F failed, B failed and passed.
    fn now(cells: &[(u64, char)], newest: u64) -> Option<(Now, u64)> {
        let cell = |(commit, letter): &(u64, char)| {
            let passed = Cell::passed(CommitKey(*commit), *commit as u32, *commit as u32);
            let (failed, unrecovered) = (u32::from(*letter != 'P'), u32::from(*letter == 'F'));
            Cell { failed, unrecovered, worst: if failed > 0 { State::CRASH } else { State::PASS }, ..passed }
        };
        let cells: Vec<Cell> = cells.iter().map(cell).collect();
        Observed::of(&cells, CommitKey(newest)).map(|observed| (observed.now, observed.commit.0))
    }

    #[test]
    fn the_newest_commit_counts() {
        assert_eq!(now(&[(1, 'P'), (2, 'P')], 2), None);
        assert_eq!(now(&[(1, 'P'), (2, 'F')], 2), Some((Now::Failing, 2)));
        assert_eq!(now(&[(1, 'F'), (2, 'P')], 2), Some((Now::Mended, 1)));
        assert_eq!(now(&[(1, 'F')], 2), Some((Now::NotRun, 1)));
        assert_eq!(now(&[(1, 'F'), (2, 'B')], 2), Some((Now::Flaky, 2)));
        assert_eq!(now(&[(1, 'B'), (2, 'P')], 2), Some((Now::Mended, 1)));
    }

    #[test]
    fn a_rerun_that_passes_makes_a_failure_flaky() {
        assert_eq!(now(&[(2, 'F'), (2, 'P')], 2), Some((Now::Flaky, 2)));
        assert_eq!(now(&[(2, 'P'), (2, 'F')], 2), Some((Now::Flaky, 2)));
        assert_eq!(now(&[(2, 'F'), (2, 'F')], 2), Some((Now::Failing, 2)));
    }
}
