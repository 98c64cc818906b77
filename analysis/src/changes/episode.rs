//! What a change has to itself: an episode is a row of cells that all fail, or none of which does. Whatever explains an earlier
//! episode as well explains it badly: a test that failed, passed and fails again broke twice.

use std::ops::RangeInclusive;

use schema::ids::CommitKey;

use crate::history::Cell;
use crate::rules::Rules;

/// The cells that may be the first of an episode that begins at `at`. Results before it may have been like it by chance, or
/// unlike it; but none belongs to it that comes before another episode's end. A row that is too short to be an episode is
/// chance, unless `is_confirmed` knows better.
pub(super) fn starts(
    cells: &[Cell],
    at: usize,
    rules: &Rules,
    is_confirmed: impl Fn(CommitKey) -> bool,
) -> RangeInclusive<usize> {
    let is_like = |row: &[Cell]| fails(&row[0]) == fails(&cells[at]);
    let (mut end, mut ended) = (0, 0);
    for row in rows(&cells[..at]) {
        end += row.len();
        // What goes on at `at` has not ended.
        if end < at && is_like(row) && (is_long(row, rules) || is_confirmed(row[0].commit)) {
            ended = end;
        }
    }
    (ended + 1).min(at)..=cells.len() - 1
}

/// A row that one configuration alone would take for chance: its first commit, and by places of commits on the branch its
/// first and its last one, and those of the results around it.
#[derive(Debug, Clone, Copy)]
pub(super) struct ShortRow {
    pub(super) commit: CommitKey,
    inner: (usize, usize),
    outer: (usize, usize),
}

impl ShortRow {
    /// The short rows before an episode that begins at `at`, and that are like it.
    pub(super) fn before(cells: &[Cell], at: usize, rules: &Rules, place: impl Fn(CommitKey) -> usize) -> Vec<Self> {
        let mut found = Vec::new();
        let mut end = 0;
        for row in rows(&cells[..at]) {
            let (first, last) = (end, end + row.len() - 1);
            end += row.len();
            // The first row may be cut off, and the last one goes on.
            if first > 0 && end < at && fails(&row[0]) == fails(&cells[at]) && !is_long(row, rules) {
                let of = |index: usize| place(cells[index].commit);
                let (inner, outer) = ((of(first), of(last)), (of(first - 1), of(last + 1)));
                found.push(Self { commit: row[0].commit, inner, outer });
            }
        }
        found
    }

    /// Whether another configuration saw the same: the results around one contradict nothing of the other.
    pub(super) fn is_seen_in(&self, other: &Self) -> bool {
        let holds = |outer: (usize, usize), inner: (usize, usize)| outer.0 < inner.0 && inner.1 < outer.1;
        holds(self.outer, other.inner) && holds(other.outer, self.inner)
    }
}

/// Whether a row is too long to be chance.
fn is_long(row: &[Cell], rules: &Rules) -> bool {
    row.len() >= rules.fixed_after as usize
}

/// Whether a test failed unexpectedly in a cell.
pub(super) fn fails(cell: &Cell) -> bool {
    cell.failed > 0
}

/// Neighbouring cells that all fail, or none of which does.
fn rows(cells: &[Cell]) -> impl Iterator<Item = &[Cell]> {
    cells.chunk_by(|one, other| fails(one) == fails(other))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notation::{cells, day};

    #[test]
    fn an_episode_begins_after_the_end_of_another() {
        let of = |text: &str, at: usize| starts(&cells(text), at, &Rules::default(), |commit| commit == day(4));
        assert_eq!(of("PPPPFFFF", 4), 1..=7);
        assert_eq!(of("PPPPFFFPPPFFFF", 10), 8..=13);
        assert_eq!(of("PPPPFFFPFFFF", 8), 8..=11);
        assert_eq!(of("FFFFPPPFFPPPP", 9), 8..=12);
        assert_eq!(of("RRRRRFFFF", 5), 1..=8);
        // A single result is chance, unless others saw it.
        assert_eq!(of("PPFPPPPFFFF", 7), 1..=10);
        assert_eq!(of("PPPFPPPFFFF", 7), 5..=10);
    }

    #[test]
    fn configurations_see_the_same_where_neither_contradicts_the_other() {
        let of = |text: &str| {
            let cells = cells(text);
            let place = |commit: CommitKey| (0..20).find(|index| day(*index) == commit).unwrap_or(0) as usize;
            ShortRow::before(&cells, cells.len() - 1, &Rules::default(), place)
        };
        let seen = |one: &str, other: &str| {
            let [one, other] = [one, other].map(of);
            assert_eq!((one.len(), other.len()), (1, 1));
            one[0].is_seen_in(&other[0])
        };
        assert!(seen("PPPFPPF", "PPPFPPF") && seen("PPPFPPF", "P..F.PF") && seen("PP.F.PF", "PPF..PF"));
        assert!(!seen("PPPFPPF", "PPFPPPF") && !seen("PPPFPPF", "PPF..PF"));
        assert!(of("FPPPPPF").is_empty() && of("PPFFPPF").is_empty());
    }
}
