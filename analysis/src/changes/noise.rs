//! How often results fail by chance, learnt from all histories of a suite: most tests never do, some often, and few always.

use std::collections::BTreeMap;

use crate::change_points::likelihood::{Counts, RateLikelihood, Retries};
use crate::change_points::outline::{Outline, RowsTotal};

use super::OutlinedSuite;
use super::mixture::Mixture;
use super::segments::Segments;

/// Rates of failures that are told apart.
const RATES: [f64; 18] =
    [1e-4, 3e-4, 1e-3, 3e-3, 0.006, 0.012, 0.025, 0.05, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.97, 0.99, 0.999];
/// How far the rates of one history may differ from those that the suite shows. Half of that share is for tests that pass
/// always or fail always, the rest for any rate.
const DOUBT: f64 = 0.5;
/// Rounds of learning.
const ROUNDS: usize = 25;

/// Results of a history between two changes: how many failed of how many, and how many such stretches there are.
#[derive(Debug, Clone, Copy)]
struct Stretch {
    bad: f64,
    all: f64,
    times: f64,
}

impl Stretch {
    fn of(total: RowsTotal) -> Self {
        Self { bad: f64::from(total.failed), all: f64::from(total.cells), times: 1.0 }
    }
}

/// The shares of rates among stretches without a change.
#[derive(Debug)]
pub(super) struct Noise {
    /// The shares as they were learnt.
    learnt: Mixture<{ RATES.len() }>,
    /// The same with doubt: what one history is judged by.
    doubted: Mixture<{ RATES.len() }>,
}

impl Noise {
    fn with_shares(shares: [f64; RATES.len()]) -> Self {
        let is_extreme = |index: usize| index == 0 || index + 1 == RATES.len();
        let doubt = |index: usize| DOUBT * (0.5 / RATES.len() as f64 + if is_extreme(index) { 0.25 } else { 0.0 });
        let doubted = std::array::from_fn(|index| (1.0 - DOUBT) * shares[index] + doubt(index));
        Self { learnt: Mixture::new(shares, RATES), doubted: Mixture::new(doubted, RATES) }
    }

    /// Learns from the stretches between changes, without the newest row of equal results, which may be a change.
    pub(super) fn of(suite: &OutlinedSuite<'_>, segments: &[Segments]) -> Self {
        let passing = suite.outlines.iter().filter(|outline| !outline.fails());
        let mut stretches: Vec<Stretch> =
            passing.map(|outline| Stretch::of(outline.total(0, outline.rows()))).collect();
        for of in segments {
            let outline = &suite.outlines[of.subject];
            let start = of.newest();
            let end = Some(outline.newest_alike(start)).filter(|end| *end > start).unwrap_or(outline.rows());
            let inner = of.bounds[..of.bounds.len() - 1].windows(2).map(|bounds| (bounds[0], bounds[1]));
            stretches.extend(inner.chain([(start, end)]).map(|(from, to)| Stretch::of(outline.total(from, to))));
        }
        stretches.push(Self::clean(suite));
        Self::learn(&stretches)
    }

    /// The tests that have no subject because they never failed. They are taken to run as often as the others.
    fn clean(suite: &OutlinedSuite<'_>) -> Stretch {
        let all = suite.tests as usize * suite.scopes.configurations();
        let histories = all.saturating_sub(suite.subjects.len());
        let cells: usize = suite.outlines.iter().map(Outline::cells).sum();
        Stretch { bad: 0.0, all: cells as f64 / suite.subjects.len().max(1) as f64, times: histories as f64 }
    }

    /// Finds the shares of rates that explain stretches best, by expectation and maximisation. Most stretches are like many
    /// others: one without a failure that is as long as all of them.
    fn learn(stretches: &[Stretch]) -> Self {
        let mut alike: BTreeMap<(u64, u64), Stretch> = BTreeMap::new();
        for one in stretches {
            let known = alike.entry((one.bad.to_bits(), one.all.to_bits())).or_insert(Stretch { times: 0.0, ..*one });
            known.times += one.times;
        }
        // What the rates say of each stretch stays the same, whatever their shares are.
        let explained = |one: &Stretch| (one.times, Self::explained(one));
        let explained: Vec<(f64, [f64; RATES.len()])> = alike.values().map(explained).collect();
        let mut shares = [1.0 / RATES.len() as f64; RATES.len()];
        for _ in 0..ROUNDS {
            let mut sums = [0.5 / RATES.len() as f64; RATES.len()];
            for (times, weights) in &explained {
                let total: f64 = weights.iter().zip(shares).map(|(weight, share)| weight * share).sum();
                for ((sum, weight), share) in sums.iter_mut().zip(weights).zip(shares) {
                    *sum += weight * share / total * times;
                }
            }
            let total: f64 = sums.iter().sum();
            shares = sums.map(|sum| sum / total);
        }
        Self::with_shares(shares)
    }

    /// How likely a stretch is at each rate, against the likeliest.
    fn explained(Stretch { bad, all, .. }: &Stretch) -> [f64; RATES.len()] {
        let logarithms = RATES.map(|rate| bad * rate.ln() + (all - bad) * (1.0 - rate).ln());
        let most = logarithms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        logarithms.map(|logarithm| (logarithm - most).exp())
    }

    /// How likely runs are at rates as the suite shows them.
    pub(super) fn likelihood(&self, total: Counts) -> NoiseLikelihood<'_> {
        NoiseLikelihood { mixture: &self.doubted, retries: Retries::up_to(total) }
    }

    /// How surprising what came since is after what came before: minus the logarithm of its probability. Either all cells
    /// since then failed, or none.
    pub(super) fn surprise(&self, before: &RowsTotal, since: &RowsTotal) -> f64 {
        // The probability of what followed is that of all, divided by that of what came before.
        let all = self.learnt.ln(before.failed + since.failed, before.cells + since.cells);
        self.learnt.ln(before.failed, before.cells) - all
    }
}

/// Likelihoods of counts, the rates being those that a suite shows.
#[derive(Debug)]
pub(super) struct NoiseLikelihood<'a> {
    mixture: &'a Mixture<{ RATES.len() }>,
    retries: Retries,
}

impl RateLikelihood for NoiseLikelihood<'_> {
    fn ln(&self, counts: Counts) -> f64 {
        self.mixture.ln(counts.unexpected, counts.runs) + self.retries.ln(counts)
    }
}
