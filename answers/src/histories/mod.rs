//! Histories of tests: what each did, commit by commit, on each configuration; what verdicts are made from.
//!
//! Data flow: the runs of a suite that started lately, of whatever commits → [`SuiteSessions`]: on each configuration its
//! runs in the order of commits, those of one commit that started close together as one session → the outcomes of some
//! tests → [`Histories`]: a cell for each session in which a test has a result. A session without a result of the test has
//! no cell, because it says nothing about the test.

mod cell;
mod sessions;
mod whole_suite;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use analysis::history::{Cell, History};
use schema::ids::{CommitKey, ConfigId, TestId};

pub(crate) use sessions::SuiteSessions;

use crate::error::AnswerError;
use crate::reads::histories::{self, RunOutcome};
use crate::reads::selection::Selection;
use crate::renames::Renames;
use crate::store::Store;

/// What some tests of a suite did.
#[derive(Default)]
pub(crate) struct Histories {
    tests: HashMap<TestId, BTreeMap<ConfigId, TestHistory>>,
    /// Milliseconds of the runs in which a test failed unexpectedly.
    lost: HashMap<TestId, u64>,
}

/// What one test did on one configuration.
struct TestHistory {
    /// Cells by position.
    cells: Vec<Cell>,
    /// Sessions of the suite on the configuration.
    sessions: u32,
}

impl Histories {
    /// Stands for the suite itself among its tests.
    pub(crate) const SUITE: TestId = TestId(0);

    /// What these tests did in the sessions of a selection, under whatever names.
    pub(crate) async fn of_tests(
        store: &Store,
        suite: &str,
        selection: &Selection,
        sessions: &SuiteSessions,
        renames: &Renames,
        tests: &BTreeSet<TestId>,
    ) -> Result<Self, AnswerError> {
        let outcomes = histories::outcomes(store, suite, selection, renames.names(tests)).await?;
        Ok(Self::of_outcomes(&outcomes, sessions, renames, tests))
    }

    /// What outcomes say of these tests that were read by the same selection as the sessions.
    pub(crate) fn of_outcomes(
        outcomes: &[RunOutcome],
        sessions: &SuiteSessions,
        renames: &Renames,
        tests: &BTreeSet<TestId>,
    ) -> Self {
        let mut lost: HashMap<TestId, u64> = HashMap::new();
        let cells = outcomes.iter().filter_map(|outcome| {
            let test = renames.current_id(outcome.test_id, outcome.start_time);
            // Of a name that several tests had, one of them may be asked about.
            if !tests.contains(&test) {
                return None;
            }
            let cell = cell::of_test(outcome, sessions)?;
            if cell.failed > 0 {
                *lost.entry(test).or_default() += u64::from(outcome.time());
            }
            Some((test, outcome.config_id, cell))
        });
        let histories = Self::new(sessions, cells);
        Self { lost, ..histories }
    }

    /// What the suite itself did in the sessions of a selection, under the test [`Self::SUITE`].
    pub(crate) async fn of_suite(
        store: &Store,
        suite: &str,
        selection: &Selection,
        sessions: &SuiteSessions,
    ) -> Result<Self, AnswerError> {
        if selection.is_empty() {
            return Ok(Self::default());
        }
        let cells = whole_suite::cells(store, suite, selection, sessions).await?;
        Ok(Self::new(sessions, cells.into_iter().map(|(id, cell)| (Self::SUITE, id, cell))))
    }

    /// Cells of one session are joined.
    fn new(sessions: &SuiteSessions, cells: impl Iterator<Item = (TestId, ConfigId, Cell)>) -> Self {
        let mut joined: HashMap<TestId, BTreeMap<ConfigId, BTreeMap<u32, Cell>>> = HashMap::new();
        for (test, id, one) in cells {
            let known = joined.entry(test).or_default().entry(id).or_default();
            known.entry(one.position).and_modify(|cell| *cell = cell::join(*cell, one)).or_insert(one);
        }
        let history = |(id, cells): (ConfigId, BTreeMap<u32, Cell>)| {
            (id, TestHistory { cells: cells.into_values().collect(), sessions: sessions.count(id) })
        };
        let of_test = |(test, configurations): (TestId, BTreeMap<ConfigId, BTreeMap<u32, Cell>>)| {
            (test, configurations.into_iter().map(history).collect())
        };
        Self { tests: joined.into_iter().map(of_test).collect(), lost: HashMap::new() }
    }

    /// Takes the histories of others in the place of its own. What was lost stays that of the time asked about.
    pub(crate) fn replace(&mut self, others: Self) {
        self.tests.extend(others.tests);
    }

    /// Milliseconds of the runs in which a test failed unexpectedly.
    pub(crate) fn time_lost(&self, test: TestId) -> u64 {
        self.lost.get(&test).copied().unwrap_or(0)
    }

    /// Commits of the cells that a question means.
    pub(crate) fn commits(&self, is_meant: impl Fn(&Cell) -> bool) -> BTreeSet<CommitKey> {
        let histories = self.tests.values().flat_map(BTreeMap::values);
        histories.flat_map(|history| &history.cells).filter(|cell| is_meant(cell)).map(|cell| cell.commit).collect()
    }

    /// The configurations on which a test ran, and its history on each.
    pub(crate) fn of(&self, test: TestId) -> Vec<(ConfigId, History<'_>)> {
        let configurations = self.tests.get(&test).into_iter().flatten();
        configurations.map(|(id, of)| (*id, History { cells: &of.cells, commits: of.sessions })).collect()
    }
}
