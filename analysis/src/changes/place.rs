//! Which commits may have done a change, with probabilities.

use std::collections::HashSet;
use std::ops::RangeInclusive;

use rustc_hash::FxHashMap;
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
    places: FxHashMap<CommitKey, usize>,
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
    steps: Vec<Step>,
    mode: usize,
}

/// Neighbouring commits that are equally likely, as those between two tested ones are.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Step {
    /// Index of the commit after the last of them.
    end: usize,
    /// What is told of each.
    value: f64,
}

impl Place {
    /// The place of a change in cells, from how likely each of them but the first is to be the first with the new behaviour.
    /// Commits between two tested ones are equally likely. There are two cells at least.
    pub(super) fn of_cells(timeline: &Timeline, cells: &[Cell], ln_likelihoods: impl Iterator<Item = f64>) -> Self {
        // A commit that is tested again may do otherwise than before: then it is the place itself.
        let (before, next) = (timeline.index(cells[0].commit), timeline.index(cells[1].commit));
        let first = (before + 1).min(next).min(timeline.commits.len().saturating_sub(1));
        let mut steps: Vec<Step> = Vec::with_capacity(cells.len());
        let mut start = first;
        for (cell, value) in cells[1..].iter().zip(ln_likelihoods) {
            // The commits that come after the tested one before, up to this one.
            let end = (timeline.index(cell.commit) + 1).max(start + 1).min(timeline.commits.len());
            if end > start {
                steps.push(Step { end, value });
                start = end;
            }
        }
        Self::normal(first, steps)
    }

    /// The probabilities that belong to logarithms.
    fn normal(mut first: usize, mut steps: Vec<Step>) -> Self {
        let most = steps.iter().map(|step| step.value).fold(f64::NEG_INFINITY, f64::max);
        let (mut start, mut total) = (first, 0.0);
        for step in &mut steps {
            step.value = (step.value - most).exp();
            total += step.value * (step.end - start) as f64;
            start = step.end;
        }
        for step in &mut steps {
            step.value /= total;
        }
        // What is next to impossible is cut off, so that places stay short.
        let is_possible = |step: &Step| step.value > FLOOR * FLOOR;
        if let (Some(begin), Some(last)) = (steps.iter().position(is_possible), steps.iter().rposition(is_possible)) {
            steps.truncate(last + 1);
            if begin > 0 {
                first = steps[begin - 1].end;
                steps.drain(..begin);
            }
        }
        let largest = steps.iter().max_by(|one, other| one.value.total_cmp(&other.value));
        Self { first, mode: largest.map_or(first, |step| step.end - 1), steps }
    }

    /// The steps with the index of the first commit of each.
    fn spans(&self) -> impl DoubleEndedIterator<Item = (usize, Step)> {
        let start = |index: usize| if index == 0 { self.first } else { self.steps[index - 1].end };
        (0..self.steps.len()).map(move |index| (start(index), self.steps[index]))
    }

    /// Index of the commit after the last.
    fn end(&self) -> usize {
        self.steps.last().map_or(self.first, |step| step.end)
    }

    /// The probability of a commit.
    pub(super) fn share(&self, commit: usize) -> f64 {
        let step = self.steps.get(self.steps.partition_point(|step| step.end <= commit));
        step.filter(|_| commit >= self.first).map_or(0.0, |step| step.value)
    }

    /// The commits where the probability of one of two places changes, in the order of the branch, without `start`.
    fn bounds(&self, other: &Self, start: usize, end: usize) -> Vec<usize> {
        let of = |place: &Self| {
            let ends = place.steps.iter().map(|step| step.end);
            [place.first].into_iter().chain(ends).collect::<Vec<usize>>()
        };
        let mut bounds = of(self);
        bounds.extend(of(other));
        bounds.retain(|bound| (start + 1..=end).contains(bound));
        bounds.sort_unstable();
        bounds.dedup();
        bounds
    }

    /// The probability that two changes have one commit if they are independent.
    pub(super) fn overlap(&self, other: &Self) -> f64 {
        let mut start = self.first.max(other.first);
        let (mut own, mut others) = (self.steps.as_slice(), other.steps.as_slice());
        let mut overlap = 0.0;
        while let ([one, rest @ ..], [another, remaining @ ..]) = (own, others) {
            let end = one.end.min(another.end);
            if end > start {
                overlap += one.value * another.value * (end - start) as f64;
                start = end;
            }
            if one.end <= end {
                own = rest;
            }
            if another.end <= end {
                others = remaining;
            }
        }
        overlap
    }

    /// The place of one change that explains both.
    pub(super) fn joined(&self, other: &Self) -> Self {
        let first = self.first.min(other.first);
        let logarithm = |commit| (self.share(commit) + FLOOR * FLOOR).ln() + (other.share(commit) + FLOOR).ln();
        let bounds = self.bounds(other, first, self.end().max(other.end()));
        Self::normal(first, bounds.into_iter().map(|end| Step { end, value: logarithm(end - 1) }).collect())
    }

    /// The commit before the 99 % interval, if it is known, and the last commit of it.
    pub(super) fn range(&self) -> (Option<usize>, usize) {
        let left_out = |spans: &mut dyn Iterator<Item = (usize, Step)>| {
            let (mut left, mut count) = (TAIL, 0);
            for (start, Step { end, value }) in spans {
                let fitting = ((left / value).ceil() as usize).saturating_sub(1).min(end - start);
                count += fitting;
                left -= value * fitting as f64;
                if fitting < end - start {
                    break;
                }
            }
            count
        };
        let before = left_out(&mut self.spans());
        let behind = left_out(&mut self.spans().rev());
        ((self.first + before).checked_sub(1), self.end().saturating_sub(1 + behind))
    }

    /// The likeliest commits with their probabilities; of equally likely ones the newer first.
    pub(super) fn likeliest(&self, most: usize) -> impl Iterator<Item = (usize, f64)> {
        let mut spans: Vec<(usize, Step)> = self.spans().collect();
        spans.sort_by(|(_, one), (_, other)| other.value.total_cmp(&one.value).then(other.end.cmp(&one.end)));
        let commits = |(start, step): (usize, Step)| (start..step.end).rev().map(move |commit| (commit, step.value));
        spans.into_iter().flat_map(commits).take(most)
    }

    /// The commits that are not much less likely than the likeliest.
    pub(super) fn plausible(&self) -> impl Iterator<Item = RangeInclusive<usize>> {
        let least = PLAUSIBLE * self.share(self.mode);
        self.spans().filter(move |(_, step)| step.value > least).map(|(start, step)| start..=step.end - 1)
    }

    /// The likeliest commit, the newest of equally likely ones.
    pub(super) fn mode(&self) -> usize {
        self.mode
    }

    /// How many commits are plausible: what is known well has few, however many are not quite impossible.
    pub(super) fn width(&self) -> usize {
        self.plausible().map(|commits| commits.end() + 1 - commits.start()).sum()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A place from the widths of its steps and the logarithms of their likelihoods.
    fn place(first: usize, steps: &[(usize, f64)]) -> Place {
        let mut end = first;
        let step = |(width, value): &(usize, f64)| {
            end += width;
            Step { end, value: *value }
        };
        Place::normal(first, steps.iter().map(step).collect())
    }

    fn any_place() -> impl Strategy<Value = Place> {
        (0usize..20, prop::collection::vec((1usize..6, -25.0..0.0f64), 1..8))
            .prop_map(|(first, steps)| place(first, &steps))
    }

    fn shares(place: &Place) -> Vec<f64> {
        (0..100).map(|commit| place.share(commit)).collect()
    }

    proptest! {
        #[test]
        fn steps_are_what_their_commits_are_one_by_one(one in any_place(), other in any_place()) {
            let (left, right) = (shares(&one), shares(&other));
            prop_assert!((left.iter().sum::<f64>() - 1.0).abs() < 1e-6);
            let overlap: f64 = left.iter().zip(&right).map(|(left, right)| left * right).sum();
            prop_assert!((one.overlap(&other) - overlap).abs() < 1e-9);
            let product = |(left, right): (&f64, &f64)| (left + FLOOR * FLOOR) * (right + FLOOR);
            let first = one.first.min(other.first);
            let end = one.end().max(other.end());
            let products: Vec<f64> = left[first..end].iter().zip(&right[first..end]).map(product).collect();
            let total: f64 = products.iter().sum();
            for (commit, product) in (first..).zip(products) {
                prop_assert!((one.joined(&other).share(commit) - product / total).abs() < 1e-6);
            }
        }

        #[test]
        fn a_range_leaves_out_little(place in any_place()) {
            let (shares, (after, until)) = (shares(&place), place.range());
            let before: f64 = after.map_or(0.0, |after| shares[..=after].iter().sum());
            prop_assert!(before < TAIL && shares[until + 1..].iter().sum::<f64>() < TAIL);
            let begin = after.map_or(0, |after| after + 1);
            prop_assert!(shares[..=begin].iter().sum::<f64>() >= TAIL - 1e-9 && (begin..=until).contains(&place.mode()));
            let likeliest: Vec<(usize, f64)> = place.likeliest(5).collect();
            prop_assert_eq!(likeliest[0], (place.mode(), place.share(place.mode())));
            prop_assert!(likeliest.windows(2).all(|pair| pair[0].1 >= pair[1].1));
            prop_assert!(likeliest.iter().all(|(commit, share)| shares[*commit] == *share));
        }
    }
}
