//! One side of a comparison: on each configuration all runs of one commit, what failed in them, and what the tests did.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use analysis::compare::Attempts;
use schema::configuration::Configuration;
use schema::ids::{CommitKey, ConfigId, TestId};
use schema::state::States;

use super::REACH;
use crate::ask::RunFilter;
use crate::commit_range::RunBounds;
use crate::error::AnswerError;
use crate::reads::joined_runs::{self, CommitRun, StatesInRun};
use crate::reads::selection::{RunPlace, Selection};
use crate::renames::Renames;
use crate::run_documents;
use crate::store::Store;

/// Tests that are looked up one by one. What more tests did is read from the documents of the runs, whose size does not
/// grow with the weeks that are stored.
const LOOKED_UP: usize = 5000;

/// All runs of a commit on a configuration.
#[derive(Debug)]
pub(super) struct SideRuns {
    /// The configuration, with the SDK of the run that started last.
    pub(super) configuration: Configuration,
    /// The commit.
    pub(super) commit: CommitKey,
    /// The runs, those that started last first; there is one at least.
    pub(super) runs: Vec<CommitRun>,
}

impl SideRuns {
    /// When the last of them started, seconds since 1970.
    pub(super) fn start_time(&self) -> u32 {
        self.runs.first().map_or(0, |run| run.start_time)
    }

    /// Where they stand.
    pub(super) fn places(&self) -> Vec<RunPlace> {
        self.runs.iter().map(CommitRun::place).collect()
    }
}

/// One side.
#[derive(Debug)]
pub(super) struct Side {
    /// The branch key of its runs.
    pub(super) branch: String,
    /// The runs by configuration.
    pub(super) runs: BTreeMap<ConfigId, SideRuns>,
    /// The tests that failed in one of the runs, by configuration and under the names that they have now.
    pub(super) failed: BTreeMap<ConfigId, BTreeSet<String>>,
    selection: Selection,
    with_expected: bool,
    attempts: HashMap<(ConfigId, TestId), Attempts>,
    suite: String,
    renames: Arc<Renames>,
}

impl Side {
    /// On each configuration the runs of the newest commit up to one.
    pub(super) async fn until(
        store: &Store,
        filter: &RunFilter,
        suite: &str,
        commit: CommitKey,
        with_expected: bool,
        renames: &Arc<Renames>,
    ) -> Result<Self, AnswerError> {
        let bounds = RunBounds::between(commit.earlier(REACH), commit);
        let selection = Selection::within(store, filter, bounds, 1).await?;
        let mut side = Self {
            branch: selection.branch.clone(),
            runs: BTreeMap::new(),
            failed: BTreeMap::new(),
            with_expected,
            attempts: HashMap::new(),
            suite: suite.to_owned(),
            renames: Arc::clone(renames),
            selection,
        };
        if side.selection.is_empty() {
            return Ok(side);
        }
        let runs = joined_runs::of_newest_commits(store, suite, &side.selection).await?;
        for run in &runs {
            let Some(configuration) = side.selection.configuration(&run.place()) else { continue };
            let first = || SideRuns { configuration, commit: run.uuid, runs: Vec::new() };
            side.runs.entry(run.config_id).or_insert_with(first).runs.push(run.clone());
        }
        if !runs.is_empty() {
            for failure in joined_runs::failed(store, suite, &side.selection, &runs, !with_expected).await? {
                let test = renames.current(&failure.test, failure.start_time).to_owned();
                side.failed.entry(failure.config_id).or_default().insert(test);
            }
        }
        Ok(side)
    }

    /// Reads what some tests did.
    pub(super) async fn read_attempts(&mut self, store: &Store, tests: &BTreeSet<String>) -> Result<(), AnswerError> {
        if tests.is_empty() || self.runs.is_empty() {
            return Ok(());
        }
        if tests.len() > LOOKED_UP {
            return self.read_documents(store, tests).await;
        }
        let runs: Vec<CommitRun> = self.runs.values().flat_map(|of| of.runs.iter().cloned()).collect();
        let tenures = tests.iter().flat_map(|test| self.renames.tenures(TestId::of(&self.suite, test)));
        let names: BTreeSet<TestId> = tenures.map(|tenure| tenure.test).collect();
        let names: Vec<TestId> = names.into_iter().collect();
        for row in joined_runs::states(store, &self.suite, &self.selection, &runs, &names).await? {
            let StatesInRun { config_id, test_id, start_time, actual, expected, .. } = row;
            let test = self.renames.current_id(test_id, start_time);
            let attempts = self.attempts.entry((config_id, test)).or_default();
            attempts.add(States::from_bits(actual), States::from_bits(expected), self.with_expected);
        }
        Ok(())
    }

    /// Reads the same from the documents of the runs.
    async fn read_documents(&mut self, store: &Store, tests: &BTreeSet<String>) -> Result<(), AnswerError> {
        let asked: HashMap<String, TestId> =
            tests.iter().map(|test| (test.clone(), TestId::of(&self.suite, test))).collect();
        let asked = Arc::new(asked);
        for (id, runs) in &self.runs {
            let mut attempts = HashMap::<(ConfigId, TestId), Attempts>::new();
            for place in runs.places() {
                let (asked, renames) = (Arc::clone(&asked), Arc::clone(&self.renames));
                let (id, start_time, with_expected) = (*id, place.start_time, self.with_expected);
                attempts = run_documents::fold(store, &self.suite, &place, attempts, move |attempts, test, result| {
                    if let Some(test) = asked.get(renames.current(test, start_time)) {
                        let joined = attempts.entry((id, *test)).or_default();
                        joined.add(result.actual, result.expected, with_expected);
                    }
                })
                .await?;
            }
            self.attempts.extend(attempts);
        }
        Ok(())
    }

    /// The configurations that ran on the other side, too, in order: the runs of this side and of the other.
    pub(super) fn paired_with<'a>(&'a self, other: &'a Self) -> Vec<(ConfigId, &'a SideRuns, &'a SideRuns)> {
        let pair = |(id, own): (&ConfigId, &'a SideRuns)| Some((*id, own, other.runs.get(id)?));
        let mut pairs: Vec<_> = self.runs.iter().filter_map(pair).collect();
        pairs.sort_by_key(|(id, _, other)| (&other.configuration, *id));
        pairs
    }

    /// The configurations that did not run on the other side, in order.
    pub(super) fn without<'a>(&'a self, other: &Self) -> impl Iterator<Item = (ConfigId, &'a SideRuns)> {
        let mut alone: Vec<_> = self.runs.iter().filter(|(id, _)| !other.runs.contains_key(id)).collect();
        alone.sort_by_key(|(id, runs)| (&runs.configuration, **id));
        alone.into_iter().map(|(id, runs)| (*id, runs))
    }

    /// What a test did on a configuration; none if it is not among those that were read, or did not run.
    pub(super) fn attempts(&self, configuration: ConfigId, test: &str) -> Attempts {
        self.attempts.get(&(configuration, TestId::of(&self.suite, test))).copied().unwrap_or_default()
    }
}
