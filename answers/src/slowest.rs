//! The tests that took longest on the newest commit, and how long they usually take there.

use std::cmp::Reverse;
use std::collections::HashMap;

use analysis::slower::is_slower;
use schema::configuration::Configuration;
use schema::ids::{CommitKey, TestId};
use schemars::JsonSchema;
use serde::Serialize;

use crate::durations::DurationsQuestion;
use crate::error::AnswerError;
use crate::reads::selection::Selection;
use crate::reads::{joined_runs, results, runs};
use crate::run_documents;
use crate::store::Store;
use crate::suites;
use crate::table::{self, Table, Tabular};

/// Tests answered if the question names no limit, and at most.
const TESTS: u64 = 50;
const MAX_TESTS: u64 = 1000;

/// A test that took long.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SlowTest {
    /// The test.
    pub test: String,
    /// In the run that measured it last, milliseconds.
    pub time: u32,
    /// The median of the runs before, on the same configuration, milliseconds.
    pub usual: Option<u32>,
    /// How many they were.
    pub runs: u64,
}

impl SlowTest {
    /// Whether it took clearly longer than usual.
    pub fn is_slower(&self) -> bool {
        self.usual.is_some_and(|usual| is_slower(usual, self.time))
    }
}

/// The newest run, and the slowest tests of all runs of its commit on its configuration; nothing but the suite if there is
/// no run.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SlowestTests {
    /// The suite.
    pub suite: String,
    /// The run's configuration.
    pub configuration: Option<Configuration>,
    /// The run's commit.
    pub uuid: Option<CommitKey>,
    /// The run's start, seconds since 1970.
    pub start_time: Option<u32>,
    /// What took longest first.
    pub tests: Vec<SlowTest>,
}

/// The slowest tests of the newest run's commit; the question's test does not matter, and its limit is one of tests.
pub async fn find(store: &Store, question: &DurationsQuestion) -> Result<SlowestTests, AnswerError> {
    let DurationsQuestion { suite, weeks, runs: filter, .. } = question;
    suites::expect(store, suite).await?;
    let limit = filter.limit.unwrap_or(TESTS).min(MAX_TESTS) as usize;
    let nothing =
        || SlowestTests { suite: suite.clone(), configuration: None, uuid: None, start_time: None, tests: Vec::new() };
    let selection = Selection::started_within(store, suite, filter, *weeks, 1).await?;
    if selection.is_empty() {
        return Ok(nothing());
    }
    let newest = runs::newest_sound(store, suite, &selection, 1).await?;
    let Some(run) = newest.into_iter().next() else { return Ok(nothing()) };
    let Some(configuration) = selection.configuration(&run) else { return Ok(nothing()) };
    // A run may be one shard of several, or a rerun of a few tests.
    let joined = joined_runs::sound_of_commit(store, suite, &selection, &run).await?;
    // What a test usually takes is looked up by the name that it has in this run.
    let times = run_documents::times(store, suite, joined, &std::sync::Arc::default()).await?;
    let mut slowest: Vec<(Reverse<u32>, String)> =
        times.into_iter().filter_map(|(test, time)| Some((Reverse(time?), test))).collect();
    if slowest.len() > limit {
        slowest.select_nth_unstable(limit);
        slowest.truncate(limit);
    }
    slowest.sort();
    let ids: Vec<TestId> = slowest.iter().map(|(_, test)| TestId::of(suite, test)).collect();
    let usual: HashMap<TestId, (u32, u64)> = if ids.is_empty() {
        HashMap::new()
    } else {
        let times = results::usual_times(store, suite, &selection, &run, ids).await?;
        times.into_iter().map(|usual| (usual.test_id, (usual.median, usual.runs))).collect()
    };
    let slow = |(Reverse(time), test): (Reverse<u32>, String)| {
        let before = usual.get(&TestId::of(suite, &test));
        SlowTest { test, time, usual: before.map(|(median, _)| *median), runs: before.map_or(0, |(_, runs)| *runs) }
    };
    Ok(SlowestTests {
        suite: suite.clone(),
        configuration: Some(configuration),
        uuid: Some(run.uuid),
        start_time: Some(run.start_time),
        tests: slowest.into_iter().map(slow).collect(),
    })
}

impl Tabular for SlowestTests {
    fn table(&self) -> Result<Table, AnswerError> {
        table::of_rows(&self.tests)
    }
}
