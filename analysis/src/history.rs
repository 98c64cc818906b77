//! The history of one test on one configuration: what is judged.

use std::borrow::Cow;

use schema::ids::CommitKey;
use schema::state::State;

/// What one test did on one commit on one configuration: all attempts of all its runs, joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Cell {
    /// The commit.
    pub commit: CommitKey,
    /// Place of the commit among those on which the suite ran on this configuration, in branch order; 0 is the oldest.
    pub position: u32,
    /// Runs that have a result of the test. A run that skipped the test is none.
    pub runs: u32,
    /// Of these, runs in which an attempt failed unexpectedly.
    pub failed: u32,
    /// Of the failed ones, runs in which no attempt passed.
    pub unrecovered: u32,
    /// Runs that failed as expected.
    pub expected_failures: u32,
    /// Runs that passed although a failure was expected.
    pub surprising_passes: u32,
    /// The worst unexpected state; PASS if there is none.
    pub worst: State,
    /// The worst state, expected or not.
    pub worst_of_all: State,
    /// When the first of the runs started, seconds since 1970.
    pub first_start: u32,
    /// When the last of the runs started, seconds since 1970.
    pub last_start: u32,
}

/// What the runs of a cell say together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Every run failed unexpectedly, and none recovered.
    Bad,
    /// The test failed unexpectedly and passed on the same commit, which is evidence for neither side.
    BothWays,
    /// Nothing failed unexpectedly, and some runs failed as expected.
    Expected,
    /// Every run passed.
    Good,
}

impl Cell {
    /// The cell of one run that started at a time, seconds since 1970, and in which the test passed.
    pub fn passed(commit: CommitKey, position: u32, start_time: u32) -> Self {
        Self {
            commit,
            position,
            runs: 1,
            failed: 0,
            unrecovered: 0,
            expected_failures: 0,
            surprising_passes: 0,
            worst: State::PASS,
            worst_of_all: State::PASS,
            first_start: start_time,
            last_start: start_time,
        }
    }

    /// What two parts of a session say together: more runs on the commit of this one.
    pub fn joined(self, other: Self) -> Self {
        Self {
            commit: self.commit,
            position: self.position,
            runs: self.runs + other.runs,
            failed: self.failed + other.failed,
            unrecovered: self.unrecovered + other.unrecovered,
            expected_failures: self.expected_failures + other.expected_failures,
            surprising_passes: self.surprising_passes + other.surprising_passes,
            worst: self.worst.min(other.worst),
            worst_of_all: self.worst_of_all.min(other.worst_of_all),
            first_start: self.first_start.min(other.first_start),
            last_start: self.last_start.max(other.last_start),
        }
    }

    /// What its runs say together; none if there is no run.
    pub fn outcome(&self) -> Option<Outcome> {
        match self {
            Self { runs: 0, .. } => None,
            Self { failed: 0, expected_failures: 0, .. } => Some(Outcome::Good),
            Self { failed: 0, .. } => Some(Outcome::Expected),
            Self { runs, unrecovered, .. } if unrecovered < runs => Some(Outcome::BothWays),
            _ => Some(Outcome::Bad),
        }
    }

    /// Runs that failed first and passed on a retry.
    pub fn recovered(&self) -> u32 {
        self.failed.saturating_sub(self.unrecovered)
    }
}

/// One test on one configuration. The test did not run on a commit that has no cell, which says nothing about it.
#[derive(Debug, Clone, Copy)]
pub struct History<'a> {
    /// Cells by position, the oldest first.
    pub cells: &'a [Cell],
    /// On how many commits the suite ran on this configuration. Positions are below it.
    pub commits: u32,
}

impl History<'_> {
    /// The cells that have a run.
    pub fn with_runs(&self) -> Cow<'_, [Cell]> {
        match self.cells.iter().all(|cell| cell.runs > 0) {
            true => Cow::Borrowed(self.cells),
            false => self.cells.iter().filter(|cell| cell.runs > 0).copied().collect(),
        }
    }
}

/// How much a failure matters: a crash 3, a timeout 2, anything else 1.
pub fn severity(state: State) -> usize {
    match state {
        State::CRASH => 3,
        State::TIMEOUT => 2,
        _ => 1,
    }
}
