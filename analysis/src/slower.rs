//! What is called slower.

/// A smaller difference is not called slower, milliseconds.
const LEAST_DIFFERENCE: u32 = 100;

/// Whether something takes clearly longer than before: half as long again, and a tenth of a second longer. Both times are
/// in milliseconds.
pub fn is_slower(before: u32, after: u32) -> bool {
    let half_as_long_again = before.saturating_add(before / 2).saturating_add(before % 2);
    after >= half_as_long_again && after >= before.saturating_add(LEAST_DIFFERENCE)
}

#[cfg(test)]
mod tests {
    use super::is_slower;

    #[test]
    fn slower_means_half_as_long_again_and_a_tenth_of_a_second() {
        assert!(is_slower(200, 300) && is_slower(100, 200) && is_slower(0, 100));
        assert!(!is_slower(201, 301) && !is_slower(10, 50) && !is_slower(u32::MAX, u32::MAX - 1));
    }
}
