//! The blame range: the commits one of which broke something, after the last that was good, up to the first that was bad.

use schema::ids::CommitKey;

/// The narrowest range that several configurations give together: the earliest first failure of any, and the newest pass
/// of any of them before it. `passes` are the commits on which some of these configurations passed, in any order.
pub fn narrowest(
    first_failures: impl IntoIterator<Item = CommitKey>,
    passes: impl IntoIterator<Item = CommitKey>,
) -> Option<(CommitKey, Option<CommitKey>)> {
    let first_bad = first_failures.into_iter().min()?;
    Some((first_bad, passes.into_iter().filter(|pass| *pass < first_bad).max()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_narrowest_range_holds_no_pass(
            bad in prop::collection::vec(1u64..40, 1..5), good in prop::collection::vec(0u64..40, 0..8),
        ) {
            let keys = |numbers: &[u64]| numbers.iter().copied().map(CommitKey).collect::<Vec<_>>();
            let (first, last) = narrowest(keys(&bad), keys(&good)).unwrap_or_default();
            prop_assert_eq!(Some(first.0), bad.iter().copied().min());
            let inside = |pass: &u64| CommitKey(*pass) < first && last.is_none_or(|last| CommitKey(*pass) > last);
            prop_assert!(!good.iter().any(inside));
        }
    }
}
