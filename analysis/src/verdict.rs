//! How a configuration is doing, from its newest runs.

use schema::ids::CommitKey;
use schema::seconds::WEEK;

use crate::blame;

/// A configuration whose newest run is this much older than the newest of all is not heard of any more, seconds.
pub const STALE_SECONDS: u64 = WEEK;
/// Changes between pass and fail from which on no fix explains them.
const FLAKY_FLIPS: usize = 3;

/// How a configuration is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The newest run was as expected.
    Passing,
    /// The newest runs failed.
    Failing {
        /// The commit since which they fail.
        first_bad: CommitKey,
        /// The commit of the last run that did not fail, if there was one.
        last_good: Option<CommitKey>,
    },
    /// It changes between pass and fail.
    Flaky {
        /// How many neighbouring runs differ.
        flips: usize,
    },
    /// It did not run lately.
    Stale,
}

/// Neighbouring runs of which one failed and the other did not.
pub fn flips(runs: &[(CommitKey, bool)]) -> usize {
    runs.windows(2).filter(|pair| pair[0].1 != pair[1].1).count()
}

/// The verdict on one configuration from its runs, newest first: their commits, and whether they failed unexpectedly.
/// `newest` is the newest commit of all configurations.
pub fn of_runs(runs: impl Iterator<Item = (CommitKey, bool)>, newest: CommitKey) -> Verdict {
    let runs: Vec<(CommitKey, bool)> = runs.collect();
    let Some((latest, _)) = runs.first().copied() else { return Verdict::Stale };
    let flips = flips(&runs);
    if newest.time().saturating_sub(latest.time()) > STALE_SECONDS {
        Verdict::Stale
    } else if flips >= FLAKY_FLIPS {
        Verdict::Flaky { flips }
    } else {
        match blame::of_runs(runs) {
            Some(range) => Verdict::Failing { first_bad: range.first_bad, last_good: range.last_good },
            None => Verdict::Passing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(runs: &str) -> Verdict {
        let newest_first = runs.bytes().rev().enumerate();
        let total = runs.len() as u64;
        let commit = |index: usize| CommitKey::start_of(total - index as u64);
        of_runs(newest_first.map(|(index, run)| (commit(index), run == b'F')), CommitKey::start_of(total))
    }

    #[test]
    fn the_blame_range_lies_between_the_last_good_and_the_first_bad() {
        let failing = |first_bad, last_good: Option<u64>| Verdict::Failing {
            first_bad: CommitKey(first_bad),
            last_good: last_good.map(CommitKey),
        };
        assert_eq!(of("PPPFF"), failing(400, Some(300)));
        assert_eq!(of("FF"), failing(100, None));
        assert_eq!(of("FFPP"), Verdict::Passing);
    }

    #[test]
    fn three_flips_are_flaky() {
        assert_eq!(of("PFPPF"), Verdict::Flaky { flips: 3 });
        assert_eq!(of("PFFP"), Verdict::Passing);
    }

    #[test]
    fn what_did_not_run_lately_is_stale() {
        assert_eq!(of(""), Verdict::Stale);
        let newest = CommitKey::start_of(STALE_SECONDS + 2);
        assert_eq!(of_runs([(CommitKey::start_of(1), false)].into_iter(), newest), Verdict::Stale);
    }
}
