//! How good claims are against the labels.

use analysis::change_points::likelihood::Counts;

use super::behaviour::Kind;
use super::configuration::{Labelled, Truth};

/// Changes of at most this age are young, commits.
const YOUNG: usize = 2;
/// Failed and passed commits since the last change at least, for a flaky test to have shown that it is.
const SHOWN: usize = 2;
/// Commits that a culprit has to be among.
pub(super) const FIVE: usize = 5;

/// A change that is said to have happened in a history, by indices of commits.
#[derive(Debug, Clone)]
pub(super) struct Claim {
    /// The last commit that had the old behaviour.
    pub(super) after: usize,
    /// The first that has the new one for sure.
    pub(super) until: usize,
    /// Whether it made things worse.
    pub(super) is_worse: bool,
    /// The five likeliest commits, the likeliest first.
    pub(super) likely: Vec<usize>,
}

impl Claim {
    fn is_of(&self, truth: &Truth) -> bool {
        self.is_worse == truth.is_worse && self.after < truth.culprit && truth.culprit <= self.until
    }
}

/// How bad some runs are, to tell whether a change made things worse.
pub(super) fn badness(runs: Counts) -> f64 {
    f64::from(runs.unexpected + runs.unrecovered) / f64::from(runs.runs.max(1))
}

/// Counts of a share.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Share {
    part: usize,
    whole: usize,
}

impl Share {
    fn add(&mut self, is_part: bool) {
        self.part += usize::from(is_part);
        self.whole += 1;
    }

    /// From 0 to 1.
    pub(super) fn value(self) -> f64 {
        self.part as f64 / self.whole.max(1) as f64
    }

    /// Of how many it is.
    pub(super) fn whole(self) -> usize {
        self.whole
    }
}

/// Measures of one method.
#[derive(Debug, Default)]
pub(super) struct Measures {
    /// Claims that hold.
    pub(super) precision: Share,
    /// Changes that a claim found.
    pub(super) recall: Share,
    /// The same of young changes.
    pub(super) young_recall: Share,
    /// Commits of each claim that holds.
    widths: Vec<usize>,
    /// Changes whose culprit is named first.
    pub(super) first: Share,
    /// Changes whose culprit is among the five that are named.
    pub(super) among_five: Share,
    /// Changes of several histories whose culprit is named first.
    pub(super) shared_first: Share,
    /// Histories that pass always and of which a change is claimed.
    pub(super) false_alarms: Share,
    /// Tests called flaky that are.
    pub(super) flaky_precision: Share,
    /// Flaky tests that are called flaky, of those that have shown it.
    pub(super) flaky_recall: Share,
}

impl Measures {
    /// Measures the claims about a history.
    pub(super) fn add_claims(&mut self, history: &Labelled, claims: &[Claim]) {
        for claim in claims {
            self.precision.add(history.truths.iter().any(|truth| claim.is_of(truth)));
        }
        let mut left: Vec<&Claim> = claims.iter().collect();
        for truth in &history.truths {
            let found = left.iter().position(|claim| claim.is_of(truth)).map(|index| left.remove(index));
            self.recall.add(found.is_some());
            if truth.age <= YOUNG {
                self.young_recall.add(found.is_some());
            }
            self.widths.extend(found.map(|claim| claim.until - claim.after));
            let rank = found.and_then(|claim| claim.likely.iter().position(|commit| *commit == truth.culprit));
            self.first.add(rank == Some(0));
            self.among_five.add(rank.is_some_and(|rank| rank < FIVE));
            if truth.is_shared {
                self.shared_first.add(rank == Some(0));
            }
        }
        if matches!(history.kind, Kind::Stable | Kind::Renamed) {
            self.false_alarms.add(!claims.is_empty());
        }
    }

    /// Measures whether a history is called flaky.
    pub(super) fn add_flaky(&mut self, history: &Labelled, is_called: bool) {
        let (failed, passed) = history.shown;
        if is_called {
            self.flaky_precision.add(history.is_flaky);
        }
        if history.is_flaky && failed >= SHOWN && passed >= SHOWN {
            self.flaky_recall.add(is_called);
        }
    }

    /// The width that a share of the claims that hold does not exceed, commits.
    pub(super) fn width(&self, percent: usize) -> usize {
        let mut widths = self.widths.clone();
        widths.sort_unstable();
        let index = (widths.len() * percent).div_ceil(100).saturating_sub(1);
        widths.get(index).copied().unwrap_or_default()
    }
}
