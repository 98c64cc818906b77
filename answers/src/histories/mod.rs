//! Histories of tests: what each did, commit by commit, on each configuration; what verdicts are made from.
//!
//! Data flow: the runs of a suite that started lately, of whatever commits → [`SuiteSessions`]: on each configuration its
//! runs in the order of commits, those of one commit that started close together as one session → [`SuiteRuns`]: the
//! outcomes of these runs, where they are known ([`indexed`]), else those of some tests, which are read from `results` →
//! [`Histories`]: a cell for each session in which a test has a result. A session without a result of the test has no cell,
//! because it says nothing about the test. Some histories are then made longer, for their verdicts alone. What is counted
//! lies in the time asked about, however far back a history goes ([`asked`]).

mod asked;
mod cell;
mod counted_run;
mod indexed;
pub(crate) mod place;
mod sessions;
mod suite_runs;
mod test_history;
mod whole_suite;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use analysis::episodes::Aftermath;
use analysis::history::{Cell, History};
use analysis::judge::{Judgement, Question, judge};
use analysis::parallel;
use analysis::rules::Rules;
use schema::ids::{CommitKey, ConfigId, TestId};

pub(crate) use counted_run::SessionRun;
use indexed::{CellsByPlace, IndexedOutcomes};
pub(crate) use sessions::SuiteSessions;
pub(crate) use suite_runs::SuiteRuns;
use test_history::{TestHistory, TestRuns};

use crate::error::AnswerError;
use crate::reads::histories::{self, RunOutcome};
use crate::reads::selection::Selection;
use crate::renames::Renames;
use crate::store::Store;

/// What some tests of a suite did.
#[derive(Default)]
pub(crate) struct Histories {
    /// Histories that were read test by test.
    tests: HashMap<TestId, BTreeMap<ConfigId, TestHistory>>,
    /// Those of some tests that go back as far as anything is kept.
    longer: HashMap<TestId, BTreeMap<ConfigId, TestHistory>>,
    /// Those of all other tests, if the outcomes of whole runs are known.
    indexed: IndexedOutcomes,
    /// The runs in which a test failed unexpectedly, of those that were read.
    failed: HashMap<TestId, Vec<FailedRun>>,
    /// The commits of all sessions in the order of the branch, the oldest first.
    order: Vec<CommitKey>,
    /// The time asked about begins here, seconds since 1970.
    since: u32,
}

/// A run in which a test failed unexpectedly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FailedRun {
    pub(crate) configuration: ConfigId,
    pub(crate) commit: CommitKey,
    /// Start of the run, seconds since 1970.
    pub(crate) start_time: u32,
    /// How long the test took, all attempts together, milliseconds; 0 if nobody measured it.
    pub(crate) time: u32,
}

impl FailedRun {
    /// Whether it is one of the runs of a cell on its configuration.
    pub(crate) fn is_of(&self, cell: &Cell) -> bool {
        self.commit == cell.commit && (cell.first_start..=cell.last_start).contains(&self.start_time)
    }
}

/// The cells of one test on one configuration.
pub(crate) struct TestCells<'a> {
    cells: Cow<'a, [Cell]>,
    sessions: u32,
}

/// A test with the verdict on each configuration on which there may be something to tell.
pub(crate) struct JudgedTest {
    pub(crate) test: TestId,
    pub(crate) places: Vec<JudgedPlace>,
}

/// A configuration of a test, and the verdict.
pub(crate) type JudgedPlace = (ConfigId, Arc<Judgement>);

impl JudgedTest {
    /// Whether it fails somewhere as far back as its history goes.
    pub(crate) fn fails_throughout(&self) -> bool {
        let fails = |judgement: &Judgement| {
            judgement.standing.is_failing() && judgement.blame.is_some_and(|blame| blame.last_good.is_none())
        };
        self.places.iter().any(|(_, judgement)| fails(judgement))
    }
}

impl TestCells<'_> {
    /// What is judged.
    pub(crate) fn history(&self) -> History<'_> {
        History { cells: &self.cells, commits: self.sessions }
    }
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
        let mut failed: HashMap<TestId, Vec<FailedRun>> = HashMap::new();
        let cells = outcomes.iter().filter_map(|outcome| {
            let test = renames.current_id(outcome.test_id, outcome.start_time);
            // Of a name that several tests had, one of them may be asked about.
            if !tests.contains(&test) {
                return None;
            }
            let cell = cell::of_test(outcome, sessions)?;
            if cell.failed > 0 {
                failed.entry(test).or_default().push(FailedRun {
                    configuration: outcome.config_id,
                    commit: outcome.uuid,
                    start_time: outcome.start_time,
                    time: outcome.outcome().time,
                });
            }
            Some((test, outcome.config_id, cell))
        });
        let histories = Self::new(sessions, cells);
        Self { failed, ..histories }
    }

    /// What whole runs say of these tests, under whatever names.
    pub(crate) fn of_runs(
        runs: &SuiteRuns,
        sessions: &SuiteSessions,
        renames: &Arc<Renames>,
        tests: &BTreeSet<TestId>,
    ) -> Self {
        let indexed = IndexedOutcomes::new(runs, sessions, renames, tests);
        Self { indexed, order: sessions.order(), since: sessions.since(), ..Self::default() }
    }

    /// What the suite itself did in the sessions of a selection, under the test [`Self::SUITE`].
    pub(crate) async fn of_suite(
        store: &Store,
        suite: &str,
        selection: &Selection,
        sessions: &SuiteSessions,
        runs: Option<&SuiteRuns>,
    ) -> Result<Self, AnswerError> {
        if selection.is_empty() {
            return Ok(Self::default());
        }
        let cells = match runs {
            Some(runs) => whole_suite::cells_of_runs(runs, sessions),
            None => whole_suite::cells(store, suite, selection, sessions).await?,
        };
        Ok(Self::new(sessions, cells.into_iter().map(|(id, cell)| (Self::SUITE, id, cell))))
    }

    /// Cells of one session are joined.
    fn new(sessions: &SuiteSessions, cells: impl Iterator<Item = (TestId, ConfigId, Cell)>) -> Self {
        let since = sessions.since();
        let mut joined: HashMap<TestId, BTreeMap<ConfigId, TestRuns>> = HashMap::new();
        for (test, id, one) in cells {
            joined.entry(test).or_default().entry(id).or_default().add(one, since);
        }
        let history = |(id, runs): (ConfigId, TestRuns)| (id, runs.history(sessions.count(id), since));
        let of_test = |(test, configurations): (TestId, BTreeMap<ConfigId, TestRuns>)| {
            (test, configurations.into_iter().map(history).collect())
        };
        Self { tests: joined.into_iter().map(of_test).collect(), order: sessions.order(), since, ..Self::default() }
    }

    /// The commits of all sessions in the order of the branch, the oldest first.
    pub(crate) fn order(&self) -> &[CommitKey] {
        &self.order
    }

    /// The runs of the time asked about in which a test failed unexpectedly on a configuration, in no order.
    fn failed_runs(&self, test: TestId, id: ConfigId) -> Vec<FailedRun> {
        let mut runs = self.indexed.failed_runs(test, id);
        runs.extend(self.failed.get(&test).into_iter().flatten().filter(|run| run.configuration == id));
        runs.retain(|run| run.start_time >= self.since);
        runs
    }

    /// Commits of the cells of some tests that a question means.
    pub(crate) fn commits(&self, tests: &BTreeSet<TestId>, is_meant: impl Fn(&Cell) -> bool) -> BTreeSet<CommitKey> {
        let mut commits = BTreeSet::new();
        for (_, of_place) in tests.iter().flat_map(|test| self.of(*test)) {
            commits.extend(of_place.cells.iter().filter(|cell| is_meant(cell)).map(|cell| cell.commit));
        }
        commits
    }

    /// The configurations on which a test ran, and its cells on each.
    pub(crate) fn of(&self, test: TestId) -> Vec<(ConfigId, TestCells<'_>)> {
        self.read(test).unwrap_or_else(|| cells_of(self.indexed.of(test)))
    }

    /// The cells of a test on the newest commits, those that `is_newest` says, in no order.
    pub(crate) fn newest(&self, test: TestId, is_newest: impl Fn(CommitKey) -> bool) -> Vec<Cell> {
        let Some(read) = self.read(test) else { return self.indexed.newest(test, is_newest) };
        let cells = read.iter().flat_map(|(_, cells)| cells.cells.iter());
        cells.filter(|cell| is_newest(cell.commit)).copied().collect()
    }

    /// Judges some tests on the configurations on which there may be something to tell.
    pub(crate) fn judged(&self, tests: &[TestId], question: &Question) -> Vec<JudgedTest> {
        parallel::map(tests, |test| JudgedTest { test: *test, places: self.judged_places(*test, question) })
    }

    fn judged_places(&self, test: TestId, question: &Question) -> Vec<JudgedPlace> {
        let Some(read) = self.read(test) else { return self.indexed.judged(test, question) };
        read.into_iter().map(|(id, cells)| (id, judge(&cells.history(), question).into())).collect()
    }

    /// The configurations on which a test may have run: on no other.
    pub(crate) fn configurations(&self, test: TestId) -> Vec<ConfigId> {
        match self.whole(test) {
            Some(read) => read.keys().copied().collect(),
            None => self.indexed.configurations().collect(),
        }
    }

    /// The cells of a test on one configuration; none where it did not run.
    pub(crate) fn on(&self, test: TestId, id: ConfigId) -> Cow<'_, [Cell]> {
        match self.whole(test) {
            Some(read) => read.get(&id).map_or_else(Cow::default, |of| Cow::Borrowed(of.cells.as_slice())),
            None => self.indexed.on(test, id),
        }
    }

    /// What came of the failures of a test on one configuration, on which it was judged.
    pub(crate) fn aftermath(
        &self,
        test: TestId,
        id: ConfigId,
        judgement: &Arc<Judgement>,
        rules: &Rules,
    ) -> Arc<Aftermath> {
        match self.whole(test) {
            Some(_) => Arc::new(Aftermath::of(judgement, &self.on(test, id), rules)),
            None => self.indexed.aftermath(test, id, judgement, rules),
        }
    }

    /// Hashes what was read of some tests one by one, and not as a part of whole runs.
    pub(crate) fn hash_read(&self, tests: &[TestId], hasher: &mut impl Hasher) {
        for (place, test) in tests.iter().enumerate() {
            let Some(read) = self.whole(*test) else { continue };
            place.hash(hasher);
            for (id, history) in read {
                (id, &history.cells).hash(hasher);
            }
        }
    }

    /// What was read of a test.
    fn read(&self, test: TestId) -> Option<Vec<(ConfigId, TestCells<'_>)>> {
        self.whole(test).map(cells_read)
    }
}

fn cells_read(read: &BTreeMap<ConfigId, TestHistory>) -> Vec<(ConfigId, TestCells<'_>)> {
    let mut found = Vec::with_capacity(read.len());
    for (id, TestHistory { cells, sessions, .. }) in read {
        found.push((*id, TestCells { cells: Cow::Borrowed(cells), sessions: *sessions }));
    }
    found
}

fn cells_of(found: CellsByPlace<'_>) -> Vec<(ConfigId, TestCells<'_>)> {
    found.into_iter().map(|(id, cells, sessions)| (id, TestCells { cells, sessions })).collect()
}
