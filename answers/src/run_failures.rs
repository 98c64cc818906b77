//! The failures of runs, each with what it said: for readers who look at one run rather than at a list of tests.

use std::collections::BTreeSet;

use schema::ids::CommitKey;
use schema::state::State;
use schemars::JsonSchema;
use serde::Serialize;

use crate::ask::RunFilter;
use crate::error::{AnswerError, not_found};
use crate::failures;
use crate::messages::{self, MAX_TESTS};
use crate::reads::failures::Failure;
use crate::reads::runs;
use crate::reads::selection::{OfConfiguration, RunPlace, Selection};
use crate::store::Store;
use crate::suites;

/// Runs of each configuration if the question names no limit.
const RUNS: u64 = 1;

/// A run with its failures.
#[derive(Debug, Serialize, JsonSchema)]
pub struct FailedRun {
    /// The commit.
    pub uuid: CommitKey,
    /// Start of the run, seconds since 1970.
    pub start_time: u32,
    /// Its failures.
    pub failures: Vec<ToldFailure>,
}

/// A test that failed.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ToldFailure {
    /// Its name.
    pub test: String,
    /// Its worst state, or its worst unexpected one.
    pub state: State,
    /// The first line of what it said last, if it said anything.
    pub message: Option<String>,
}

/// Runs that have failures.
#[derive(Debug, Serialize, JsonSchema)]
pub struct FailedRuns {
    /// The runs, by configuration.
    pub runs: Vec<OfConfiguration<FailedRun>>,
    /// How many tests failed that are not told, because there are too many.
    pub more_tests: usize,
}

/// The failures of the newest runs that a filter means, expected ones only if they are asked for.
///
/// # Errors
/// No run is meant, or the store does not answer.
pub async fn find(
    store: &Store,
    suite: &str,
    filter: &RunFilter,
    with_expected: bool,
) -> Result<FailedRuns, AnswerError> {
    suites::expect(store, suite).await?;
    let selection = Selection::of(store, filter, RUNS).await?;
    let placed = if selection.is_empty() { Vec::new() } else { runs::newest_places(store, suite, &selection).await? };
    if placed.is_empty() {
        return Err(not_found(format!(
            "No run of the suite '{suite}' is meant; name another commit or time, or recent=false for configurations on which \
             nothing ran for two weeks"
        )));
    }
    let mut failures = failures::in_placed(store, suite, &selection, placed, !with_expected).await?;
    let names: BTreeSet<String> = failures.iter().map(|failure| failure.test.clone()).collect();
    let told: BTreeSet<&str> = names.iter().take(MAX_TESTS).map(String::as_str).collect();
    failures.retain(|failure| told.contains(failure.test.as_str()));
    let messages = messages::newest(store, suite, &selection, told.iter().copied(), MAX_TESTS).await?;
    let run = |(RunPlace { uuid, start_time, .. }, failures): (RunPlace, Vec<Failure>)| {
        let failure = |Failure { test, state, .. }: Failure| {
            let message = messages.get(test.as_str()).cloned();
            ToldFailure { test, state, message }
        };
        Ok(FailedRun { uuid, start_time, failures: failures.into_iter().map(failure).collect() })
    };
    let runs = selection.group(failures::of_each_run(failures), |(place, _)| place.clone(), run)?;
    Ok(FailedRuns { runs, more_tests: names.len() - told.len() })
}
