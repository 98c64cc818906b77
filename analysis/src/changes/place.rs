//! Which commits may have done a change, with probabilities.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use schema::ids::CommitKey;

use crate::history::Cell;

use super::Suite;

/// What a probability never falls below before several are multiplied, so that one odd result does not rule a commit out.
const FLOOR: f64 = 1e-4;
/// How likely a plausible commit is at least, against the likeliest.
const PLAUSIBLE: f64 = 0.3;
/// What a range leaves out at each end; both together are one per cent.
const TAIL: f64 = 0.005;

/// Every commit of a suite in the order of the branch.
#[derive(Debug)]
pub(super) struct Timeline {
    pub(super) commits: Vec<CommitKey>,
    places: HashMap<CommitKey, usize>,
}

impl Timeline {
    /// Tested commits stand in their own order. Each of the others comes before the first tested one that is newer by its
    /// clock, or that comes after a newer one.
    pub(super) fn of(suite: &Suite<'_>) -> Self {
        let mut known: HashSet<CommitKey> = suite.order.iter().copied().collect();
        let mut newest = CommitKey::FIRST;
        let mut placed: Vec<(CommitKey, usize, CommitKey)> = Vec::with_capacity(suite.commits.len() + known.len());
        for (index, commit) in suite.order.iter().enumerate() {
            newest = newest.max(*commit);
            placed.push((newest, index, *commit));
        }
        let others = suite.commits.iter().copied().filter(|commit| known.insert(*commit));
        placed.extend(others.map(|commit| (commit, usize::MAX, commit)));
        placed.sort_unstable();
        let commits: Vec<CommitKey> = placed.into_iter().map(|(.., commit)| commit).collect();
        let places = commits.iter().copied().zip(0..).collect();
        Self { commits, places }
    }

    /// The index of a commit of the suite.
    pub(super) fn index(&self, commit: CommitKey) -> usize {
        self.places.get(&commit).copied().unwrap_or_else(|| self.commits.partition_point(|known| *known < commit))
    }
}

/// Probabilities of neighbouring commits to have done a change. They sum to one.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Place {
    /// Index of the first of the commits.
    first: usize,
    shares: Vec<f64>,
    mode: usize,
}

impl Place {
    /// The place of a change in cells, from how likely each of them but the first is to be the first with the new behaviour.
    /// Commits between two tested ones are equally likely.
    pub(super) fn of_cells(timeline: &Timeline, cells: &[Cell], ln_likelihoods: &[f64]) -> Self {
        let first = timeline.index(cells[0].commit) + 1;
        let most = timeline.commits.len().saturating_sub(first);
        let mut logarithms = Vec::new();
        for (cell, ln_likelihood) in cells[1..].iter().zip(ln_likelihoods) {
            // The commits that come after the tested one before, up to this one.
            let end = (timeline.index(cell.commit) + 1).saturating_sub(first);
            logarithms.resize(end.max(logarithms.len() + 1).min(most), *ln_likelihood);
        }
        Self::normal(first, logarithms)
    }

    fn normal(first: usize, logarithms: Vec<f64>) -> Self {
        let most = logarithms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let weights: Vec<f64> = logarithms.iter().map(|logarithm| (logarithm - most).exp()).collect();
        let total: f64 = weights.iter().sum();
        let mut shares: Vec<f64> = weights.into_iter().map(|weight| weight / total).collect();
        // What is next to impossible is cut off, so that places stay short.
        let is_possible = |share: &f64| *share > FLOOR * FLOOR;
        let start = shares.iter().position(is_possible).unwrap_or(0);
        let end = shares.iter().rposition(is_possible).map_or(shares.len(), |last| last + 1);
        shares.truncate(end);
        let shares = shares.split_off(start);
        let largest = (0..shares.len()).max_by(|one, other| shares[*one].total_cmp(&shares[*other]));
        let first = first + start;
        Self { first, mode: first + largest.unwrap_or(0), shares }
    }

    /// The probability of a commit.
    pub(super) fn share(&self, commit: usize) -> f64 {
        commit.checked_sub(self.first).and_then(|index| self.shares.get(index)).copied().unwrap_or(0.0)
    }

    /// The probability that two changes have one commit if they are independent.
    pub(super) fn overlap(&self, other: &Self) -> f64 {
        let start = self.first.max(other.first);
        let end = (self.first + self.shares.len()).min(other.first + other.shares.len());
        (start..end).map(|commit| self.share(commit) * other.share(commit)).sum()
    }

    /// The place of one change that explains both.
    pub(super) fn joined(&self, other: &Self) -> Self {
        let start = self.first.min(other.first);
        let end = (self.first + self.shares.len()).max(other.first + other.shares.len());
        let logarithm = |commit| (self.share(commit) + FLOOR * FLOOR).ln() + (other.share(commit) + FLOOR).ln();
        Self::normal(start, (start..end).map(logarithm).collect())
    }

    /// The commit before the 99 % interval, if it is known, and the last commit of it.
    pub(super) fn range(&self) -> (Option<usize>, usize) {
        let left_out = |shares: &mut dyn Iterator<Item = &f64>| {
            let mut sum = 0.0;
            shares
                .take_while(|share| {
                    sum += **share;
                    sum < TAIL
                })
                .count()
        };
        let before = left_out(&mut self.shares.iter());
        let behind = left_out(&mut self.shares.iter().rev());
        let last = self.first + self.shares.len() - 1;
        ((self.first + before).checked_sub(1), last - behind)
    }

    /// The likeliest commits with their probabilities; of equally likely ones the newer first.
    pub(super) fn likeliest(&self, most: usize) -> impl Iterator<Item = (usize, f64)> {
        let mut commits: Vec<(usize, f64)> = (self.first..).zip(self.shares.iter().copied()).collect();
        commits.sort_by(|one, other| other.1.total_cmp(&one.1).then(other.0.cmp(&one.0)));
        commits.truncate(most);
        commits.into_iter()
    }

    /// Whether a commit is not much less likely than the likeliest.
    pub(super) fn is_plausible(&self, commit: usize) -> bool {
        self.share(commit) > PLAUSIBLE * self.share(self.mode)
    }

    /// The likeliest commit, the newest of equally likely ones.
    pub(super) fn mode(&self) -> usize {
        self.mode
    }

    /// The commits that may have done it.
    pub(super) fn commits(&self) -> Range<usize> {
        self.first..self.first + self.shares.len()
    }

    /// How many commits may have done it.
    pub(super) fn width(&self) -> usize {
        self.shares.len()
    }
}
