//! With what certainty a test that failed does not fail any more, by the runs that passed since.
//!
//! The chance of a row of passes, if nothing was mended, is that of the predictive distribution of a rate whose prior is that
//! of Jeffreys, Beta(1/2, 1/2): the product of (passed + i + 1/2) / (runs + i + 1) over the passes, where `passed` and `runs`
//! were before the fix.

/// The certainty that a fix is asked for, where nobody says another.
pub const CERTAIN: f64 = 0.95;
/// Runs that are asked for at most; who needs more than that has a failure too rare to be shown gone by runs.
pub const MOST_RERUNS: u32 = 1000;

/// How often a test failed before it was mended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Unmended {
    /// Its runs, without those that failed as expected.
    pub runs: u32,
    /// Runs in which it failed unexpectedly; no more than these.
    pub failed: u32,
}

impl Unmended {
    /// The chance, from 0 to 1, that a test which still fails so often would have failed in so many runs, all of which passed.
    pub fn certainty(self, passes: u32) -> f64 {
        1.0 - self.chance(passes)
    }

    /// Runs that have to pass after so many that did, until that chance is `confidence`; 0 once it is, none if more than
    /// [`MOST_RERUNS`] would be needed.
    pub fn reruns(self, passes: u32, confidence: f64) -> Option<u32> {
        let mut left = self.chance(passes);
        for reruns in 0..=MOST_RERUNS {
            if left <= 1.0 - confidence {
                return Some(reruns);
            }
            left *= self.step(f64::from(passes) + f64::from(reruns));
        }
        None
    }

    /// The chance that so many runs pass although nothing was mended.
    fn chance(self, passes: u32) -> f64 {
        (0..passes).map(|index| self.step(f64::from(index))).product()
    }

    /// The chance that the run after so many passes passes, too.
    fn step(self, passes: f64) -> f64 {
        let passed = f64::from(self.runs.saturating_sub(self.failed));
        (passed + passes + 0.5) / (f64::from(self.runs) + passes + 1.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_always_failed_is_believed_soon_and_what_failed_rarely_late() {
        let always = Unmended { runs: 2, failed: 2 };
        // 0.5 / 3, and then 1.5 / 4 and 2.5 / 5.
        assert!((always.certainty(1) - (1.0 - 0.5 / 3.0)).abs() < 1e-12);
        assert_eq!(
            (always.reruns(0, CERTAIN), always.reruns(1, CERTAIN), always.reruns(3, CERTAIN)),
            (Some(3), Some(2), Some(0))
        );
        let rarely = Unmended { runs: 400, failed: 1 };
        assert_eq!(rarely.reruns(0, 0.999_999), None);
        // Counts of others may be anything.
        assert!(Unmended { runs: u32::MAX, failed: 0 }.reruns(u32::MAX >> 8, CERTAIN).is_none());
        assert!(Unmended { runs: 1, failed: 9 }.certainty(1) > 0.5);
    }

    proptest! {
        #[test]
        fn reruns_that_are_asked_for_suffice_and_one_less_does_not(
            passed in 0_u32..40, failed in 1_u32..40, passes in 0_u32..20, confidence in 0.5..0.999_f64,
        ) {
            let unmended = Unmended { runs: passed + failed, failed };
            prop_assert!((0.0..=1.0).contains(&unmended.certainty(passes)));
            let Some(reruns) = unmended.reruns(passes, confidence) else { return Ok(()) };
            prop_assert!(unmended.certainty(passes + reruns) >= confidence - 1e-12);
            if reruns > 0 {
                prop_assert!(unmended.certainty(passes + reruns - 1) < confidence + 1e-12);
            }
            // A pass takes one off what is left, and what failed more often before needs fewer.
            prop_assert_eq!(unmended.reruns(passes + 1, confidence), Some(reruns.saturating_sub(1)));
            let worse = Unmended { runs: passed + failed + 1, failed: failed + 1 };
            prop_assert!(worse.reruns(passes, confidence).is_some_and(|fewer| fewer <= reruns));
        }
    }
}
