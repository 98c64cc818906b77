//! How often results fail by chance, learnt from all histories of a suite: most tests never do, some often, and few always.

use std::collections::{BTreeMap, BTreeSet};

use schema::ids::ConfigId;

use crate::change_points::likelihood::{Counts, RateLikelihood, Retries};

use super::Suite;
use super::candidate::{Candidate, Span};

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
    fn of(is_bad: &[bool]) -> Self {
        let bad = is_bad.iter().filter(|bad| **bad).count();
        Self { bad: bad as f64, all: is_bad.len() as f64, times: 1.0 }
    }
}

/// The shares of rates among stretches without a change.
#[derive(Debug)]
pub(super) struct Noise {
    shares: [f64; RATES.len()],
    /// The logarithm of each share, of its rate, and of what the rate leaves.
    logarithms: [[f64; 3]; RATES.len()],
}

impl Noise {
    fn with_shares(shares: [f64; RATES.len()]) -> Self {
        let of = |index: usize| [shares[index].max(1e-12), RATES[index], 1.0 - RATES[index]].map(f64::ln);
        Self { shares, logarithms: std::array::from_fn(of) }
    }

    /// Learns from the stretches between changes, without the newest row of equal results, which may be a change.
    pub(super) fn of(suite: &Suite<'_>, changes: &[Span]) -> Self {
        let mut stretches = Vec::new();
        let mut changes = changes.iter().peekable();
        for (subject, history) in suite.subjects.iter().map(|subject| &subject.history).enumerate() {
            if history.cells.iter().all(|cell| cell.failed == 0) {
                stretches.push(Stretch { bad: 0.0, all: history.cells.len() as f64, times: 1.0 });
                continue;
            }
            let is_bad: Vec<bool> = history.cells.iter().map(|cell| cell.failed > 0).collect();
            let mut bounds = vec![0];
            while let Some(change) = changes.next_if(|change| change.subject == subject) {
                bounds.push(change.at);
            }
            let start = bounds[bounds.len() - 1];
            let row = is_bad.iter().rev().take_while(|bad| Some(*bad) == is_bad.last()).count();
            let end = is_bad.len() - row;
            bounds.push(if end > start { end } else { is_bad.len() });
            stretches.extend(bounds.windows(2).map(|pair| Stretch::of(&is_bad[pair[0]..pair[1]])));
        }
        stretches.push(Self::clean(suite));
        Self::learn(&stretches)
    }

    /// The tests that have no subject because they never failed. They are taken to run as often as the others.
    fn clean(suite: &Suite<'_>) -> Stretch {
        let configurations: BTreeSet<ConfigId> = suite.subjects.iter().map(|subject| subject.configuration).collect();
        let histories = (suite.tests as usize * configurations.len()).saturating_sub(suite.subjects.len());
        let cells: usize = suite.subjects.iter().map(|subject| subject.history.cells.len()).sum();
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
        let stretches: Vec<Stretch> = alike.into_values().collect();
        let mut noise = Self::with_shares([1.0 / RATES.len() as f64; RATES.len()]);
        for _ in 0..ROUNDS {
            let mut sums = [0.5 / RATES.len() as f64; RATES.len()];
            for Stretch { bad, all, times } in &stretches {
                for (sum, share) in sums.iter_mut().zip(noise.rates_of(*bad, *all)) {
                    *sum += share * times;
                }
            }
            let total: f64 = sums.iter().sum();
            noise = Self::with_shares(sums.map(|sum| sum / total));
        }
        noise
    }

    /// The probabilities of the rates of a stretch.
    fn rates_of(&self, bad: f64, all: f64) -> [f64; RATES.len()] {
        let logarithms = self.logarithms(bad, all);
        let most = logarithms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let weights = logarithms.map(|logarithm| (logarithm - most).exp());
        let total: f64 = weights.iter().sum();
        weights.map(|weight| weight / total)
    }

    /// How likely runs are at rates as the suite shows them.
    pub(super) fn likelihood(&self, total: Counts) -> NoiseLikelihood {
        let is_extreme = |index: usize| index == 0 || index + 1 == RATES.len();
        let doubt = |index: usize| DOUBT * (0.5 / RATES.len() as f64 + if is_extreme(index) { 0.25 } else { 0.0 });
        let share = |index: usize| (1.0 - DOUBT) * self.shares[index] + doubt(index);
        let terms = std::array::from_fn(|index| {
            let rate: f64 = RATES[index];
            (share(index).ln(), rate.ln(), (1.0 - rate).ln())
        });
        NoiseLikelihood { terms, retries: Retries::up_to(total) }
    }

    /// Logarithms of the joint probabilities of the rates and a stretch.
    fn logarithms(&self, bad: f64, all: f64) -> [f64; RATES.len()] {
        self.logarithms.map(|[share, rate, rest]| share + bad * rate + (all - bad) * rest)
    }

    /// How surprising a row of `row` results of one kind is after `bad` of `all` failed: minus the logarithm of its
    /// probability.
    pub(super) fn surprise(&self, bad: usize, all: usize, row: usize, is_bad: bool) -> f64 {
        let chance = |rate: f64| if is_bad { rate } else { 1.0 - rate };
        let rates = self.rates_of(bad as f64, all as f64);
        let probability: f64 = rates.iter().zip(RATES).map(|(share, rate)| share * chance(rate).powi(row as i32)).sum();
        -probability.max(f64::MIN_POSITIVE).ln()
    }

    /// How surprising the newest row of a candidate is.
    pub(super) fn surprise_of(&self, suite: &Suite<'_>, candidate: &Candidate) -> f64 {
        let cells = suite.subjects[candidate.subject].history.cells;
        let before = &cells[candidate.from..candidate.at];
        let bad = before.iter().filter(|cell| cell.failed > 0).count();
        let row = candidate.to - candidate.at;
        self.surprise(bad, before.len(), row, cells[candidate.at].failed > 0)
    }
}

/// Likelihoods of counts, the rates being those that a suite shows.
#[derive(Debug)]
pub(super) struct NoiseLikelihood {
    /// For each rate the logarithms of its share, of itself, and of what it leaves.
    terms: [(f64, f64, f64); RATES.len()],
    retries: Retries,
}

impl RateLikelihood for NoiseLikelihood {
    fn ln(&self, counts: Counts) -> f64 {
        let (bad, good) = (f64::from(counts.unexpected), f64::from(counts.runs - counts.unexpected));
        let logarithms = self.terms.map(|(share, rate, rest)| share + bad * rate + good * rest);
        let most = logarithms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = logarithms.iter().map(|logarithm| (logarithm - most).exp()).sum();
        most + sum.ln() + self.retries.ln(counts)
    }
}
