//! Verdicts on tests and suites, from the runs that started lately: the one place where answers ask the rule of the crate
//! `analysis`.
//!
//! Data flow: the sessions of a suite → the histories of the tests that are asked about → [`analysis::judge::judge`]. A test
//! that fails as far back as these runs go is looked up once more over all runs that are kept, so that what is said of the
//! beginning of a failure does not move as time passes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use analysis::history::History;
use analysis::judge::{Judgement, Question, judge};
use schema::configuration::Configuration;
use schema::ids::{ConfigId, TestId};
use schema::seconds::DAY;

use crate::ask::RunFilter;
use crate::error::AnswerError;
use crate::histories::{Histories, SuiteSessions};
use crate::reads::histories;
use crate::reads::selection::Selection;
use crate::renames::{self, Renames};
use crate::store::Store;
use crate::suite_rules;

/// Verdicts are made from the runs that started within so many weeks.
pub(crate) const WEEKS: u64 = 4;
/// Where a failure began is looked for in the runs of so many weeks.
const ALL_WEEKS: u64 = 1040;
/// Tests that are looked up in all of these.
const MAX_LONG_FAILING: usize = 300;
/// A commit that first ran within so many days is new, where the question does not say.
pub(crate) const NEW_DAYS: u64 = 3;

/// The runs of a suite from which verdicts are made.
pub(crate) struct LateRuns<'a> {
    pub(crate) store: &'a Store,
    pub(crate) suite: &'a str,
    filter: &'a RunFilter,
    pub(crate) selection: Selection,
    pub(crate) sessions: SuiteSessions,
    pub(crate) question: Question,
    pub(crate) renames: Arc<Renames>,
}

impl<'a> LateRuns<'a> {
    /// The runs that a filter means, and what is asked of them: `days` is what is called new.
    pub(crate) async fn of(
        store: &'a Store,
        suite: &'a str,
        filter: &'a RunFilter,
        days: u64,
    ) -> Result<Self, AnswerError> {
        Self::within(store, suite, filter, days, WEEKS).await
    }

    /// The same with runs that started within so many weeks.
    pub(crate) async fn within(
        store: &'a Store,
        suite: &'a str,
        filter: &'a RunFilter,
        days: u64,
        weeks: u64,
    ) -> Result<Self, AnswerError> {
        let ((selection, sessions), renames) =
            tokio::try_join!(started_within(store, suite, filter, weeks), renames::of_suite(store, suite))?;
        let question = question(store, suite, days);
        Ok(Self { store, suite, filter, selection, sessions, question, renames })
    }

    /// The same, with the histories of tests that are known beforehand: their outcomes are read while the runs are.
    pub(crate) async fn with_histories(
        store: &'a Store,
        suite: &'a str,
        filter: &'a RunFilter,
        tests: &BTreeSet<TestId>,
    ) -> Result<(Self, Histories), AnswerError> {
        let question = question(store, suite, NEW_DAYS);
        let (selection, renames) = tokio::try_join!(
            Selection::started_within(store, suite, filter, WEEKS, u64::MAX),
            renames::of_suite(store, suite)
        )?;
        if selection.is_empty() {
            let sessions = SuiteSessions::default();
            return Ok((Self { store, suite, filter, selection, sessions, question, renames }, Histories::default()));
        }
        let (sessions, outcomes) = tokio::try_join!(
            SuiteSessions::of(store, suite, &selection),
            histories::outcomes(store, suite, &selection, renames.names(tests))
        )?;
        let histories = Histories::of_outcomes(&outcomes, &sessions, &renames, tests);
        let late = Self { store, suite, filter, selection, sessions, question, renames };
        let histories = late.looked_up(histories, tests).await?;
        Ok((late, histories))
    }

    /// The histories of some tests.
    pub(crate) async fn histories(&self, tests: &BTreeSet<TestId>) -> Result<Histories, AnswerError> {
        let Self { store, suite, selection, sessions, renames, .. } = self;
        if selection.is_empty() || tests.is_empty() {
            return Ok(Histories::default());
        }
        let histories = Histories::of_tests(store, suite, selection, sessions, renames, tests).await?;
        self.looked_up(histories, tests).await
    }

    /// Histories in which those of tests that fail as far back as they go are over all runs that are kept.
    async fn looked_up(&self, mut histories: Histories, tests: &BTreeSet<TestId>) -> Result<Histories, AnswerError> {
        let Self { store, suite, .. } = self;
        let failing = |history: &History<'_>| {
            let judgement = judge(history, &self.question);
            judgement.standing.is_failing() && judgement.blame.is_some_and(|blame| blame.last_good.is_none())
        };
        let long: BTreeSet<TestId> = tests
            .iter()
            .copied()
            .filter(|test| histories.of(*test).iter().any(|(_, history)| failing(history)))
            .take(MAX_LONG_FAILING)
            .collect();
        if !long.is_empty() {
            let (selection, sessions) = started_within(store, suite, self.filter, ALL_WEEKS).await?;
            histories.replace(Histories::of_tests(store, suite, &selection, &sessions, &self.renames, &long).await?);
        }
        Ok(histories)
    }

    /// Names of the tests that are worth a look: those that failed unexpectedly, or passed unexpectedly, last; `most` at most.
    /// What failed under a former name counts for the test that had it.
    pub(crate) async fn candidates(&self, most: u64) -> Result<Vec<String>, AnswerError> {
        let broken_now: BTreeSet<ConfigId> = self.sessions.broken_now().map(|(id, ..)| id).collect();
        let names = histories::candidates(self.store, self.suite, &self.selection, &broken_now, most).await?;
        Ok(self.renames.owners(names))
    }

    /// The verdict on the suite itself, on each configuration.
    pub(crate) async fn verdicts(&self) -> Result<BTreeMap<ConfigId, Judgement>, AnswerError> {
        let histories = Histories::of_suite(self.store, self.suite, &self.selection, &self.sessions).await?;
        Ok(self.judged(&histories, Histories::SUITE))
    }

    /// The verdict on one test, on each configuration.
    pub(crate) fn judged(&self, histories: &Histories, test: TestId) -> BTreeMap<ConfigId, Judgement> {
        let judged = |(id, history): (ConfigId, History<'_>)| (id, judge(&history, &self.question));
        histories.of(test).into_iter().map(judged).collect()
    }

    /// The configuration of an id.
    pub(crate) fn configuration(&self, id: ConfigId) -> Option<&Configuration> {
        self.selection.matching.get(&id)
    }
}

/// What is asked of histories of a suite; `days` is what is called new.
fn question(store: &Store, suite: &str, days: u64) -> Question {
    let now = store.clock.now();
    let new_since = now.saturating_sub(days.saturating_mul(DAY));
    Question { now, new_since, rules: suite_rules::of_suite(&store.rules, suite) }
}

async fn started_within(
    store: &Store,
    suite: &str,
    filter: &RunFilter,
    weeks: u64,
) -> Result<(Selection, SuiteSessions), AnswerError> {
    let selection = Selection::started_within(store, suite, filter, weeks, u64::MAX).await?;
    let sessions = if selection.is_empty() {
        SuiteSessions::default()
    } else {
        SuiteSessions::of(store, suite, &selection).await?
    };
    Ok((selection, sessions))
}
