//! What a run should have and does not: parts that did not come, and tests that are in none of its parts.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use schema::ids::{CommitKey, ConfigId};
use schema::run_notes::{RunNotes, Shard};
use schemars::JsonSchema;
use serde::Serialize;

use crate::error::AnswerError;
use crate::reads::run_notes;
use crate::reads::selection::RunPlace;
use crate::run_documents;
use crate::store::Store;

/// Names of missing tests that an answer has.
const MAX_NAMES: usize = 100;
/// Documents that are searched for tests that a run should have, the newest.
const MAX_DOCUMENTS: usize = 200;

/// What a run lacks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Missing {
    /// Parts that did not come, counted from 1.
    pub shards: Vec<u32>,
    /// Of how many parts the run is made; nothing if it has no parts.
    pub of: Option<u32>,
    /// Tests that it should have and that are in none of its parts, sorted; of many the first hundred.
    pub tests: Vec<String>,
    /// How many tests that is.
    pub tests_missing: usize,
}

impl Missing {
    /// Whether nothing is missing.
    pub fn is_empty(&self) -> bool {
        self.shards.is_empty() && self.tests_missing == 0
    }

    /// A few words, such as `shards 3, 5 of 8; 2 tests`.
    pub fn words(&self) -> String {
        let mut words = Vec::new();
        if let Some(count) = self.of.filter(|_| !self.shards.is_empty()) {
            let shards: Vec<String> = self.shards.iter().map(u32::to_string).collect();
            let noun = if shards.len() == 1 { "shard" } else { "shards" };
            words.push(format!("{noun} {} of {count}", shards.join(", ")));
        }
        match self.tests_missing {
            0 => {}
            1 => words.push("1 test".to_owned()),
            count => words.push(format!("{count} tests")),
        }
        words.join("; ")
    }
}

/// What makes uploads parts of one run: commit, configuration, SDK, how many parts there are, and what the CI calls the run.
type WholeRun = (CommitKey, ConfigId, String, u32, Option<String>);

fn whole_run(place: &RunPlace, shard: &Shard) -> WholeRun {
    (place.uuid, place.config_id, place.sdk.clone(), shard.count, shard.of.clone())
}

/// The parts that came, by the run that they are parts of.
#[derive(Debug, Default)]
pub(super) struct Parts {
    came: BTreeMap<WholeRun, BTreeSet<u32>>,
    expected: BTreeMap<WholeRun, BTreeSet<String>>,
}

impl Parts {
    pub(super) fn of<'a>(notes: impl Iterator<Item = (&'a RunPlace, &'a RunNotes)>) -> Self {
        let mut parts = Self::default();
        for (place, notes) in notes {
            let Some(shard) = &notes.shard else { continue };
            let whole = whole_run(place, shard);
            parts.expected.entry(whole.clone()).or_default().extend(notes.expects.iter().cloned());
            parts.came.entry(whole).or_default().insert(shard.index);
        }
        parts
    }

    /// The parts that a run lacks.
    pub(super) fn missing(&self, place: &RunPlace, notes: &RunNotes) -> Missing {
        let Some(shard) = &notes.shard else { return Missing::default() };
        let came = self.came.get(&whole_run(place, shard));
        let shards = (1..=shard.count).filter(|index| came.is_none_or(|came| !came.contains(index))).collect();
        Missing { shards, of: Some(shard.count), ..Missing::default() }
    }

    /// The tests that a run should have, by what all of its parts say.
    pub(super) fn expected(&self, place: &RunPlace, notes: &RunNotes) -> BTreeSet<String> {
        match &notes.shard {
            None => notes.expects.iter().cloned().collect(),
            Some(shard) => self.expected.get(&whole_run(place, shard)).cloned().unwrap_or_default(),
        }
    }
}

/// The tests among those that a run should have which no run of its commit and configuration has: a rerun may bring what is
/// missing.
pub(super) async fn add_tests(
    store: &Store,
    suite: &str,
    branch: &str,
    place: &RunPlace,
    expected: BTreeSet<String>,
    missing: &mut Missing,
) -> Result<(), AnswerError> {
    let mut rest: HashSet<String> = expected.into_iter().collect();
    for run in run_notes::places_of_commit(store, suite, branch, place).await?.iter().take(MAX_DOCUMENTS) {
        if rest.is_empty() {
            break;
        }
        rest = run_documents::fold(store, suite, run, rest, |rest, test, _| {
            rest.remove(test);
        })
        .await?;
    }
    let mut names: Vec<String> = rest.into_iter().collect();
    names.sort();
    missing.tests_missing = names.len();
    names.truncate(MAX_NAMES);
    missing.tests = names;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(index: u32, of: &str) -> RunNotes {
        let shard = Shard { index, count: 4, of: Some(of.to_owned()) };
        RunNotes { shard: Some(shard), expects: vec![format!("t{index}")], ..RunNotes::default() }
    }

    #[test]
    fn parts_of_one_run_are_counted_together() {
        let place =
            |start_time| RunPlace { config_id: ConfigId(1), uuid: CommitKey(7), sdk: String::new(), start_time };
        let (first, third, other) = ((place(1), part(1, "a")), (place(3), part(3, "a")), (place(5), part(2, "b")));
        let parts = Parts::of([&first, &third, &other].into_iter().map(|(place, notes)| (place, notes)));
        let missing = parts.missing(&first.0, &first.1);
        assert_eq!((missing.shards.as_slice(), missing.words().as_str()), (&[2, 4][..], "shards 2, 4 of 4"));
        assert_eq!(parts.missing(&other.0, &other.1).shards, [1, 3, 4]);
        assert_eq!(parts.expected(&third.0, &third.1), ["t1", "t3"].map(str::to_owned).into());
        let whole = RunNotes { expects: vec!["x".to_owned()], ..RunNotes::default() };
        assert!(parts.missing(&first.0, &whole).is_empty());
        assert_eq!(parts.expected(&first.0, &whole).len(), 1);
    }

    #[test]
    fn what_is_missing_is_told_in_a_few_words() {
        let missing = Missing { shards: vec![3], of: Some(8), tests: vec!["a".to_owned()], tests_missing: 2 };
        assert_eq!(missing.words(), "shard 3 of 8; 2 tests");
        assert_eq!(Missing::default().words(), "");
    }
}
