//! What each test of a suite usually takes, for who splits the suite into equal shares.
//!
//! Data flow: the newest runs that did not break as a whole → their documents, newest first, as long as they are within
//! bounds → the median of each test. Documents are read rather than results, because a suite's results of some weeks are in
//! proportion to all of its runs.

use std::collections::{BTreeMap, HashMap};

use schemars::JsonSchema;
use serde::Serialize;

use crate::ask::RunFilter;
use crate::error::AnswerError;
use crate::reads::runs;
use crate::reads::selection::Selection;
use crate::run_documents;
use crate::store::Store;

/// How far back runs are looked for, weeks.
const WEEKS: u64 = 4;
/// Runs that are looked at, the newest. A run may be one shard of several.
const MAX_RUNS: u64 = 40;
/// Times that are looked at, after which no older run is read.
const MAX_TIMES: usize = 500_000;
/// Tests of an answer. Of more, those that take longest are kept: they decide how equal the shares are.
const MAX_TESTS: usize = 50_000;

/// Durations of a suite's tests.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Plan {
    /// The suite.
    pub suite: String,
    /// The median of each test that was measured, milliseconds.
    pub tests: BTreeMap<String, u32>,
}

/// The plan of a suite, from the runs that a filter means; those of the default branch if it names none.
pub async fn find(store: &Store, suite: &str, filter: &RunFilter) -> Result<Plan, AnswerError> {
    let mut times: HashMap<String, Vec<u32>> = HashMap::new();
    let selection = Selection::started_within(store, suite, filter, WEEKS, MAX_RUNS).await?;
    if !selection.is_empty() {
        let mut count = 0;
        for run in runs::newest_sound(store, suite, &selection, MAX_RUNS).await? {
            let counted = (times, count);
            (times, count) = run_documents::fold(store, suite, &run, counted, |(times, count), test, result| {
                let Some(time) = result.time else { return };
                *count += 1;
                match times.get_mut(test) {
                    Some(known) => known.push(time),
                    None => drop(times.insert(test.to_owned(), vec![time])),
                }
            })
            .await?;
            if count >= MAX_TIMES {
                break;
            }
        }
    }
    Ok(Plan { suite: suite.to_owned(), tests: longest(times.into_iter().map(|(test, times)| (test, median(times)))) })
}

/// The median, the lower one of two: a time that was measured.
fn median(mut times: Vec<u32>) -> u32 {
    let middle = times.len().saturating_sub(1) / 2;
    times.sort_unstable();
    times.get(middle).copied().unwrap_or(0)
}

/// The tests that take longest, as many as an answer has.
fn longest(tests: impl Iterator<Item = (String, u32)>) -> BTreeMap<String, u32> {
    let mut tests: Vec<(String, u32)> = tests.collect();
    if tests.len() > MAX_TESTS {
        tests.sort_unstable_by(|(name, time), (other, than)| than.cmp(time).then_with(|| name.cmp(other)));
        tests.truncate(MAX_TESTS);
    }
    tests.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_was_measured() {
        assert_eq!((median(vec![5]), median(vec![9, 1, 5]), median(vec![8, 2, 4, 6])), (5, 5, 4));
    }

    #[test]
    fn of_too_many_tests_the_slow_ones_are_kept() {
        let tests = longest((0..MAX_TESTS as u32 + 10).map(|index| (format!("t{index}"), index)));
        assert_eq!(tests.len(), MAX_TESTS);
        assert!(!tests.contains_key("t9") && tests.contains_key("t10"));
    }
}
