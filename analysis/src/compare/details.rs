//! What ran on one of two commits only, and what became slower.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::slower::is_slower;

/// Every test that ran on a commit, and how long it took last if that is known, milliseconds.
pub type Times = BTreeMap<String, Option<u32>>;

/// What changed in what ran.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Details {
    /// Ran only after.
    pub added: Vec<String>,
    /// Ran only before.
    pub removed: Vec<String>,
    /// Takes clearly longer ([`is_slower`]): its times before and after, milliseconds, the largest growth first.
    pub slower: Vec<(String, u32, u32)>,
}

/// The difference between what ran before and after.
pub fn details(before: &Times, after: &Times) -> Details {
    let only = |these: &Times, those: &Times| -> Vec<String> {
        these.keys().filter(|test| !those.contains_key(*test)).cloned().collect()
    };
    let slower = after.iter().filter_map(|(test, time)| {
        let (old, new) = ((*before.get(test)?)?, (*time)?);
        is_slower(old, new).then(|| (test.clone(), old, new))
    });
    let mut slower: Vec<(String, u32, u32)> = slower.collect();
    slower.sort_by_key(|(_, old, new)| std::cmp::Reverse(new - old));
    Details { added: only(after, before), removed: only(before, after), slower }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_added_one_way_is_removed_the_other(
            before in prop::collection::btree_map("[a-f]", prop::option::of(0u32..1000), 0..6),
            after in prop::collection::btree_map("[a-f]", prop::option::of(0u32..1000), 0..6),
        ) {
            let (forth, back) = (details(&before, &after), details(&after, &before));
            prop_assert_eq!(forth.added, back.removed);
            prop_assert!(forth.slower.iter().all(|(test, ..)| back.slower.iter().all(|(other, ..)| test != other)));
        }
    }

    #[test]
    fn slower_means_half_as_long_again_and_a_tenth_of_a_second() {
        let times = |time| Times::from([("a".to_owned(), time)]);
        let slower = |before, after| details(&times(Some(before)), &times(Some(after))).slower.len();
        assert_eq!(
            (slower(200, 300), slower(201, 301), slower(100, 200), slower(10, 50), slower(0, 100)),
            (1, 0, 1, 0, 1)
        );
        assert!(details(&times(None), &times(Some(9000))).slower.is_empty());
    }
}
