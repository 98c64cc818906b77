//! Where the behaviour of single histories changed, or may have changed lately.

use crate::change_points::Series;
use crate::change_points::likelihood::Counts;
use crate::change_points::search;
use crate::history::{Cell, Outcome};
use crate::rules::Rules;

use super::Suite;
use super::place::{Place, Timeline};

/// What stands for results that were not seen when a rate is estimated: results are mostly all of one kind.
const UNSEEN: f64 = 0.02;

/// Which way a change went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Direction {
    /// More failures.
    Worse,
    /// Fewer failures.
    Better,
    /// As many failures, that are expected now.
    Expected,
}

impl Direction {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Worse => "worse",
            Self::Better => "better",
            Self::Expected => "expected",
        }
    }
}

/// A change of one history, by indices of its cells.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    /// Position of its subject.
    pub(super) subject: usize,
    /// The first cell of the segment before.
    pub(super) from: usize,
    /// The first cell with the new behaviour.
    pub(super) at: usize,
    /// The cell after the last with the new behaviour.
    pub(super) to: usize,
    pub(super) direction: Direction,
    /// The commits that may have done it.
    pub(super) place: Place,
}

impl Candidate {
    fn new(subject: usize, cells: &[Cell], [from, at, to]: [usize; 3], timeline: &Timeline) -> Self {
        let (before, since) = (&cells[from..at], &cells[at..to]);
        let place = Place::of_cells(timeline, &cells[from..to], &ln_likelihoods(before, since));
        Self { subject, from, at, to, direction: direction(before, since), place }
    }
}

/// Changes of every history that its own results prove, and those that they only suggest.
pub(super) fn of_suite(suite: &Suite<'_>, timeline: &Timeline, rules: &Rules) -> (Vec<Candidate>, Vec<Candidate>) {
    let (mut sure, mut unsure) = (Vec::new(), Vec::new());
    for (subject, history) in suite.subjects.iter().map(|subject| &subject.history).enumerate() {
        let cells = history.cells;
        if cells.iter().all(|cell| cell.failed == 0) || cells.iter().any(|cell| cell.runs == 0) {
            continue;
        }
        let bounds = search::bounds(&Series::new(cells), rules.change_prior);
        let of = |bounds: [usize; 3]| Candidate::new(subject, cells, bounds, timeline);
        sure.extend(bounds.windows(3).map(|bounds| of([bounds[0], bounds[1], bounds[2]])));
        let start = bounds[bounds.len() - 2];
        unsure.extend(newest_row(cells, start).map(|at| of([start, at, cells.len()])));
    }
    (sure, unsure)
}

/// Where the newest row of equal results begins, if something else is before it in its segment.
fn newest_row(cells: &[Cell], start: usize) -> Option<usize> {
    let is_bad = cells.last()?.failed > 0;
    let row = cells[start..].iter().rev().take_while(|cell| (cell.failed > 0) == is_bad).count();
    let at = cells.len() - row;
    (at > start).then_some(at)
}

fn direction(before: &[Cell], since: &[Cell]) -> Direction {
    let badness = |cells: &[Cell]| {
        let counts = sum(cells);
        f64::from(counts.unexpected + counts.unrecovered) / f64::from(counts.runs.max(1))
    };
    if badness(since) > badness(before) {
        return Direction::Worse;
    }
    let expected = since.iter().filter(|cell| cell.outcome() == Some(Outcome::Expected)).count();
    if 2 * expected > since.len() { Direction::Expected } else { Direction::Better }
}

fn sum(cells: &[Cell]) -> Counts {
    cells.iter().fold(Counts::default(), |sum, cell| sum.plus(Counts::of_cell(cell, true)))
}

/// Logarithms of how likely the cells are if the cell after the first, the second after it and so on is the first with the
/// new behaviour. Rates are those before and since, so that a pass after a change to failing always is next to impossible.
fn ln_likelihoods(before: &[Cell], since: &[Cell]) -> Vec<f64> {
    let (old, new) = (Rates::of(before), Rates::of(since));
    let cells: Vec<Counts> = before.iter().chain(since).map(|cell| Counts::of_cell(cell, true)).collect();
    let mut sum: f64 = cells.iter().map(|cell| new.ln(cell)).sum();
    let step = |cell: &Counts| {
        sum += old.ln(cell) - new.ln(cell);
        sum
    };
    cells[..cells.len() - 1].iter().map(step).collect()
}

/// Rates of unexpected runs, and of those that no retry mends.
struct Rates {
    unexpected: f64,
    unrecovered: f64,
}

impl Rates {
    fn of(cells: &[Cell]) -> Self {
        let counts = sum(cells);
        let rate = |part: u32, whole: u32| (f64::from(part) + UNSEEN) / (f64::from(whole) + 2.0 * UNSEEN);
        Self {
            unexpected: rate(counts.unexpected, counts.runs),
            unrecovered: rate(counts.unrecovered, counts.unexpected),
        }
    }

    fn ln(&self, counts: &Counts) -> f64 {
        let term = |rate: f64, part: u32, whole: u32| {
            f64::from(part) * rate.ln() + f64::from(whole - part) * (1.0 - rate).ln()
        };
        term(self.unexpected, counts.unexpected, counts.runs)
            + term(self.unrecovered, counts.unrecovered, counts.unexpected)
    }
}
