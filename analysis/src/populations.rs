//! Two populations of results: whether one fails more often than the other.

use libm::lgamma;

/// Failures that a sample has at least to count as a regression.
pub const LEAST_FAILURES: u64 = 3;
/// How much the pass rate has to drop, as a share.
pub const LEAST_DROP: f64 = 0.05;
/// A larger drop is extreme, as a share.
pub const EXTREME_DROP: f64 = 0.15;
/// The largest probability of chance at which a difference is significant.
pub const SIGNIFICANCE: f64 = 0.05;
/// Without a base: runs that a sample has at least.
pub const LEAST_RUNS_ALONE: u64 = 6;
/// Without a base: a pass rate below this one is a regression.
pub const LEAST_RATE_ALONE: f64 = 0.95;
/// Without a base: a pass rate below this one is extreme.
pub const EXTREME_RATE_ALONE: f64 = 0.90;

/// One-sided exact test of Fisher: the probability that chance alone puts as many failures into the sample, or more, if
/// sample and base fail at the same rate. 1 if one of them is empty.
pub fn fisher(sample_fail: u64, sample_pass: u64, base_fail: u64, base_pass: u64) -> f64 {
    let (sample, base) = (sample_fail + sample_pass, base_fail + base_pass);
    let failures = sample_fail + base_fail;
    if sample == 0 || base == 0 {
        return 1.0;
    }
    let all = ln_choose(sample + base, failures);
    let most = failures.min(sample);
    let chance: f64 = (sample_fail..=most)
        .filter(|inside| failures - inside <= base)
        .map(|inside| (ln_choose(sample, inside) + ln_choose(base, failures - inside) - all).exp())
        .sum();
    chance.min(1.0)
}

/// The logarithm of the number of ways to choose `part` of `whole`.
pub(crate) fn ln_choose(whole: u64, part: u64) -> f64 {
    let ln_factorial = |number: u64| lgamma(number as f64 + 1.0);
    ln_factorial(whole) - ln_factorial(part) - ln_factorial(whole.saturating_sub(part))
}

/// Adjusted probabilities (Benjamini-Hochberg) in the order of `chances`. Whoever takes those up to a limit is wrong in at
/// most that share of what is taken, on average.
pub fn benjamini_hochberg(chances: &[f64]) -> Vec<f64> {
    let mut by_size: Vec<usize> = (0..chances.len()).collect();
    by_size.sort_by(|one, other| chances[*other].total_cmp(&chances[*one]));
    let mut adjusted = vec![1.0; chances.len()];
    let mut least: f64 = 1.0;
    for (after, index) in by_size.into_iter().enumerate() {
        let rank = chances.len() - after;
        least = least.min(chances[index] * (chances.len() as f64 / rank as f64));
        adjusted[index] = least;
    }
    adjusted
}

/// How much worse a sample is than its base.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Regression {
    /// No difference that counts.
    None,
    /// Significantly worse.
    Significant,
    /// Significantly and far worse.
    Extreme,
}

/// Whether a sample is worse than its base: `chance` is what [`fisher`] says of the four numbers, adjusted by
/// [`benjamini_hochberg`] where many tests are compared at once.
pub fn regression(sample: (u64, u64), base: (u64, u64), chance: f64) -> Regression {
    let rate = |(fail, pass): (u64, u64)| pass as f64 / (fail + pass) as f64;
    if base.0 + base.1 == 0 {
        return match sample.0 + sample.1 {
            runs if runs < LEAST_RUNS_ALONE || rate(sample) >= LEAST_RATE_ALONE => Regression::None,
            _ if rate(sample) < EXTREME_RATE_ALONE => Regression::Extreme,
            _ => Regression::Significant,
        };
    }
    if sample.0 < LEAST_FAILURES || chance >= SIGNIFICANCE {
        return Regression::None;
    }
    match rate(base) - rate(sample) {
        drop if drop > EXTREME_DROP => Regression::Extreme,
        drop if drop > LEAST_DROP => Regression::Significant,
        _ => Regression::None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn fisher_gives_the_known_values() {
        let close = |found: f64, known: f64| assert!((found / known - 1.0).abs() < 1e-3, "{found} for {known}");
        close(fisher(3, 17, 2, 198), 0.00577);
        close(fisher(10, 90, 20, 480), 0.01704);
        close(fisher(3, 47, 10, 490), 0.1055);
        assert_eq!(fisher(0, 0, 3, 4), 1.0);
        assert_eq!(fisher(3, 4, 0, 0), 1.0);
    }

    #[test]
    fn guards_keep_small_differences_out() {
        let judged =
            |sample: (u64, u64), base: (u64, u64)| regression(sample, base, fisher(sample.0, sample.1, base.0, base.1));
        assert_eq!(judged((3, 47), (10, 490)), Regression::None);
        assert_eq!(judged((3, 17), (2, 198)), Regression::Significant);
        assert_eq!(judged((8, 12), (2, 198)), Regression::Extreme);
        // Two failures are too few, and a drop of four points too small, however unlikely.
        assert_eq!(judged((2, 0), (0, 500)), Regression::None);
        assert_eq!(judged((400, 9600), (0, 10_000)), Regression::None);
        assert_eq!(judged((1, 4), (0, 0)), Regression::None);
        assert_eq!(judged((0, 6), (0, 0)), Regression::None);
        assert_eq!(judged((1, 13), (0, 0)), Regression::Significant);
        assert_eq!(judged((1, 5), (0, 0)), Regression::Extreme);
    }

    #[test]
    fn benjamini_hochberg_adjusts_by_rank() {
        let adjusted = benjamini_hochberg(&[0.01, 0.04, 0.03, 0.005]);
        let known = [0.02, 0.04, 0.04, 0.02];
        assert!(adjusted.iter().zip(known).all(|(found, known)| (found - known).abs() < 1e-12), "{adjusted:?}");
        assert!(benjamini_hochberg(&[]).is_empty());
    }

    proptest! {
        #[test]
        fn more_failures_are_less_likely_by_chance(
            fail in 0u64..20, pass in 1u64..20, base_fail in 0u64..20, base_pass in 1u64..20,
        ) {
            let (fewer, more) = (fisher(fail, pass, base_fail, base_pass), fisher(fail + 1, pass - 1, base_fail, base_pass));
            prop_assert!(more <= fewer + 1e-9);
            prop_assert!((0.0..=1.0).contains(&fewer));
        }

        #[test]
        fn adjusted_probabilities_keep_their_order_and_never_shrink(chances in prop::collection::vec(0.0f64..1.0, 0..20)) {
            let adjusted = benjamini_hochberg(&chances);
            for (one, (chance, found)) in chances.iter().zip(&adjusted).enumerate() {
                prop_assert!(found >= chance && *found <= 1.0);
                for other in 0..one {
                    prop_assert!(chances[other] >= *chance || adjusted[other] <= *found);
                }
            }
        }
    }
}
