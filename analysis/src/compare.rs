//! What changed between two runs.

use std::collections::BTreeMap;

use schema::state::State;
use schemars::JsonSchema;
use serde::Serialize;

use crate::slower::is_slower;

/// Every test that ran in a run, and how long it took if that is known, milliseconds.
pub type Times = BTreeMap<String, Option<u32>>;

/// What changed for a test that failed before, or after, or both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    /// It fails now and did not before.
    New,
    /// It fails in another way.
    Changed,
    /// It failed before and does not now, or did not run.
    Fixed,
    /// It fails as before.
    Same,
}

impl Change {
    /// All of them, in the order of a list.
    pub const ALL: [Self; 4] = [Self::New, Self::Changed, Self::Fixed, Self::Same];

    /// Its name in answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Changed => "changed",
            Self::Fixed => "fixed",
            Self::Same => "same",
        }
    }
}

/// Failed tests of a run with their states.
pub type Failures = BTreeMap<String, State>;

/// Each test that failed in either run: what changed, and its states, PASS standing for no failure.
pub fn failures<'a>(
    before: &'a Failures,
    after: &'a Failures,
) -> impl Iterator<Item = (&'a str, Change, State, State)> + 'a {
    let gone = before.iter().filter(|(test, _)| !after.contains_key(*test));
    let gone = gone.map(|(test, state)| (test.as_str(), Change::Fixed, *state, State::PASS));
    let now = after.iter().map(|(test, state)| match before.get(test) {
        None => (test.as_str(), Change::New, State::PASS, *state),
        Some(old) if old == state => (test.as_str(), Change::Same, *old, *state),
        Some(old) => (test.as_str(), Change::Changed, *old, *state),
    });
    now.chain(gone)
}

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

    fn any_failures() -> impl Strategy<Value = Failures> {
        prop::collection::btree_map("[a-f]", (0u8..7).prop_map(State::at), 0..6)
    }

    fn of(before: &Failures, after: &Failures, change: Change) -> Vec<String> {
        let mut found: Vec<String> = failures(before, after)
            .filter(|(_, found, ..)| *found == change)
            .map(|(test, ..)| test.to_owned())
            .collect();
        found.sort();
        found
    }

    proptest! {
        #[test]
        fn a_run_is_as_itself(run in any_failures()) {
            prop_assert!(failures(&run, &run).all(|(_, change, ..)| change == Change::Same));
            prop_assert_eq!(failures(&run, &run).count(), run.len());
        }

        #[test]
        fn what_is_new_one_way_is_fixed_the_other(before in any_failures(), after in any_failures()) {
            prop_assert_eq!(of(&before, &after, Change::New), of(&after, &before, Change::Fixed));
            prop_assert_eq!(of(&before, &after, Change::Changed), of(&after, &before, Change::Changed));
        }

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
