//! Histories of tests: what each did, commit by commit, on each configuration; what verdicts are made from.
//!
//! Data flow: the runs of a suite that started lately, of whatever commits → [`SuiteSessions`]: on each configuration its
//! runs in the order of commits, those of one commit that started close together as one session → the outcomes of some
//! tests → [`Histories`]: a cell for each session in which a test has a result. A session without a result of the test has
//! no cell, because it says nothing about the test.

mod sessions;

use std::collections::{BTreeMap, HashMap};

use analysis::history::{Cell, History};
use schema::ids::{ConfigId, TestId};
use schema::state::{State, States};

pub(crate) use sessions::SuiteSessions;

use crate::error::AnswerError;
use crate::reads::histories::{self, RunOutcome};
use crate::reads::selection::Selection;
use crate::store::Store;

/// What some tests of a suite did.
pub(crate) struct Histories {
    cells: HashMap<TestId, BTreeMap<ConfigId, Vec<Cell>>>,
}

impl Histories {
    /// What these tests did in the sessions of a selection.
    pub(crate) async fn of_tests(
        store: &Store,
        suite: &str,
        selection: &Selection,
        sessions: &SuiteSessions,
        tests: impl IntoIterator<Item = TestId>,
    ) -> Result<Self, AnswerError> {
        let outcomes = histories::outcomes(store, suite, selection, tests).await?;
        Ok(Self::new(sessions, &outcomes))
    }

    fn new(sessions: &SuiteSessions, outcomes: &[RunOutcome]) -> Self {
        let mut joined: HashMap<TestId, BTreeMap<ConfigId, BTreeMap<u32, Cell>>> = HashMap::new();
        for outcome in outcomes {
            let Some(one) = of_run(outcome, sessions) else { continue };
            let cells = joined.entry(outcome.test_id).or_default().entry(outcome.config_id).or_default();
            cells.entry(one.position).and_modify(|cell| *cell = join(*cell, one)).or_insert(one);
        }
        let cells = joined.into_iter().map(|(test, configurations)| {
            let configurations = configurations.into_iter();
            (test, configurations.map(|(id, cells)| (id, cells.into_values().collect())).collect())
        });
        Self { cells: cells.collect() }
    }

    /// The configurations on which a test ran, and its history on each.
    pub(crate) fn of<'a>(&'a self, test: TestId, sessions: &SuiteSessions) -> Vec<(ConfigId, History<'a>)> {
        let Some(configurations) = self.cells.get(&test) else { return Vec::new() };
        let history = |(id, cells): (&ConfigId, &'a Vec<Cell>)| (*id, History { cells, commits: sessions.count(*id) });
        configurations.iter().map(history).collect()
    }
}

/// A cell of one run; none if the test did not run in it, or if the run does not count.
fn of_run(outcome: &RunOutcome, sessions: &SuiteSessions) -> Option<Cell> {
    let RunOutcome { config_id, uuid, start_time, actual, expected, has_passed, .. } = *outcome;
    let position = sessions.position(config_id, uuid, start_time)?;
    let (states, expected) = (States::from_bits(actual), States::from_bits(expected));
    let (worst, worst_of_all) = (states.unexpected_state(expected), states.worst_state());
    let has_failed = worst.is_failure();
    let has_passed = has_passed || states.has_passed();
    Some(Cell {
        commit: uuid,
        position,
        runs: 1,
        failed: u32::from(has_failed),
        unrecovered: u32::from(has_failed && !has_passed),
        expected_failures: u32::from(!has_failed && worst_of_all.is_failure()),
        surprising_passes: u32::from(states.is_surprising_pass(expected)),
        worst: if has_failed { worst } else { State::PASS },
        worst_of_all,
        first_start: start_time,
        last_start: start_time,
    })
}

fn join(one: Cell, other: Cell) -> Cell {
    Cell {
        commit: one.commit,
        position: one.position,
        runs: one.runs + other.runs,
        failed: one.failed + other.failed,
        unrecovered: one.unrecovered + other.unrecovered,
        expected_failures: one.expected_failures + other.expected_failures,
        surprising_passes: one.surprising_passes + other.surprising_passes,
        worst: one.worst.min(other.worst),
        worst_of_all: one.worst_of_all.min(other.worst_of_all),
        first_start: one.first_start.min(other.first_start),
        last_start: one.last_start.max(other.last_start),
    }
}
