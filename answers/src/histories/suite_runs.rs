//! The runs that count in the sessions of a suite, with everything that their tests did.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, OnceLock};

use rustc_hash::{FxHashMap, FxHashSet};
use schema::ids::{CommitKey, ConfigId, TestId};
use schema::outcomes::roster::RosterId;
use schema::outcomes::{Outcome, Surprise};

use super::SuiteSessions;
use super::counted_run::{CountedRun, SessionRun};
use super::place::{PlaceCache, PlaceOutcomes};
use crate::error::AnswerError;
use crate::reads::selection::Selection;
use crate::renames::Renames;
use crate::run_outcomes::{self, WantedRun};
use crate::store::Store;

/// The runs of a suite, by configuration, and by session within each.
pub(crate) struct SuiteRuns {
    runs: Vec<CountedRun>,
    suite: Arc<str>,
    branch: Arc<str>,
    cache: PlaceCache,
    places: OnceLock<Vec<(ConfigId, Arc<PlaceOutcomes>)>>,
}

impl SuiteRuns {
    /// The runs of some sessions; none if there is one of which not everything is known, or too much to be read.
    pub(crate) async fn of(
        store: &Store,
        suite: &str,
        selection: &Selection,
        sessions: &SuiteSessions,
    ) -> Result<Option<Self>, AnswerError> {
        let mut runs = sessions.runs().to_vec();
        runs.sort_unstable_by_key(|run| (run.upload.config_id, run.position, run.start_time, run.upload.version));
        let wanted = |run: &SessionRun| WantedRun { upload: run.upload, roster: run.roster, failed: run.failed };
        let uploads: Vec<WantedRun> = runs.iter().map(wanted).collect();
        let Some(outcomes) = run_outcomes::of_uploads(store, suite, selection, &uploads).await? else {
            return Ok(None);
        };
        let counted = |(run, outcomes)| CountedRun { run, outcomes };
        Ok(Some(Self {
            runs: runs.into_iter().zip(outcomes).map(counted).collect(),
            suite: suite.into(),
            branch: selection.branch.as_str().into(),
            cache: store.places.clone(),
            places: OnceLock::new(),
        }))
    }

    /// What the tests did on each configuration.
    pub(super) fn places(&self) -> &[(ConfigId, Arc<PlaceOutcomes>)] {
        self.places.get_or_init(|| {
            let of = |(id, runs)| (id, self.cache.get(&self.suite, &self.branch, id, runs));
            self.by_configuration().map(of).collect()
        })
    }

    /// The runs of each configuration, by session.
    pub(super) fn by_configuration(&self) -> impl Iterator<Item = (ConfigId, &[CountedRun])> {
        let id = |run: &CountedRun| run.run.upload.config_id;
        self.runs
            .chunk_by(move |one, other| id(one) == id(other))
            .filter_map(move |runs| Some((id(runs.first()?), runs)))
    }

    /// The tests that are worth a look: those that failed unexpectedly or passed unexpectedly in a run that started at a time
    /// or later, seconds since 1970; those that did so last first, `most` at most.
    pub(crate) fn candidates(&self, since: u32, most: usize) -> Vec<TestId> {
        let mut newest = self.newest_first();
        newest.retain(|run| run.run.start_time >= since);
        let is_same = |one: &&CountedRun, other: &&CountedRun| one.run.upload.uuid == other.run.upload.uuid;
        let (mut known, mut candidates) = (FxHashSet::default(), Vec::new());
        for of_commit in newest.chunk_by(is_same) {
            let surprises = of_commit.iter().flat_map(|run| run.outcomes.surprises());
            let tests = surprises.filter(is_worth_a_look).map(|surprise| surprise.test);
            let before = candidates.len();
            candidates.extend(tests.filter(|test| known.insert(*test)));
            candidates[before..].sort_unstable();
            if candidates.len() >= most {
                break;
            }
        }
        candidates.truncate(most);
        candidates
    }

    /// The tests that ran in the runs that are meant, under the names that they have now.
    pub(crate) fn tests(&self, renames: &Renames, is_meant: impl Fn(ConfigId, CommitKey) -> bool) -> FxHashSet<TestId> {
        // Most runs share a roster, of which the first and the last start tell which names its tests have now.
        let mut rosters: FxHashMap<RosterId, (&CountedRun, u32, u32)> = FxHashMap::default();
        for counted in self.runs.iter().filter(|one| is_meant(one.run.upload.config_id, one.commit())) {
            let start = counted.run.start_time;
            let known = rosters.entry(counted.run.roster).or_insert((counted, start, start));
            (known.1, known.2) = (known.1.min(start), known.2.max(start));
        }
        let mut tests = FxHashSet::default();
        for (counted, first, last) in rosters.into_values() {
            for test in counted.outcomes.roster.tests.iter().flat_map(|part| part.iter()) {
                tests.extend([first, last].map(|start| renames.current_id(TestId(*test), start)));
            }
        }
        tests
    }

    /// Commits of the newest runs in which some tests failed, whatever was expected, so many of each test.
    pub(crate) fn newest_failures(&self, tests: &BTreeSet<TestId>, most: usize) -> BTreeSet<CommitKey> {
        let mut left: FxHashMap<TestId, usize> = tests.iter().map(|test| (*test, most)).collect();
        let mut known_failing: HashMap<RosterId, Vec<TestId>> = HashMap::new();
        let mut commits = BTreeSet::new();
        for run in self.newest_first() {
            if left.is_empty() {
                break;
            }
            let is_failing = |outcome: &Outcome| outcome.actual.worst_state().is_failure();
            let usual = known_failing.entry(run.run.roster).or_insert_with(|| {
                let fails = |test: &TestId| run.outcomes.usual(*test).is_some_and(|usual| is_failing(&usual));
                tests.iter().copied().filter(fails).collect()
            });
            let mut failed: FxHashSet<TestId> = usual.iter().copied().collect();
            for Surprise { test, outcome } in run.outcomes.surprises().filter(|one| left.contains_key(&one.test)) {
                if is_failing(&outcome) {
                    failed.insert(test)
                } else {
                    failed.remove(&test)
                };
            }
            for test in failed {
                let Some(count) = left.get_mut(&test) else { continue };
                commits.insert(run.commit());
                *count -= 1;
                if *count == 0 {
                    left.remove(&test);
                }
            }
        }
        commits
    }

    fn newest_first(&self) -> Vec<&CountedRun> {
        let mut newest: Vec<&CountedRun> = self.runs.iter().collect();
        newest.sort_unstable_by_key(|run| std::cmp::Reverse((run.commit(), run.run.start_time)));
        newest
    }

    /// Each test that failed unexpectedly in a run that did not break as a whole: how often, and in how many of the
    /// `sound_runs` of the configurations on which it did so. Runs count that started at a time or later, seconds since 1970.
    pub(crate) fn shares(&self, since: u32, sound_runs: &BTreeMap<ConfigId, u64>) -> FxHashMap<TestId, (u64, u64)> {
        let mut shares: FxHashMap<TestId, (u64, u64)> = FxHashMap::default();
        for (id, outcomes) in self.places() {
            let ran = sound_runs.get(id).copied().unwrap_or(0);
            for (test, failed) in outcomes.failed(since) {
                let share = shares.entry(test).or_default();
                *share = (share.0 + failed, share.1 + ran.max(failed));
            }
        }
        shares
    }
}

fn is_worth_a_look(surprise: &Surprise) -> bool {
    let outcome = surprise.outcome;
    outcome.has_failed() || outcome.actual.is_surprising_pass(outcome.expected)
}
