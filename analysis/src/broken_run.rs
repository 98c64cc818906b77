//! Broken runs: runs that failed as a whole, which say nothing about their tests.

/// The largest share of a run's tests that may fail unexpectedly before the run itself counts as broken.
pub const LARGEST_SHARE: f64 = 0.8;

/// Tests of a run, below which it is not judged as a whole: in a small suite a few failures are most of it.
pub const LEAST_TESTS: u64 = 10;

/// Whether a run broke as a whole, from how many tests ran and how many of them failed unexpectedly.
pub fn is_broken(tests_run: u64, unexpected_failures: u64) -> bool {
    tests_run >= LEAST_TESTS && unexpected_failures as f64 > LARGEST_SHARE * tests_run as f64
}

#[cfg(test)]
mod tests {
    use super::is_broken;

    #[test]
    fn more_than_the_largest_share_of_failures_is_a_broken_run() {
        assert!(is_broken(10, 9) && is_broken(100, 100));
        assert!(!is_broken(1, 1) && !is_broken(9, 9));
        assert!(!is_broken(10, 8) && !is_broken(10, 0) && !is_broken(0, 0));
    }
}
