//! How many more runs say that a test is hardly flaky.
//!
//! Of `n` runs of a test that fails in a share `p` of them, at most `k` fail with the probability of the binomial
//! distribution. Where that probability is at most 5 % for `p` = 5 %, a test that failed `k` times in `n` runs fails in less
//! than 5 % of its runs, with 95 % confidence: this is the one-sided exact bound of C. J. Clopper and E. S. Pearson, "The use
//! of confidence or fiducial limits illustrated in the case of the binomial", Biometrika 26 (1934). Without a failure it is
//! (1 − p)ⁿ ≤ 0.05, which the rule of three, n = 3 / p, comes near: J. A. Hanley and A. Lippman-Hand, "If nothing goes
//! wrong, is everything all right?", Journal of the American Medical Association 249 (1983).

/// A test that fails in a smaller share of its runs is hardly flaky.
pub const HARDLY_FLAKY: f64 = 0.05;
/// How likely it may be that a test looks so by chance.
pub const DOUBT: f64 = 0.05;
/// Runs beyond which nobody is asked for more.
const MOST_RUNS: u32 = 10_000;

/// How many more runs without a failure say, with 95 % confidence, that a test fails in less than 5 % of its runs, which
/// failed in so many of so many runs. 0 if these say it already; none if it would take more than ten thousand.
pub fn reruns(runs: u32, failed: u32) -> Option<u32> {
    let failed = failed.min(runs);
    if at_most(runs, failed) <= DOUBT {
        return Some(0);
    }
    // More runs make so few failures less likely, so that the first number that is enough is found by halves.
    let (mut too_few, mut enough) = (runs, MOST_RUNS);
    if runs >= MOST_RUNS || at_most(enough, failed) > DOUBT {
        return None;
    }
    while enough - too_few > 1 {
        let middle = too_few + (enough - too_few) / 2;
        if at_most(middle, failed) <= DOUBT { enough = middle } else { too_few = middle }
    }
    Some(enough - runs)
}

/// In which share of its runs a test fails at most, with a confidence between 0 and 1, that failed in none of so many: the
/// same bound without a failure, 1 − (1 − confidence)^(1/n). 1 where it never ran.
pub fn rarer_than(runs: u32, confidence: f64) -> f64 {
    if runs == 0 { 1.0 } else { 1.0 - (1.0 - confidence).powf(1.0 / f64::from(runs)) }
}

/// The probability that at most so many of some runs fail, of a test that fails in a share [`HARDLY_FLAKY`] of them.
fn at_most(runs: u32, failed: u32) -> f64 {
    let (mut term, mut sum) = (f64::from(runs) * (1.0 - HARDLY_FLAKY).ln(), 0.0);
    for count in 0..=failed {
        sum += term.exp();
        let next = f64::from(runs.saturating_sub(count)) / f64::from(count + 1) * HARDLY_FLAKY / (1.0 - HARDLY_FLAKY);
        term += next.ln();
    }
    sum.min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Values of tables of the binomial distribution.
    #[test]
    fn the_bound_is_that_of_clopper_and_pearson() {
        assert_eq!([reruns(0, 0), reruns(58, 0), reruns(59, 0), reruns(100, 0)], [Some(59), Some(1), Some(0), Some(0)]);
        assert_eq!([reruns(0, 0), reruns(1, 1), reruns(2, 2)], [Some(59), Some(92), Some(122)]);
        assert!((at_most(20, 1) - 0.735_84).abs() < 1e-5 && (at_most(3, 3) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn the_rule_of_three_is_near_where_nothing_failed() {
        let exact = f64::from(reruns(0, 0).unwrap_or(0));
        assert!((exact - 3.0 / HARDLY_FLAKY).abs() <= 1.0, "{exact}");
    }

    #[test]
    fn a_test_that_failed_in_no_run_is_rarer_than_the_share_that_asked_for_so_many() {
        assert!(rarer_than(59, 0.95) < HARDLY_FLAKY && rarer_than(58, 0.95) > HARDLY_FLAKY);
        assert!((rarer_than(300, 0.95) - 3.0 / 300.0).abs() < 1e-4);
        assert_eq!((rarer_than(0, 0.95), rarer_than(1, 0.95) > 0.949), (1.0, true));
    }

    #[test]
    fn nobody_is_asked_for_more_runs_than_anyone_makes() {
        assert_eq!((reruns(5000, 5000), reruns(u32::MAX, 1000)), (None, Some(0)));
    }

    proptest! {
        #[test]
        fn it_is_enough_and_one_less_is_not(runs in 0u32..400, failed in 0u32..40) {
            let failed = failed.min(runs);
            let more = reruns(runs, failed).unwrap_or(u32::MAX);
            prop_assert!(at_most(runs + more, failed) <= DOUBT);
            prop_assert!(more == 0 || at_most(runs + more - 1, failed) > DOUBT);
            prop_assert!(reruns(runs + 1, failed + 1).is_some_and(|worse| worse + 1 >= more));
        }
    }
}
