//! The share of one job. Every job works out all shares, and takes its own: the same everywhere, and each item in one.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// The share where durations are known of some items: the longest first, each into the share that has least. Items of which
/// none is known take as long as the one in the middle.
pub(super) fn by_durations<'i>(
    items: &'i [String],
    durations: &[Option<f64>],
    index: usize,
    count: usize,
) -> Vec<&'i str> {
    let mut known: Vec<u64> = durations.iter().flatten().map(|duration| rounded(*duration)).collect();
    known.sort_unstable();
    let middle = known.get(known.len() / 2).copied().unwrap_or(1);
    let weights = durations.iter().map(|duration| duration.map_or(middle, rounded));
    let mut order: Vec<(Reverse<u64>, &str)> = weights.map(Reverse).zip(items.iter().map(String::as_str)).collect();
    order.sort_unstable();
    let mut shares: BinaryHeap<Reverse<(u64, usize)>> = (0..count).map(|share| Reverse((0, share))).collect();
    let mut own = Vec::new();
    for (Reverse(weight), item) in order {
        let Some(Reverse((total, share))) = shares.pop() else { break };
        if share == index {
            own.push(item);
        }
        shares.push(Reverse((total.saturating_add(weight), share)));
    }
    own.sort_unstable();
    own
}

/// The share where nothing is known: the items are dealt out one by one.
pub(super) fn plain(items: &[String], index: usize, count: usize) -> Vec<&str> {
    items.iter().skip(index).step_by(count).map(String::as_str).collect()
}

/// Milliseconds in steps of about a fifth, so that jobs that ask at different moments go by the same numbers although a
/// median has moved a little.
fn rounded(milliseconds: f64) -> u64 {
    const STEPS: f64 = 4.0;
    if !milliseconds.is_finite() || milliseconds < 1.0 {
        return 1;
    }
    ((milliseconds.log2() * STEPS).round() / STEPS).exp2().min(1e12) as u64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn names(count: usize) -> Vec<String> {
        (0..count).map(|number| format!("t{number:02}")).collect()
    }

    #[test]
    fn the_longest_go_first_into_the_emptiest_share() {
        let items = names(5);
        let durations = [Some(1024.0), Some(8192.0), None, Some(4096.0), Some(2048.0)];
        // The unknown one counts as 4096: 8192 and 4096 + 4096, then 2048, then 1024.
        assert_eq!(by_durations(&items, &durations, 0, 2), ["t01", "t04"]);
        assert_eq!(by_durations(&items, &durations, 1, 2), ["t00", "t02", "t03"]);
        assert!(by_durations(&items, &durations, 7, 8).is_empty());
    }

    #[test]
    fn small_differences_change_nothing() {
        for (one, other) in [(1000.0, 1050.0), (0.0, 0.9), (f64::NAN, -1.0)] {
            assert_eq!(rounded(one), rounded(other), "{one}");
        }
        assert!(rounded(1000.0) < rounded(1300.0));
    }

    proptest! {
        #[test]
        fn every_item_is_in_one_share(
            durations in proptest::collection::vec(proptest::option::of(0.0..1e7), 0..60),
            count in 1..9usize,
        ) {
            let items = names(durations.len());
            for with_durations in [true, false] {
                let share = |index| match with_durations {
                    true => by_durations(&items, &durations, index, count),
                    false => plain(&items, index, count),
                };
                let mut all: Vec<&str> = (0..count).flat_map(share).collect();
                all.sort_unstable();
                prop_assert!(all.iter().copied().eq(items.iter().map(String::as_str)), "{all:?}");
            }
        }
    }
}
