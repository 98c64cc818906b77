//! Failures in a row: where they began, whether they became worse, and whether a pass ended them.

use schema::state::State;

use crate::evidence::{Evidence, is_same_failure, worst};
use crate::history::{Cell, Outcome, severity};

use super::{BlameRange, Segment, Worsening};

/// The failures at the end of a history, by indices of cells. Cells that went both ways lie inside, and so do cells in which
/// the same failure was expected; neither begins a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Streak {
    /// The oldest of the failures.
    pub(crate) first_bad: usize,
    /// The newest cell before them that did not fail.
    pub(crate) last_good: Option<usize>,
}

impl Streak {
    /// The failures up to the newest cell; none if it did not fail.
    pub(crate) fn at_end(cells: &[Cell]) -> Option<Self> {
        let mut first_bad = cells.len().checked_sub(1)?;
        if cells[first_bad].outcome() != Some(Outcome::Bad) {
            return None;
        }
        for (index, cell) in cells.iter().enumerate().rev() {
            match cell.outcome() {
                Some(Outcome::Bad) => first_bad = index,
                Some(Outcome::BothWays) | None => {}
                Some(Outcome::Expected) if is_same_failure(&cells[first_bad], cell) => {}
                Some(Outcome::Expected | Outcome::Good) => return Some(Self { first_bad, last_good: Some(index) }),
            }
        }
        Some(Self { first_bad, last_good: None })
    }

    /// The commits one of which broke it.
    pub(crate) fn blame(&self, cells: &[Cell]) -> BlameRange {
        let last_good = self.last_good.map(|index| cells[index].commit);
        BlameRange { last_good, first_bad: cells[self.first_bad].commit }
    }

    /// The failures as a stretch of their own.
    pub(crate) fn segment(&self, cells: &[Cell]) -> Segment {
        let inside = &cells[self.first_bad..];
        let between = self.first_bad.saturating_sub(self.last_good.map_or(0, |last| last + 1));
        Segment {
            first: inside[0].commit,
            last: inside[inside.len() - 1].commit,
            change: Some(self.blame(cells)),
            doubt: (between as u32, 0),
            evidence: Evidence::of(inside),
            state: worst(inside),
        }
    }

    /// Where the failures became as severe as the newest is, if they were milder before: the index of the cell, and what
    /// is told. Failures that were as severe earlier and milder in between do not become worse, they change back and forth.
    pub(crate) fn worsening(&self, cells: &[Cell]) -> Option<(usize, Worsening)> {
        let is_bad = |(_, cell): &(usize, &Cell)| cell.outcome() == Some(Outcome::Bad);
        let bad: Vec<(usize, &Cell)> = cells.iter().enumerate().skip(self.first_bad).filter(is_bad).collect();
        let now = severity(bad.last()?.1.worst);
        let is_as_severe = |(_, cell): &&(usize, &Cell)| severity(cell.worst) >= now;
        let row = bad.iter().rev().take_while(is_as_severe).count();
        let (milder, as_severe) = bad.split_at(bad.len() - row);
        let (last, cell) = milder.last()?;
        if milder.iter().any(|cell| is_as_severe(&cell)) {
            return None;
        }
        let from = milder.iter().map(|(_, cell)| cell.worst).min().unwrap_or(cell.worst);
        let (first, _) = as_severe.first()?;
        let range = BlameRange { last_good: Some(cells[*last].commit), first_bad: cells[*first].commit };
        Some((*first, Worsening { from, range }))
    }
}

/// Failures that ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct EndedFailure {
    /// On how many commits it failed, in every run.
    pub(crate) bad: u32,
    /// The worst state of its newest commit.
    pub(crate) state: State,
}

/// The failures in a row that ended right before a cell. Cells that went both ways and expected failures may lie between.
pub(crate) fn ended_before(cells: &[Cell], first_good: usize) -> Option<EndedFailure> {
    let mut ended: Option<EndedFailure> = None;
    for cell in cells[..first_good].iter().rev() {
        match cell.outcome() {
            Some(Outcome::Good) => break,
            Some(Outcome::Bad) => {
                let (bad, state) = ended.map_or((0, cell.worst), |ended| (ended.bad, ended.state));
                ended = Some(EndedFailure { bad: bad + 1, state });
            }
            Some(Outcome::BothWays | Outcome::Expected) | None => {}
        }
    }
    ended
}
