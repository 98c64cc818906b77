//! Where the behaviour of single histories changed, or may have changed lately.

use crate::change_points::Series;
use crate::change_points::likelihood::Counts;
use crate::change_points::search;
use crate::history::{Cell, Outcome};
use crate::parallel;
use crate::rules::Rules;

use super::Suite;
use super::candidate::{Candidate, Direction, Span};
use super::noise::Noise;
use super::place::{Place, Timeline};

/// How many cells before the newest row may belong to a change that few results suggest.
const YOUNG_PAST: usize = 12;

/// Changes of every history that its own results prove, and those that they only suggest.
#[derive(Debug, Default)]
pub(super) struct Spans {
    pub(super) sure: Vec<Span>,
    pub(super) unsure: Vec<Span>,
}

impl Spans {
    /// The changes that are likely at any rates.
    pub(super) fn at_any_rates(suite: &Suite<'_>, rules: &Rules) -> Self {
        Self::of(suite, |cells| search::bounds(&Series::new(cells), rules.change_prior))
    }

    /// The changes that are likely at rates as the suite shows them.
    pub(super) fn at_rates_of(noise: &Noise, suite: &Suite<'_>, rules: &Rules) -> Self {
        let series = |cells: &[Cell]| Series::explained_by(cells, |total| noise.likelihood(total));
        Self::of(suite, |cells| search::bounds(&series(cells), rules.change_prior))
    }

    /// The changes of every history that fails at all, from the bounds of its segments.
    fn of(suite: &Suite<'_>, bounds: impl Fn(&[Cell]) -> Vec<usize> + Sync) -> Self {
        let mut spans = Self::default();
        let fails = |(_, cells): &(usize, &[Cell])| cells.iter().any(|cell| cell.failed > 0);
        let cells = suite.subjects.iter().map(|subject| subject.history.cells).enumerate();
        let failing: Vec<(usize, &[Cell])> = cells.filter(fails).collect();
        let found = parallel::map(&failing, |(_, cells)| bounds(cells));
        for ((subject, cells), bounds) in failing.into_iter().zip(found) {
            let span =
                |bounds: &[usize]| Span { subject, from: bounds[0], at: bounds[1], to: bounds[2], is_sure: true };
            spans.sure.extend(bounds.windows(3).map(span));
            let start = bounds[bounds.len() - 2];
            spans.unsure.extend(newest_row(cells, start).map(|at| Span {
                subject,
                from: start,
                at,
                to: cells.len(),
                is_sure: false,
            }));
        }
        spans
    }

    /// Spans as candidates.
    pub(super) fn candidates(spans: &[Span], suite: &Suite<'_>, timeline: &Timeline, noise: &Noise) -> Vec<Candidate> {
        let of = |span: &Span| candidate(*span, suite.subjects[span.subject].history.cells, timeline, noise);
        parallel::map(spans, of)
    }
}

/// The candidate of a span.
fn candidate(span: Span, cells: &[Cell], timeline: &Timeline, noise: &Noise) -> Candidate {
    let Span { subject, from, at, to, is_sure } = span;
    let inside = if is_sure { &cells[from..to] } else { &cells[from.max(at.saturating_sub(YOUNG_PAST))..to] };
    let series = Series::explained_by(inside, |total| noise.likelihood(total));
    let explained = |at: usize| series.ln_likelihood(0, at) + series.ln_likelihood(at, inside.len());
    let ln_likelihoods: Vec<f64> = (1..inside.len()).map(explained).collect();
    let place = Place::of_cells(timeline, inside, &ln_likelihoods);
    let direction = direction(&cells[from..at], &cells[at..to]);
    Candidate { subject, from, at, to, direction, place }
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
