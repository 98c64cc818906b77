//! The confidence interval that rankings of shares go by.

/// 95 % of a normal distribution lie within this many standard deviations of its mean.
const Z: f64 = 1.96;

/// The Wilson score interval of `part` of `whole` at 95 % confidence, both ends between 0 and 1.
///
/// Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference", Journal of the American
/// Statistical Association 22 (1927).
pub fn wilson(part: u64, whole: u64) -> (f64, f64) {
    if whole == 0 {
        return (0.0, 1.0);
    }
    let (share, count) = (part as f64 / whole as f64, whole as f64);
    let centre = share + Z * Z / (2.0 * count);
    let margin = Z * (share * (1.0 - share) / count + Z * Z / (4.0 * count * count)).sqrt();
    let scale = 1.0 + Z * Z / count;
    (((centre - margin) / scale).max(0.0), ((centre + margin) / scale).min(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Values of the closed formula, computed by hand.
    #[test]
    fn the_interval_is_wilson_s() {
        let close = |found: f64, expected: f64| assert!((found - expected).abs() < 5e-4, "{found} is not {expected}");
        let (lower, upper) = wilson(5, 10);
        close(lower, 0.2366);
        close(upper, 0.7634);
        close(wilson(1, 1).0, 0.2065);
        close(wilson(0, 10).1, 0.2775);
        assert_eq!(wilson(0, 0), (0.0, 1.0));
    }

    proptest! {
        #[test]
        fn more_evidence_narrows_the_interval(part in 0u64..50, more in 0u64..50) {
            let whole = part + more + 1;
            let (few, many) = (wilson(part, whole), wilson(part * 10, whole * 10));
            let share = part as f64 / whole as f64;
            prop_assert!(few.0 <= share + 1e-9 && share <= few.1 + 1e-9);
            prop_assert!(few.0 <= many.0 + 1e-9 && many.1 <= few.1 + 1e-9);
        }
    }
}
