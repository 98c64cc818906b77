//! The changes of tests: on each configuration, and over all of them.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use analysis::compare::{Attempts, Change, change};
use schema::ids::ConfigId;

use super::sides::Side;
use super::{ChangedTest, UnpairedFailure};

/// A change of a test on some configurations.
#[derive(Debug, Default)]
struct Merged {
    /// Positions of the configurations.
    runs: Vec<usize>,
    before: Attempts,
    after: Attempts,
}

/// How many tests changed in each way, and at most `limit` of them, on the configurations that ran on both sides.
pub(super) fn merged(
    before: &Side,
    after: &Side,
    configurations: &[ConfigId],
    limit: usize,
) -> (BTreeMap<Change, usize>, Vec<ChangedTest>) {
    let nothing = BTreeSet::new();
    let mut merged: BTreeMap<(Change, &str), Merged> = BTreeMap::new();
    for (position, id) in configurations.iter().enumerate() {
        let failed_before = before.failed.get(id).unwrap_or(&nothing);
        for test in failed_before.union(after.failed.get(id).unwrap_or(&nothing)) {
            let (did, does) = (before.attempts(*id, test), after.attempts(*id, test));
            if let Some(change) = change(&did, &does) {
                let of = merged.entry((change, test)).or_default();
                of.runs.push(position);
                of.before.join(did);
                of.after.join(does);
            }
        }
    }
    let mut counts = BTreeMap::new();
    for (change, _) in merged.keys() {
        *counts.entry(*change).or_default() += 1;
    }
    let changed = |((change, test), of): ((Change, &str), Merged)| ChangedTest {
        change,
        test: test.to_owned(),
        before: of.before.state(),
        after: of.after.state(),
        runs: of.runs,
        before_states: of.before.names(),
        after_states: of.after.names(),
    };
    let mut tests: Vec<ChangedTest> = merged.into_iter().map(changed).collect();
    let rank = |test: &ChangedTest| (test.change, test.after.min(test.before), Reverse(test.runs.len()));
    tests.sort_by(|one, other| rank(one).cmp(&rank(other)).then_with(|| one.test.cmp(&other.test)));
    tests.truncate(limit);
    (counts, tests)
}

/// What failed on a configuration, by name.
pub(super) fn failures(side: &Side, configuration: ConfigId) -> Vec<UnpairedFailure> {
    let tests = side.failed.get(&configuration).into_iter().flatten();
    let failure = |test: &String| {
        let state = side.attempts(configuration, test).state();
        UnpairedFailure { test: test.clone(), state }
    };
    tests.map(failure).collect()
}
