//! What speaks for flakiness: results of both kinds on one commit, changes back and forth, retries that passed.

use schema::state::State;
use schemars::JsonSchema;
use serde::Serialize;

use crate::history::{Cell, Outcome};

/// Counts over some cells of one test on one configuration.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Evidence {
    /// Commits on which the test ran.
    pub cells: u32,
    /// Its runs.
    pub runs: u32,
    /// Runs in which an attempt failed unexpectedly.
    pub unexpected: u32,
    /// Of these, runs in which no attempt passed.
    pub unrecovered: u32,
    /// Runs that failed first and passed on a retry.
    pub retries: u32,
    /// Commits on which the test failed unexpectedly.
    pub bad_commits: u32,
    /// Of these, commits on which it passed as well.
    pub both_ways: u32,
    /// Neighbouring commits of which the test failed on one and passed on the other.
    pub flips: u32,
    /// Runs that failed as expected.
    pub expected_failures: u32,
}

impl Evidence {
    /// The evidence of cells, the oldest first.
    pub fn of(cells: &[Cell]) -> Self {
        let mut evidence = Self::default();
        for cell in cells {
            evidence.cells += 1;
            evidence.runs += cell.runs;
            evidence.unexpected += cell.failed;
            evidence.unrecovered += cell.unrecovered;
            evidence.retries += cell.recovered();
            evidence.expected_failures += cell.expected_failures;
            evidence.bad_commits += u32::from(cell.failed > 0);
            evidence.both_ways += u32::from(cell.outcome() == Some(Outcome::BothWays));
        }
        evidence.flips = flips(cells);
        evidence
    }
}

/// How often neighbouring cells differ between failing and not. Cells that went both ways stand on neither side. A failure
/// and the same failure expected do not differ.
fn flips(cells: &[Cell]) -> u32 {
    let mut sides = cells.iter().filter(|cell| matches!(cell.outcome(), Some(outcome) if outcome != Outcome::BothWays));
    let Some(mut before) = sides.next() else { return 0 };
    let mut flips = 0;
    for cell in sides {
        flips += u32::from(differs(before, cell));
        before = cell;
    }
    flips
}

fn differs(one: &Cell, other: &Cell) -> bool {
    match (one.outcome(), other.outcome()) {
        (Some(Outcome::Bad), Some(Outcome::Good)) | (Some(Outcome::Good), Some(Outcome::Bad)) => true,
        (Some(Outcome::Bad), Some(Outcome::Expected)) => !is_same_failure(one, other),
        (Some(Outcome::Expected), Some(Outcome::Bad)) => !is_same_failure(other, one),
        _ => false,
    }
}

/// Whether an expected failure is the one that was unexpected in another cell: only the expectation changed.
pub(crate) fn is_same_failure(unexpected: &Cell, expected: &Cell) -> bool {
    unexpected.worst == expected.worst_of_all
}

/// The worst unexpected state of cells; PASS if there is none.
pub(crate) fn worst(cells: &[Cell]) -> State {
    cells.iter().map(|cell| cell.worst).min().unwrap_or(State::PASS)
}
