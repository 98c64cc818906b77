//! Change points: where the behaviour of a test changed, found in its cells alone.
//!
//! [`likelihood`] says how well one unchanging rate explains some runs, [`search`] where splitting explains them so much
//! better that a change is likely, [`position`] how sure the place of a change is.

pub mod likelihood;
pub mod position;
pub mod search;

use crate::history::Cell;
use crate::rules::Rules;

use likelihood::{Counts, Likelihood};

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
pub struct Series {
    /// Sums of the counts of all cells before an index; one longer than the cells.
    sums: Vec<Counts>,
    /// Place of each cell among the commits on which the suite ran.
    positions: Vec<u32>,
    likelihood: Likelihood,
}

impl Series {
    /// Prepares cells, the oldest first.
    pub fn new(cells: &[Cell]) -> Self {
        // Whether a failing run was retried is known where retries helped at least once.
        let is_retried = cells.iter().any(|cell| cell.recovered() > 0);
        let mut sums = vec![Counts::default()];
        let mut sum = Counts::default();
        for cell in cells {
            sum = sum.plus(Counts::of_cell(cell, is_retried));
            sums.push(sum);
        }
        let positions = cells.iter().map(|cell| cell.position).collect();
        Self { sums, positions, likelihood: Likelihood::up_to(sum) }
    }

    /// How many cells there are.
    pub fn len(&self) -> usize {
        self.positions.len()
    }

    /// Whether there is no cell.
    pub fn is_empty(&self) -> bool {
        self.positions.is_empty()
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
    if cells.iter().all(|cell| cell.failed == 0) {
        return Vec::new();
    }
    let series = Series::new(cells);
    let bounds = search::bounds(&series, rules.change_prior);
    bounds.windows(3).map(|bounds| position::of_change(&series, bounds[0], bounds[1], bounds[2])).collect()
}
