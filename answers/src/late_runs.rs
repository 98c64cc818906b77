//! Verdicts on tests and suites, from the runs that started lately: the one place where answers ask the rule of the crate
//! `analysis`.
//!
//! Data flow: the sessions of a suite, and the outcomes of their runs → the histories of the tests that are asked about →
//! [`analysis::judge::judge`]. Where the outcomes of whole runs are not known, because an earlier version stored the runs,
//! the results of each test are read instead, to the same effect. A test that fails as far back as these runs go is looked up
//! once more over all runs that are kept, so that what is said of the beginning of a failure does not move as time passes.
//!
//! However short the time is that is asked about, verdicts are made from [`WEEKS`] at least: the same test has the same verdict
//! on every list. What is counted, and which tests are listed, is of the time asked about alone ([`Histories::asked`]).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use analysis::judge::{Judgement, Question, judge};
use rustc_hash::FxHashSet;
use schema::configuration::Configuration;
use schema::ids::{CommitKey, ConfigId, TestId};
use schema::seconds::DAY;

use crate::ask::RunFilter;
use crate::error::AnswerError;
use crate::histories::{Histories, JudgedTest, SuiteRuns, SuiteSessions, TestCells};
use crate::reads::failures::FailedName;
use crate::reads::selection::Selection;
use crate::reads::{failures, histories};
use crate::renames::{self, Renames};
use crate::store::Store;
use crate::suite_rules;
use crate::test_names;

/// Verdicts are made from the runs that started within so many weeks.
pub(crate) const WEEKS: u64 = 4;
/// Where a failure began is looked for in the runs of so many weeks.
const ALL_WEEKS: u64 = 1040;
/// Tests that are looked up in all of these.
const MAX_LONG_FAILING: usize = 300;
/// A commit that first ran within so many days is new, where the question does not say.
pub(crate) const NEW_DAYS: u64 = 3;

/// How often a test failed.
pub(crate) struct FailedShare {
    pub(crate) test: TestId,
    pub(crate) failed: u64,
    /// In so many runs at most.
    pub(crate) ran: u64,
}

/// How far back runs are asked about, and how far back those by which tests are judged; weeks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Weeks {
    asked: u64,
    judged: u64,
}

impl Weeks {
    /// Judged by [`WEEKS`] at least.
    pub(crate) fn of(asked: u64) -> Self {
        Self { asked, judged: asked.max(WEEKS) }
    }

    /// Judged by the [`WEEKS`] before, too, so that whatever was then can be judged as it was then.
    pub(crate) fn with_before(asked: u64) -> Self {
        Self { asked, judged: asked.saturating_add(WEEKS) }
    }
}

/// Which runs name the tests that are worth a look.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Among {
    /// Those that are asked about: what is listed.
    Asked,
    /// All by which tests are judged: what one commit changed follows from all of them together, however short the time is that
    /// is asked about.
    Judged,
}

/// The runs of a suite from which verdicts are made.
pub(crate) struct LateRuns<'a> {
    pub(crate) store: &'a Store,
    pub(crate) suite: &'a str,
    pub(crate) filter: &'a RunFilter,
    /// The runs by which tests are judged.
    pub(crate) selection: Selection,
    /// Those of them that are asked about, in which is counted what is counted.
    pub(crate) asked: Selection,
    pub(crate) sessions: SuiteSessions,
    /// What the tests of these runs did; none if that is not known of all of them.
    runs: Option<SuiteRuns>,
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
        Self::within(store, suite, filter, days, Weeks::of(WEEKS)).await
    }

    /// The same of other weeks.
    pub(crate) async fn within(
        store: &'a Store,
        suite: &'a str,
        filter: &'a RunFilter,
        days: u64,
        weeks: Weeks,
    ) -> Result<Self, AnswerError> {
        let ((selection, sessions), asked, renames) = tokio::try_join!(
            started_within(store, suite, filter, weeks.judged),
            asked_within(store, suite, filter, weeks),
            renames::of_suite(store, suite)
        )?;
        let runs = SuiteRuns::of(store, suite, &selection, &sessions).await?;
        let question = question(store, suite, days);
        let asked = asked.unwrap_or_else(|| selection.clone());
        let sessions = sessions.asked_since(since(&asked));
        Ok(Self { store, suite, filter, selection, asked, sessions, runs, question, renames })
    }

    /// The histories of some tests.
    pub(crate) async fn histories(&self, tests: &BTreeSet<TestId>) -> Result<Histories, AnswerError> {
        Ok(self.judged_histories(tests).await?.0)
    }

    /// The histories of some tests, and the verdicts on those on which there may be something to tell.
    pub(crate) async fn judged_histories(
        &self,
        tests: &BTreeSet<TestId>,
    ) -> Result<(Histories, Vec<JudgedTest>), AnswerError> {
        let Self { store, suite, selection, sessions, runs, renames, question, .. } = self;
        if selection.is_empty() || tests.is_empty() {
            return Ok(Default::default());
        }
        let mut histories = match runs {
            Some(runs) => Histories::of_runs(runs, sessions, renames, tests),
            None => Histories::of_tests(store, suite, selection, sessions, renames, tests).await?,
        };
        let ids: Vec<TestId> = tests.iter().copied().collect();
        let mut judged = histories.judged(&ids, question);
        // Tests that fail as far back as these runs go are judged by all runs that are kept.
        let throughout = judged.iter().filter(|one| one.fails_throughout()).map(|one| one.test);
        let long: BTreeSet<TestId> = throughout.take(MAX_LONG_FAILING).collect();
        if !long.is_empty() {
            let (selection, all) = started_within(store, suite, self.filter, ALL_WEEKS).await?;
            let sessions = all.asked_since(sessions.since());
            histories.lengthen(Histories::of_tests(store, suite, &selection, &sessions, renames, &long).await?);
            judged.retain(|one| !long.contains(&one.test));
            judged.extend(histories.judged(&long.into_iter().collect::<Vec<_>>(), question));
        }
        Ok((histories, judged))
    }

    /// Names of the tests that are worth a look: those that failed unexpectedly, or passed unexpectedly, last; `most` at most.
    /// What failed under a former name counts for the test that had it.
    pub(crate) async fn candidates(&self, among: Among, most: u64) -> Result<Vec<String>, AnswerError> {
        let selection = match among {
            Among::Asked => &self.asked,
            Among::Judged => &self.selection,
        };
        if let Some(runs) = &self.runs {
            let tests = runs.candidates(since(selection), most as usize);
            let names = test_names::by_id(self.store, self.suite, tests.iter().copied()).await?;
            let names = tests.iter().filter_map(|test| names.get(*test).map(|name| name.to_string())).collect();
            return Ok(self.renames.owners(names));
        }
        let broken_now: BTreeSet<ConfigId> = self.sessions.broken_now().map(|(id, ..)| id).collect();
        let names = histories::candidates(self.store, self.suite, selection, &broken_now, most).await?;
        Ok(self.renames.owners(names))
    }

    /// Of `most` of these tests those that are meant, and whether there are more than `most`.
    pub(crate) async fn meant_candidates(
        &self,
        among: Among,
        most: u64,
        is_meant: impl Fn(&str) -> bool,
    ) -> Result<(Vec<String>, bool), AnswerError> {
        let mut names = self.candidates(among, most + 1).await?;
        let are_more = names.len() as u64 > most;
        names.truncate(most as usize);
        names.retain(|test| is_meant(test));
        Ok((names, are_more))
    }

    /// Commits of the newest runs in which some tests failed, so many of each test; none if that is not known.
    pub(crate) fn newest_failures(&self, tests: &BTreeSet<TestId>, most: usize) -> Option<BTreeSet<CommitKey>> {
        Some(self.runs.as_ref()?.newest_failures(tests, most))
    }

    /// The tests that ran in the runs that are meant, under the names that they have now; none if that is not known.
    pub(crate) fn tests(&self, is_meant: impl Fn(ConfigId, CommitKey) -> bool) -> Option<FxHashSet<TestId>> {
        Some(self.runs.as_ref()?.tests(&self.renames, is_meant))
    }

    /// Each test that failed unexpectedly in the time asked about: how often, and in how many runs at most. How often it ran is
    /// not known here; the runs of the configurations on which it failed stand in for it.
    pub(crate) async fn shares(&self) -> Result<Vec<FailedShare>, AnswerError> {
        let Self { store, suite, asked, sessions, .. } = self;
        let sound_runs = sessions.sound_runs();
        let Some(runs) = &self.runs else {
            let sound_runs: Vec<(ConfigId, u64)> = sound_runs.into_iter().collect();
            let shares = failures::shares(store, suite, asked, &sound_runs).await?;
            let share = |FailedName { test, failed, ran }| FailedShare { test: TestId::of(suite, &test), failed, ran };
            return Ok(shares.into_iter().map(share).collect());
        };
        let shares = runs.shares(sessions.since(), &sound_runs).into_iter();
        Ok(shares.map(|(test, (failed, ran))| FailedShare { test, failed, ran }).collect())
    }

    /// The verdict on the suite itself, on each configuration.
    pub(crate) async fn verdicts(&self) -> Result<BTreeMap<ConfigId, Judgement>, AnswerError> {
        let Self { store, suite, selection, sessions, runs, .. } = self;
        let histories = Histories::of_suite(store, suite, selection, sessions, runs.as_ref()).await?;
        Ok(self.judged(&histories, Histories::SUITE))
    }

    /// The verdict on one test, on each configuration.
    pub(crate) fn judged(&self, histories: &Histories, test: TestId) -> BTreeMap<ConfigId, Judgement> {
        let judged = |(id, cells): (ConfigId, TestCells<'_>)| (id, judge(&cells.history(), &self.question));
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

/// Where the time begins that a selection means, seconds since 1970.
fn since(selection: &Selection) -> u32 {
    selection.bounds.started.after.unwrap_or(0)
}

/// The runs that are asked about; none if they are those that are judged.
async fn asked_within(
    store: &Store,
    suite: &str,
    filter: &RunFilter,
    Weeks { asked, judged }: Weeks,
) -> Result<Option<Selection>, AnswerError> {
    if asked == judged {
        return Ok(None);
    }
    Selection::started_within(store, suite, filter, asked, u64::MAX).await.map(Some)
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
