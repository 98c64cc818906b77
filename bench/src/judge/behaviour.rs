//! How tests behave: what the labels of the simulation are, and the chances that its results are drawn from.

use crate::random::Random;

/// How a test behaves while nothing changes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Regime {
    /// The probability that an attempt fails.
    pub(super) fails: f64,
    /// The probability that a retry of a failed attempt fails.
    pub(super) stays: f64,
    /// Whether failures come in bursts: in some short stretches of commits, and nowhere else.
    pub(super) is_in_bursts: bool,
}

impl Regime {
    /// Every attempt passes.
    pub(super) const PASSES: Self = Self { fails: 0.0, stays: 0.0, is_in_bursts: false };
    /// Every attempt fails.
    pub(super) const FAILS: Self = Self { fails: 1.0, stays: 1.0, is_in_bursts: false };

    /// Each attempt fails by chance.
    pub(super) fn flaky(fails: f64) -> Self {
        Self { fails, stays: fails, is_in_bursts: false }
    }

    /// Whether passes and failures are chance, where failures are retried or not.
    pub(super) fn is_flaky(&self, has_retries: bool) -> bool {
        self.fails > 0.0 && (self.fails < 1.0 || (has_retries && self.stays < 1.0))
    }

    /// How bad it is, to tell which of two is worse.
    pub(super) fn badness(&self) -> f64 {
        self.fails * (1.0 + self.stays)
    }
}

/// What happens to a test on one configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// Passes always.
    Stable,
    /// Fails by chance, in 0.5 to 50 % of the attempts.
    Flaky,
    /// Fails by chance, in bursts of a few commits.
    Bursts,
    /// Fails always from a commit on.
    Regression,
    /// Fails by chance from a commit on, in 40 to 90 % of the attempts.
    PartialRegression,
    /// Fails by chance, and more often from a commit on.
    Flakier,
    /// Failed always up to a commit.
    Fixed,
    /// Broke, was fixed, and broke again.
    BrokenAgain,
    /// Fails from a commit on, and a retry mostly passes.
    HiddenByRetries,
    /// Goes on under another name from a commit on.
    Renamed,
    /// Is one of several tests that a commit breaks.
    Shared,
}

/// Kinds with how often each comes, in thousandths.
const KINDS: [(Kind, u64); 10] = [
    (Kind::Stable, 280),
    (Kind::Flaky, 130),
    (Kind::Bursts, 50),
    (Kind::Regression, 170),
    (Kind::PartialRegression, 70),
    (Kind::Flakier, 60),
    (Kind::Fixed, 60),
    (Kind::BrokenAgain, 50),
    (Kind::HiddenByRetries, 50),
    (Kind::Renamed, 50),
];

impl Kind {
    /// What happens to some history.
    pub(super) fn draw(random: &mut Random) -> Self {
        let mut drawn = random.below(KINDS.iter().map(|(_, share)| share).sum());
        for (kind, share) in KINDS {
            match drawn.checked_sub(share) {
                Some(rest) => drawn = rest,
                None => return kind,
            }
        }
        Self::Stable
    }

    /// The regimes that follow each other.
    pub(super) fn regimes(self, random: &mut Random) -> Vec<Regime> {
        let flaky = |random: &mut Random| Regime::flaky(random.log_uniform(0.005, 0.5));
        match self {
            Self::Stable | Self::Renamed => vec![Regime::PASSES],
            Self::Flaky => vec![flaky(random)],
            Self::Bursts => vec![Regime { is_in_bursts: true, ..Regime::flaky(0.25 + 0.25 * random.share()) }],
            Self::Regression | Self::Shared => vec![Regime::PASSES, Regime::FAILS],
            Self::PartialRegression => vec![Regime::PASSES, Regime::flaky(0.4 + 0.5 * random.share())],
            Self::Flakier => {
                let before = random.log_uniform(0.005, 0.04);
                vec![Regime::flaky(before), Regime::flaky(0.3 + 0.5 * random.share())]
            }
            Self::Fixed => vec![Regime::FAILS, Regime::PASSES],
            Self::BrokenAgain => vec![Regime::PASSES, Regime::FAILS, Regime::PASSES, Regime::FAILS],
            Self::HiddenByRetries => {
                vec![Regime::PASSES, Regime { fails: 0.9 + 0.1 * random.share(), stays: 0.1, is_in_bursts: false }]
            }
        }
    }
}
