//! What a suite itself did: a session failed if a test failed in it and did not pass in another of its runs.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use analysis::history::Cell;
use schema::ids::{CommitKey, ConfigId, TestId};
use schema::state::State;

use super::{SuiteRuns, SuiteSessions, cell};
use crate::error::AnswerError;
use crate::reads::histories::{self, RunFailures};
use crate::reads::selection::Selection;
use crate::store::Store;

/// A run in which more tests failed is not looked at test by test: it failed.
pub(crate) const FEW: u64 = 50;

/// A session of a configuration.
type Place = (ConfigId, u32);

/// One cell for each session of the selected runs.
pub(super) async fn cells(
    store: &Store,
    suite: &str,
    selection: &Selection,
    sessions: &SuiteSessions,
) -> Result<Vec<(ConfigId, Cell)>, AnswerError> {
    let failures = histories::run_failures(store, suite, selection, FEW).await?;
    let commits: BTreeSet<CommitKey> = failures.iter().map(|of| of.uuid).collect();
    let tests: BTreeSet<TestId> =
        failures.iter().flat_map(|of| of.tests.iter().map(|test| TestId::of(suite, test))).collect();
    let mut recovery = Recovery::default();
    if !tests.is_empty() {
        for outcome in histories::outcomes_on(store, suite, selection, tests, &commits).await? {
            if let Some(one) = cell::of_test(&outcome, sessions) {
                recovery.add(outcome.test_id, outcome.config_id, one);
            }
        }
    }
    Ok(joined(&failures, sessions, &recovery))
}

/// The same from the outcomes of whole runs.
pub(super) fn cells_of_runs(runs: &SuiteRuns, sessions: &SuiteSessions) -> Vec<(ConfigId, Cell)> {
    let (mut failures, mut recovery) = (Vec::new(), Recovery::default());
    for (config_id, runs) in runs.by_configuration() {
        for session in runs.chunk_by(|one, other| one.run.position == other.run.position) {
            let mut tests = BTreeSet::new();
            for run in session {
                let failed = || run.outcomes.surprises().filter(|one| one.outcome.has_failed());
                let Some(worst) = failed().map(|one| one.outcome.worst_unexpected()).min() else { continue };
                let count = failed().count() as u64;
                if count <= FEW {
                    tests.extend(failed().map(|one| one.test));
                }
                let (uuid, start_time) = (run.commit(), run.run.start_time);
                failures.push(RunFailures { config_id, uuid, start_time, worst, count, tests: Vec::new() });
            }
            for (test, run) in tests.iter().flat_map(|test| session.iter().map(move |run| (*test, run))) {
                let surprise = run.outcomes.surprise(test);
                let Some(outcome) = surprise.or_else(|| run.outcomes.usual(test)) else { continue };
                let cell = cell::of_outcome(&outcome, run.commit(), run.run.position, run.run.start_time);
                if let Some(one) = cell {
                    recovery.add(test, config_id, one);
                }
            }
        }
    }
    joined(&failures, sessions, &recovery)
}

/// Which failures of a session were followed or preceded by a pass of the same test in it.
#[derive(Default)]
struct Recovery {
    tests: HashMap<Place, BTreeMap<TestId, Cell>>,
}

impl Recovery {
    fn add(&mut self, test: TestId, id: ConfigId, one: Cell) {
        let of_session = self.tests.entry((id, one.position)).or_default();
        of_session.entry(test).and_modify(|cell| *cell = cell.joined(one)).or_insert(one);
    }

    /// The worst state of the tests that failed in a session and did not pass in it; PASS if there is none.
    fn worst_unrecovered(&self, place: Place) -> State {
        let tests = self.tests.get(&place).into_iter().flat_map(BTreeMap::values);
        tests
            .filter(|cell| cell.failed > 0 && cell.unrecovered == cell.runs)
            .map(|cell| cell.worst)
            .min()
            .unwrap_or(State::PASS)
    }
}

fn joined(failures: &[RunFailures], sessions: &SuiteSessions, recovery: &Recovery) -> Vec<(ConfigId, Cell)> {
    let mut found: BTreeMap<Place, Cell> = BTreeMap::new();
    for run in sessions.runs() {
        let one = Cell::passed(run.upload.uuid, run.position, run.start_time);
        let known = found.entry((run.upload.config_id, run.position));
        // The runs of a session are one run of the suite: shards and reruns together.
        known.and_modify(|cell| *cell = Cell { runs: 1, ..cell.joined(one) }).or_insert(one);
    }
    for RunFailures { config_id, uuid, start_time, worst, count, .. } in failures {
        let Some(position) = sessions.position(*config_id, *uuid, *start_time) else { continue };
        let place = (*config_id, position);
        let Some(cell) = found.get_mut(&place) else { continue };
        let unrecovered = if *count > FEW { *worst } else { recovery.worst_unrecovered(place) };
        cell.failed = 1;
        cell.worst = cell.worst.min(*worst);
        if unrecovered.is_failure() {
            cell.unrecovered = 1;
        }
        cell.worst_of_all = cell.worst;
    }
    found.into_iter().map(|((id, _), cell)| (id, cell)).collect()
}
