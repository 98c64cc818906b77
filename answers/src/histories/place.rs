//! What the tests of a suite did on one configuration, by test. It is put together once for the same runs: a new run changes
//! that of its own configuration alone.

use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::BuildHasher;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use analysis::episodes::Aftermath;
use analysis::evidence::Evidence;
use analysis::history::{Cell, History};
use analysis::judge::{DatedJudgement, Judgement, Question};
use moka::sync::Cache;
use rustc_hash::{FxBuildHasher, FxHashMap};
use schema::ids::{CommitKey, ConfigId, TestId};
use schema::outcomes::Outcome;
use schema::outcomes::roster::{RosterId, WholeRoster};

use super::asked::FlakyTime;
use super::counted_run::{CountedRun, SessionRun};

/// Bytes that are remembered.
const MAX_BYTES: u64 = 64 << 20;

/// Verdicts that are kept of a configuration, and about what each takes.
const MAX_JUDGED: usize = 5000;
const JUDGED_BYTES: usize = 900;

/// The runs of a configuration, with their surprises by test.
#[derive(Debug)]
pub(super) struct PlaceOutcomes {
    /// The runs, by session.
    pub(super) runs: Vec<PlaceRun>,
    /// The rosters of the runs, each once.
    pub(super) rosters: Vec<(RosterId, Arc<WholeRoster>)>,
    /// The start of the run that started first, seconds since 1970; `u32::MAX` if there is none.
    first_start: u32,
    /// The cells of a test that passed in every run.
    pub(super) passing: Vec<Cell>,
    /// Their evidence.
    pub(super) passing_evidence: Evidence,
    /// Tests that surprised, by id.
    tests: Vec<TestId>,
    /// Where the surprises of each of them begin, and where the last ones end.
    begins: Vec<u32>,
    /// The run, by its place among `runs`, and what a test did in it.
    surprises: Vec<(u32, Outcome)>,
    /// Verdicts that were asked for.
    judged: Mutex<FxHashMap<TestId, Judged>>,
    /// The evidence of all runs of tests that was asked for.
    evidence: Mutex<FxHashMap<TestId, Evidence>>,
}

/// A verdict, and what else was asked for that follows from it and the same history.
#[derive(Debug)]
struct Judged {
    dated: DatedJudgement,
    aftermath: Option<Arc<Aftermath>>,
    flaky_time: Option<Arc<FlakyTime>>,
}

/// A run of a configuration.
#[derive(Debug)]
pub(super) struct PlaceRun {
    pub(super) commit: CommitKey,
    /// Start of the run, seconds since 1970.
    pub(super) start_time: u32,
    /// Its session.
    pub(super) position: u32,
    /// Whether it broke as a whole.
    is_broken: bool,
    /// Its roster, by place among the rosters.
    pub(super) roster: usize,
}

impl PlaceOutcomes {
    fn new(runs: &[CountedRun]) -> Self {
        let mut places: HashMap<RosterId, usize> = HashMap::new();
        let mut rosters: Vec<(RosterId, Arc<WholeRoster>)> = Vec::new();
        let mut found: Vec<(TestId, u32, Outcome)> = Vec::new();
        let mut passing: Vec<Cell> = Vec::new();
        let mut own = Vec::with_capacity(runs.len());
        for (CountedRun { run, outcomes }, place) in runs.iter().zip(0..) {
            let SessionRun { upload, start_time, position, is_broken, .. } = *run;
            let roster = *places.entry(run.roster).or_insert_with(|| {
                rosters.push((run.roster, Arc::clone(&outcomes.roster)));
                rosters.len() - 1
            });
            own.push(PlaceRun { commit: upload.uuid, start_time, position, is_broken, roster });
            found.extend(outcomes.surprises().map(|surprise| (surprise.test, place, surprise.outcome)));
            let one = Cell::passed(upload.uuid, position, start_time);
            match passing.last_mut() {
                Some(last) if last.position == position => *last = last.joined(one),
                _ => passing.push(one),
            }
        }
        found.sort_unstable_by_key(|(test, run, _)| (*test, *run));
        let (mut tests, mut begins, mut surprises) = (Vec::new(), Vec::new(), Vec::with_capacity(found.len()));
        for (test, run, outcome) in found {
            if tests.last() != Some(&test) {
                tests.push(test);
                begins.push(surprises.len() as u32);
            }
            surprises.push((run, outcome));
        }
        begins.push(surprises.len() as u32);
        let passing_evidence = Evidence::of(&passing);
        let first_start = own.iter().map(|run| run.start_time).min().unwrap_or(u32::MAX);
        Self {
            runs: own,
            rosters,
            first_start,
            passing,
            passing_evidence,
            tests,
            begins,
            surprises,
            judged: Mutex::default(),
            evidence: Mutex::default(),
        }
    }

    /// Whether all runs started at a time or later, seconds since 1970.
    pub(super) fn began_at(&self, since: u32) -> bool {
        self.first_start >= since
    }

    fn bytes(&self) -> usize {
        size_of_val(&*self.runs)
            + size_of_val(&*self.passing)
            + size_of_val(&*self.tests)
            + size_of_val(&*self.begins)
            + size_of_val(&*self.surprises)
            + self.tests.len().min(MAX_JUDGED) * JUDGED_BYTES
    }

    /// The verdict on a test, whose history is asked for where no verdict is kept that still holds.
    pub(super) fn judged<'a>(
        &self,
        test: TestId,
        history: impl FnOnce() -> (Cow<'a, [Cell]>, u32),
        question: &Question,
    ) -> Arc<Judgement> {
        if let Some(known) = self.known().get(&test).filter(|known| known.dated.holds_for(question)) {
            return Arc::clone(&known.dated.judgement);
        }
        let (cells, commits) = history();
        let dated = DatedJudgement::of(&History { cells: &cells, commits }, question);
        let judgement = Arc::clone(&dated.judgement);
        let mut known = self.known();
        if known.len() < MAX_JUDGED || known.contains_key(&test) {
            known.insert(test, Judged { dated, aftermath: None, flaky_time: None });
        }
        judgement
    }

    /// What came of the failures of a test, which is found once for a verdict that is kept.
    pub(super) fn aftermath(
        &self,
        test: TestId,
        judgement: &Arc<Judgement>,
        find: impl FnOnce() -> Aftermath,
    ) -> Arc<Aftermath> {
        self.beside(test, judgement, |known| &mut known.aftermath, find)
    }

    /// What a test did in all runs while it was flaky, which is found once for a verdict that is kept.
    pub(super) fn flaky_time(
        &self,
        test: TestId,
        judgement: &Arc<Judgement>,
        find: impl FnOnce() -> FlakyTime,
    ) -> Arc<FlakyTime> {
        self.beside(test, judgement, |known| &mut known.flaky_time, find)
    }

    /// What is kept beside a verdict, or else what is found, which is kept if the verdict is.
    fn beside<T>(
        &self,
        test: TestId,
        judgement: &Arc<Judgement>,
        of: impl Fn(&mut Judged) -> &mut Option<Arc<T>>,
        find: impl FnOnce() -> T,
    ) -> Arc<T> {
        let is_same = |known: &&mut Judged| Arc::ptr_eq(&known.dated.judgement, judgement);
        if let Some(found) = self.known().get_mut(&test).filter(is_same).and_then(|known| of(known).clone()) {
            return found;
        }
        let found = Arc::new(find());
        if let Some(known) = self.known().get_mut(&test).filter(is_same) {
            *of(known) = Some(Arc::clone(&found));
        }
        found
    }

    /// The evidence of all runs of a test, which is found once.
    pub(super) fn evidence(&self, test: TestId, find: impl FnOnce() -> Evidence) -> Evidence {
        let known = || self.evidence.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(evidence) = known().get(&test) {
            return *evidence;
        }
        let evidence = find();
        let mut known = known();
        if known.len() < MAX_JUDGED {
            known.insert(test, evidence);
        }
        evidence
    }

    fn known(&self) -> MutexGuard<'_, FxHashMap<TestId, Judged>> {
        self.judged.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where the surprises of each of some tests lie, which are sorted by id.
    pub(super) fn spans(&self, tests: &[TestId]) -> Vec<(u32, u32)> {
        let mut from = 0;
        let span = |test: &TestId| {
            // Few tests are far from each other, many are near.
            let mut step = 1;
            while self.tests.get(from + step).is_some_and(|other| other < test) {
                from += step;
                step *= 2;
            }
            let end = self.tests.len().min(from + step + 1);
            from += self.tests[from..end].partition_point(|other| other < test);
            let is_there = self.tests.get(from) == Some(test);
            if is_there { (self.begins[from], self.begins[from + 1]) } else { (0, 0) }
        };
        tests.iter().map(span).collect()
    }

    /// The surprises of a span, by run.
    pub(super) fn surprises(&self, (begin, end): (u32, u32)) -> &[(u32, Outcome)] {
        &self.surprises[begin as usize..end as usize]
    }

    /// Tests that failed unexpectedly in runs that did not break as a whole and started at a time or later, seconds since 1970;
    /// and how often.
    pub(super) fn failed(&self, since: u32) -> impl Iterator<Item = (TestId, u64)> {
        let is_asked = move |run: &PlaceRun| run.start_time >= since && !run.is_broken;
        let failed =
            move |(run, outcome): &&(u32, Outcome)| outcome.has_failed() && is_asked(&self.runs[*run as usize]);
        let of_test = move |(test, span): (&TestId, &[u32])| {
            let count = self.surprises((span[0], span[1])).iter().filter(failed).count() as u64;
            (count > 0).then_some((*test, count))
        };
        self.tests.iter().zip(self.begins.windows(2)).filter_map(of_test)
    }
}

/// A configuration of a suite and a branch, and the runs on it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    suite: Arc<str>,
    branch: Arc<str>,
    configuration: ConfigId,
    /// A hash of the runs.
    runs: u64,
}

/// Runs, and what their tests did.
type Remembered = Arc<(Vec<SessionRun>, Arc<PlaceOutcomes>)>;

/// What is remembered of configurations.
#[derive(Clone)]
pub(crate) struct PlaceCache(Cache<Key, Remembered>);

impl PlaceCache {
    pub(crate) fn new() -> Self {
        let weight = |_: &Key, of: &Remembered| {
            u32::try_from(of.1.bytes() + size_of_val(&*of.0) + size_of::<Key>()).unwrap_or(u32::MAX)
        };
        Self(Cache::builder().max_capacity(MAX_BYTES).weigher(weight).build())
    }

    /// What the tests did on a configuration in these runs, which are in the order of sessions.
    pub(super) fn get(
        &self,
        suite: &Arc<str>,
        branch: &Arc<str>,
        configuration: ConfigId,
        runs: &[CountedRun],
    ) -> Arc<PlaceOutcomes> {
        let own: Vec<SessionRun> = runs.iter().map(|run| run.run).collect();
        let (suite, branch) = (Arc::clone(suite), Arc::clone(branch));
        let key = Key { suite, branch, configuration, runs: FxBuildHasher.hash_one(&own) };
        if let Some(known) = self.0.get(&key).filter(|known| known.0 == own) {
            return Arc::clone(&known.1);
        }
        let outcomes = Arc::new(PlaceOutcomes::new(runs));
        self.0.insert(key, Arc::new((own, Arc::clone(&outcomes))));
        outcomes
    }
}
