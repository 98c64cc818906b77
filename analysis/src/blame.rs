//! The blame range: the commits one of which broke something, after the last that was good, up to the first that was bad.

use schema::ids::CommitKey;

/// Runs that fail one after the other until now, and what is before them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlameRange {
    /// The commit of the oldest of the failing runs.
    pub first_bad: CommitKey,
    /// The commit of the run before them; none if every run failed.
    pub last_good: Option<CommitKey>,
    /// How many runs fail one after the other.
    pub failing_runs: usize,
}

/// The blame range of one configuration, from its runs, newest first: their commits and whether they failed. None if the
/// newest run did not fail.
pub fn of_runs(runs: impl IntoIterator<Item = (CommitKey, bool)>) -> Option<BlameRange> {
    let mut range: Option<BlameRange> = None;
    for (commit, is_failing) in runs {
        if !is_failing {
            return range.map(|range| BlameRange { last_good: Some(commit), ..range });
        }
        let failing_runs = range.map_or(0, |range| range.failing_runs) + 1;
        range = Some(BlameRange { first_bad: commit, last_good: None, failing_runs });
    }
    range
}

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

    /// Oldest first: `F` failed; commits are 1, 2, 3, …
    fn of(runs: &str) -> Option<BlameRange> {
        let oldest_first: Vec<(CommitKey, bool)> =
            runs.bytes().enumerate().map(|(index, run)| (CommitKey(index as u64 + 1), run == b'F')).collect();
        of_runs(oldest_first.into_iter().rev())
    }

    #[test]
    fn the_range_lies_between_the_last_good_and_the_first_bad() {
        let range = |first_bad, last_good: Option<u64>, failing_runs| {
            Some(BlameRange { first_bad: CommitKey(first_bad), last_good: last_good.map(CommitKey), failing_runs })
        };
        assert_eq!(of("PPPFF"), range(4, Some(3), 2));
        assert_eq!(of("FPF"), range(3, Some(2), 1));
        assert_eq!(of("FF"), range(1, None, 2));
        assert_eq!(of("FFP"), None);
        assert_eq!(of(""), None);
    }

    proptest! {
        #[test]
        fn every_run_after_the_last_good_failed(runs in "[PF]{1,20}") {
            match of(&runs) {
                None => prop_assert!(runs.ends_with('P')),
                Some(range) => {
                    let good = range.last_good.map_or(0, |commit| commit.0 as usize);
                    prop_assert_eq!(good + range.failing_runs, runs.len());
                    prop_assert_eq!(range.first_bad.0 as usize, good + 1);
                    prop_assert!(runs[good..].bytes().all(|run| run == b'F'));
                }
            }
        }

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
