//! A history in outline: its rows of like cells, between which alone a split can be best. It takes a few hundred bytes where
//! the cells take thousands, and is all that a search needs.

use schema::ids::CommitKey;

use super::likelihood::{Counts, RateLikelihood};
use crate::history::{Cell, Outcome};

/// The rows of a history, the oldest first: neighbouring cells that are all clean, or all failed hard, or one cell that is
/// neither.
#[derive(Debug, Clone, Default)]
pub struct Outline {
    /// What each row has together with those before it.
    sums: Vec<RowsTotal>,
    /// Places of the cell before each row and of its first one.
    places: Vec<(u32, u32)>,
    /// Whether retries helped at least once.
    is_retried: bool,
    newest: Option<CommitKey>,
}

/// What some neighbouring rows have.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RowsTotal {
    /// Cells.
    pub cells: u32,
    /// Their runs, as if every failing one had been retried.
    pub counts: Counts,
    /// Cells that failed unexpectedly.
    pub failed: u32,
    /// Cells that failed as expected.
    pub expected: u32,
}

impl RowsTotal {
    /// What is left without some of the rows.
    pub fn minus(&self, part: &Self) -> Self {
        Self {
            cells: self.cells - part.cells,
            counts: self.counts.minus(part.counts),
            failed: self.failed - part.failed,
            expected: self.expected - part.expected,
        }
    }
}

impl Outline {
    /// The outline of cells that have a run, the oldest first.
    pub fn of(cells: &[Cell]) -> Self {
        let mut outline = Self { newest: cells.last().map(|cell| cell.commit), ..Self::default() };
        let (mut sum, mut before, mut place) = (RowsTotal::default(), None, 0);
        for cell in cells {
            let counts = Counts::of_cell(cell, true);
            sum.cells += 1;
            sum.counts = sum.counts.plus(counts);
            sum.failed += u32::from(cell.failed > 0);
            sum.expected += u32::from(cell.outcome() == Some(Outcome::Expected));
            outline.is_retried |= cell.recovered() > 0;
            let kind = (counts.is_clean(), counts.is_hard());
            match outline.sums.last_mut().filter(|_| kind != (false, false) && before == Some(kind)) {
                Some(row) => *row = sum,
                None => {
                    outline.sums.push(sum);
                    outline.places.push((place, cell.position));
                }
            }
            (before, place) = (Some(kind), cell.position);
        }
        outline
    }

    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.sums.len()
    }

    /// How many cells there are.
    pub fn cells(&self) -> usize {
        self.start(self.sums.len())
    }

    /// Whether a cell failed unexpectedly.
    pub fn fails(&self) -> bool {
        self.sums.last().is_some_and(|row| row.failed > 0)
    }

    /// The commit of the newest cell.
    pub fn newest(&self) -> Option<CommitKey> {
        self.newest
    }

    /// The index of the first cell of a row; the number of cells behind the last.
    pub fn start(&self, row: usize) -> usize {
        self.before(row).cells as usize
    }

    /// Between which commits a row began: the places, among those on which the suite ran, of the last cell before it and of its
    /// first one.
    pub fn begin(&self, row: usize) -> (u32, u32) {
        self.places.get(row).copied().unwrap_or_default()
    }

    /// What the rows from one index up to, not including, another have together.
    pub fn total(&self, from: usize, to: usize) -> RowsTotal {
        self.before(to).minus(&self.before(from))
    }

    /// Where the newest rows begin that fail all, or none of which fails; not before `start`.
    pub fn newest_alike(&self, start: usize) -> usize {
        let rows = start..self.sums.len();
        let Some(newest) = rows.clone().next_back().map(|row| self.fails_in(row)) else { return start };
        rows.end - rows.rev().take_while(|row| self.fails_in(*row) == newest).count()
    }

    /// The row after the last of those from one on that fail all, or none of which does; not after `to`.
    pub fn end_of_alike(&self, from: usize, to: usize) -> usize {
        (from + 1..to).find(|row| self.fails_in(*row) != self.fails_in(from)).unwrap_or(to)
    }

    /// The rows with a likelihood that is made for their total.
    pub fn explained_by<L: RateLikelihood>(&self, likelihood: impl FnOnce(Counts) -> L) -> OutlineSeries<'_, L> {
        let total = self.before(self.sums.len()).counts;
        OutlineSeries { outline: self, likelihood: likelihood(self.as_known(total)) }
    }

    /// Whether a cell of a row failed unexpectedly.
    fn fails_in(&self, row: usize) -> bool {
        self.sums.get(row).is_some_and(|sum| sum.failed > self.before(row).failed)
    }

    /// What comes before a row.
    fn before(&self, row: usize) -> RowsTotal {
        row.checked_sub(1).and_then(|last| self.sums.get(last)).copied().unwrap_or_default()
    }

    /// Whether a failing run was retried is known where retries helped at least once.
    fn as_known(&self, counts: Counts) -> Counts {
        if self.is_retried { counts } else { Counts { retried: 0, unrecovered: 0, ..counts } }
    }
}

/// The rows of an outline with what is needed to compare their likelihoods.
#[derive(Debug)]
pub struct OutlineSeries<'a, L> {
    outline: &'a Outline,
    likelihood: L,
}

impl<L: RateLikelihood> OutlineSeries<'_, L> {
    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.outline.rows()
    }

    /// What the rows from one index up to, not including, another have together.
    pub fn counts(&self, from: usize, to: usize) -> Counts {
        self.outline.as_known(self.outline.total(from, to).counts)
    }

    /// Logarithm of the likelihood of the rows from one index up to, not including, another, if nothing changed in them.
    pub fn ln_likelihood(&self, from: usize, to: usize) -> f64 {
        self.likelihood.ln(self.counts(from, to))
    }

    /// How much better a split before `at` explains the rows from one index up to, not including, another: the logarithm of
    /// the ratio of likelihoods.
    pub fn gain(&self, from: usize, at: usize, to: usize) -> f64 {
        self.ln_likelihood(from, at) + self.ln_likelihood(at, to) - self.ln_likelihood(from, to)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::notation::cells;

    proptest! {
        #[test]
        fn totals_are_those_of_the_cells(text in "[PFRE]{1,30}", from in 0usize..30, rows in 0usize..30) {
            let cells = cells(&text);
            let outline = Outline::of(&cells);
            let from = from.min(outline.rows());
            let to = (from + rows).min(outline.rows());
            let inside = &cells[outline.start(from)..outline.start(to)];
            let total = outline.total(from, to);
            let sum = inside.iter().fold(Counts::default(), |sum, cell| sum.plus(Counts::of_cell(cell, true)));
            let failed = inside.iter().filter(|cell| cell.failed > 0).count();
            prop_assert_eq!((total.cells as usize, total.counts, total.failed as usize), (inside.len(), sum, failed));
            let newest = outline.start(outline.newest_alike(from));
            let is_bad = cells[cells.len() - 1].failed > 0;
            prop_assert!(cells[newest..].iter().all(|cell| (cell.failed > 0) == is_bad));
            prop_assert!(newest == outline.start(from) || (cells[newest - 1].failed > 0) != is_bad);
            let alike = &cells[outline.start(from)..outline.start(outline.end_of_alike(from, to))];
            let row = inside.iter().take_while(|cell| (cell.failed > 0) == (inside[0].failed > 0)).count();
            prop_assert_eq!(alike.len(), row);
        }
    }
}
