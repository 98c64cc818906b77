//! The failures of runs, each with what it said: for readers who look at one run rather than at a list of tests.

use std::collections::BTreeSet;

use schema::ids::CommitKey;
use schema::state::State;
use schemars::JsonSchema;
use serde::Serialize;

use crate::ask::RunFilter;
use crate::error::{AnswerError, not_found};
use crate::failures;
use crate::messages;
use crate::reads::selection::{OfConfiguration, RunPlace, Selection};
use crate::store::Store;

/// Runs of each configuration if the question names no limit.
const RUNS: u64 = 1;
/// Tests of all runs together that are told; as many as messages are read of.
const MOST_TESTS: usize = 200;

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
    let selection = Selection::of(store, filter, RUNS).await?;
    if selection.is_empty() {
        return Err(not_found("No test runs found with the specified criteria"));
    }
    let failures = failures::in_selection(store, suite, &selection, !with_expected).await?;
    let names: BTreeSet<String> = failures.iter().map(|failure| failure.test.clone()).collect();
    let told: BTreeSet<&str> = names.iter().take(MOST_TESTS).map(String::as_str).collect();
    let messages = messages::newest(store, suite, &selection, told.iter().copied()).await?;
    let mut runs: Vec<(RunPlace, FailedRun)> = Vec::new();
    for failure in failures.iter().filter(|failure| told.contains(failure.test.as_str())) {
        let place = failure.place();
        let message = messages.get(failure.test.as_str()).cloned();
        let failure = ToldFailure { test: failure.test.clone(), state: failure.state, message };
        match runs.last_mut() {
            Some((last, run)) if *last == place => run.failures.push(failure),
            _ => {
                let (uuid, start_time) = (place.uuid, place.start_time);
                runs.push((place, FailedRun { uuid, start_time, failures: vec![failure] }));
            }
        }
    }
    let runs = selection.group(runs, |(place, _)| place.clone(), |(_, run)| Ok(run))?;
    Ok(FailedRuns { runs, more_tests: names.len() - told.len() })
}
