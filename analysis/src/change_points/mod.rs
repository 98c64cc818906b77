//! Change points: where the behaviour of a test changed, found in its cells alone.
//!
//! [`likelihood`] says how well one unchanging rate explains some runs, [`search`] where splitting explains them so much
//! better that a change is likely, in the [`outline`] of a history, [`position`] how sure the place of a change is.

pub mod likelihood;
pub mod outline;
pub mod position;
pub mod search;

use crate::history::Cell;
use crate::rules::Rules;

use likelihood::{Counts, Likelihood, RateLikelihood};
use outline::Outline;

/// A change of behaviour, by indices of cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChangePoint {
    /// The first cell with the new behaviour, most likely. Never 0.
    pub index: usize,
    /// The earliest cell that may be it, with 99 % confidence. Never 0.
    pub earliest: usize,
    /// The latest cell that may be it, with 99 % confidence.
    pub latest: usize,
}

/// Cells with what is needed to compare their likelihoods.
#[derive(Debug)]
pub struct Series<L = Likelihood> {
    /// Sums of the counts of all cells before an index; one longer than the cells.
    sums: Vec<Counts>,
    /// Place of each cell among the commits on which the suite ran.
    positions: Vec<u32>,
    likelihood: L,
}

impl Series {
    /// Prepares cells, the oldest first.
    pub fn new(cells: &[Cell]) -> Self {
        Self::explained_by(cells, Likelihood::up_to)
    }
}

impl<L: RateLikelihood> Series<L> {
    /// Prepares cells, the oldest first, for a likelihood that is made for their total.
    pub fn explained_by(cells: &[Cell], likelihood: impl FnOnce(Counts) -> L) -> Self {
        // Whether a failing run was retried is known where retries helped at least once.
        let is_retried = cells.iter().any(|cell| cell.recovered() > 0);
        let mut sums = vec![Counts::default()];
        let mut sum = Counts::default();
        for cell in cells {
            sum = sum.plus(Counts::of_cell(cell, is_retried));
            sums.push(sum);
        }
        let positions = cells.iter().map(|cell| cell.position).collect();
        Self { sums, positions, likelihood: likelihood(sum) }
    }

    /// What the cells from one index up to, not including, another have together.
    pub fn counts(&self, from: usize, to: usize) -> Counts {
        self.sums[to].minus(self.sums[from])
    }

    /// Logarithm of the likelihood of the cells from one index up to, not including, another, if nothing changed in them.
    pub fn ln_likelihood(&self, from: usize, to: usize) -> f64 {
        self.likelihood.ln(self.counts(from, to))
    }

    /// How much better a split before `at` explains the cells from one index up to, not including, another: the logarithm
    /// of the ratio of likelihoods.
    pub fn gain(&self, from: usize, at: usize, to: usize) -> f64 {
        self.ln_likelihood(from, at) + self.ln_likelihood(at, to) - self.ln_likelihood(from, to)
    }
}

/// The change points of cells, the oldest first. Every cell has a run.
pub fn change_points(cells: &[Cell], rules: &Rules) -> Vec<ChangePoint> {
    let outline = Outline::of(cells);
    if !outline.fails() {
        return Vec::new();
    }
    let bounds = search::bounds(&outline.explained_by(Likelihood::up_to), rules.change_prior);
    let bounds: Vec<usize> = bounds.into_iter().map(|row| outline.start(row)).collect();
    let series = Series::new(cells);
    bounds.windows(3).map(|bounds| position::of_change(&series, bounds[0], bounds[1], bounds[2])).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::notation::cells;

    fn points(text: &str) -> Vec<ChangePoint> {
        change_points(&cells(text), &Rules::default())
    }

    fn places(text: &str) -> Vec<usize> {
        points(text).iter().map(|point| point.index).collect()
    }

    #[test]
    fn hard_failures_split_after_as_many_as_is_known() {
        for (passes, failures, gain) in [(10, 6, 9.421), (50, 3, 10.448), (500, 2, 12.070)] {
            let text = |failures: usize| format!("{}{}", "P".repeat(passes), "F".repeat(failures));
            assert_eq!(places(&text(failures)), [passes], "{passes}");
            assert!(places(&text(failures - 1)).is_empty(), "{passes}");
            let series = Series::new(&cells(&text(failures)));
            let found = series.gain(0, passes, passes + failures);
            assert!((found - gain).abs() < 5e-4, "{found} for {gain}");
        }
    }

    #[test]
    fn what_broke_and_was_fixed_has_two_change_points() {
        let text = |failures: usize| format!("{}{}{}", "P".repeat(60), "F".repeat(failures), "P".repeat(60));
        assert_eq!(places(&text(6)), [60, 66]);
        assert!(places(&text(1)).is_empty());
    }

    #[test]
    fn retries_that_pass_do_not_hide_a_change() {
        assert_eq!(places(&format!("{}{}", "P".repeat(50), "R".repeat(5))), [50]);
        // From failures that a retry mends to failures that stay.
        assert_eq!(places(&format!("{}{}", "R".repeat(30), "F".repeat(30))), [30]);
    }

    #[test]
    fn an_interval_is_as_wide_as_what_is_not_known() {
        let text = |gap: usize| format!("{}{}{}", "P".repeat(200), ".".repeat(gap), "F".repeat(200));
        let sharp = points(&text(0))[0];
        assert_eq!((sharp.earliest, sharp.index, sharp.latest), (200, 200, 200));
        let cells = cells(&text(9));
        let wide = points(&text(9))[0];
        assert_eq!((cells[wide.earliest - 1].position, cells[wide.latest].position), (199, 209));
        // A partial failure leaves the first of its commits open.
        let partial = points(&format!("{}{}", "P".repeat(60), "FPPFPFPPFPPF".repeat(3)))[0];
        assert!(partial.earliest < 60 && partial.latest > 60, "{partial:?}");
    }

    proptest! {
        #[test]
        fn a_history_backwards_changes_at_the_same_places(text in "P{0,40}[PF]{0,20}F{0,20}") {
            let backwards: String = text.chars().rev().collect();
            let mut mirrored: Vec<usize> = places(&backwards).iter().map(|place| text.len() - place).collect();
            mirrored.reverse();
            let series = Series::new(&cells(&text));
            let explained = |places: &[usize]| {
                let bounds: Vec<usize> = [0].into_iter().chain(places.iter().copied()).chain([text.len()]).collect();
                bounds.windows(2).map(|pair| series.ln_likelihood(pair[0], pair[1])).sum::<f64>()
            };
            // Equally good places may be chosen differently.
            let (forth, back) = (places(&text), mirrored);
            prop_assert_eq!(forth.len(), back.len());
            prop_assert!((explained(&forth) - explained(&back)).abs() < 1e-6);
        }

        #[test]
        fn places_that_are_left_out_are_never_best(text in "[PFR]{2,40}") {
            let cells = cells(&text);
            let series = Series::new(&cells);
            let most = (1..cells.len()).map(|at| series.gain(0, at, cells.len())).fold(f64::NEG_INFINITY, f64::max);
            let outline = Outline::of(&cells);
            let rows = outline.explained_by(Likelihood::up_to);
            if let (true, Some((at, gain))) = (most > 1e-9, search::best_split(&rows, 0, outline.rows())) {
                prop_assert!((gain - series.gain(0, outline.start(at), cells.len())).abs() < 1e-9);
                prop_assert!(gain >= most - 1e-9);
            }
        }

        #[test]
        fn a_posterior_is_a_distribution(text in "[PFMR.]{0,10}P[PFMR.]{0,40}F") {
            let cells = cells(&text);
            let posterior = position::posterior(&Series::new(&cells), 0, cells.len());
            prop_assert_eq!(posterior.len(), cells.len() - 1);
            prop_assert!((posterior.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        }
    }
}
