//! A configuration of the simulation, and the histories of tests on it with their labels.

use analysis::history::Cell;
use schema::ids::{CommitKey, ConfigId};
use schema::state::{self, State};

use super::behaviour::{Kind, Regime};
use super::world::COMMITS;
use crate::random::Random;

/// Runs of a history: at least and at most.
const RUNS: (f64, f64) = (18.0, 500.0);
/// The share of runs that a sparse test is missing from.
const MISSING: f64 = 0.65;
/// The share of runs that are outages.
const OUTAGES: f64 = 0.004;
/// The share of tests that fail in an outage.
const OUTAGE_FAILS: f64 = 0.6;
/// The share of commits that are run twice.
const RERUNS: f64 = 0.1;
/// Runs of a stretch that is a burst or is none.
const BURST: usize = 4;
/// One in so many stretches is a burst.
const BURSTS: u64 = 10;
/// The share of a history at most that lies after its first change.
const CHANGED: f64 = 0.8;
/// Runs that a behaviour lasts at least if another one follows.
const LASTING: f64 = 10.0;
/// Seconds from a commit to its run.
const DELAY: u64 = 600;

/// A change that was put into a history.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Truth {
    /// Index of the commit that did it.
    pub(super) culprit: usize,
    /// Whether it made things worse.
    pub(super) is_worse: bool,
    /// Commits since then on which the test ran.
    pub(super) age: usize,
    /// Whether the commit changed other histories as well.
    pub(super) is_shared: bool,
}

/// One test on one configuration with its labels.
#[derive(Debug)]
pub(super) struct Labelled {
    /// Place of the test among those of the suite.
    pub(super) number: usize,
    pub(super) test: String,
    pub(super) configuration: ConfigId,
    pub(super) kind: Kind,
    pub(super) cells: Vec<Cell>,
    /// On how many commits the configuration ran.
    pub(super) commits: u32,
    pub(super) truths: Vec<Truth>,
    /// Whether its newest results are chance.
    pub(super) is_flaky: bool,
    /// Commits since the last change on which it failed, and on which it passed, without outages.
    pub(super) shown: (usize, usize),
}

/// What is drawn for a history before its results.
#[derive(Debug)]
pub(super) struct TestPlan {
    pub(super) number: usize,
    pub(super) name: String,
    pub(super) kind: Kind,
    /// Whether the test is missing from most runs.
    pub(super) is_sparse: bool,
    /// The commit that breaks it together with others.
    pub(super) culprit: Option<usize>,
}

/// The runs of a configuration on one commit.
#[derive(Debug, Clone, Copy)]
struct Tested {
    /// Index of the commit.
    commit: usize,
    runs: u32,
    is_outage: bool,
}

/// A configuration: which commits it tests, and how.
#[derive(Debug)]
pub(super) struct Configuration {
    id: ConfigId,
    has_retries: bool,
    tested: Vec<Tested>,
}

impl Configuration {
    pub(super) fn draw(number: u64, cadence: usize, has_retries: bool, random: &mut Random) -> Self {
        let start = random.below(cadence as u64) as usize;
        let run =
            |commit| Tested { commit, runs: 1 + u32::from(random.happens(RERUNS)), is_outage: random.happens(OUTAGES) };
        let tested = (start..COMMITS).step_by(cadence).map(run).collect();
        Self { id: ConfigId(number), has_retries, tested }
    }

    /// The history of a test; two if it was renamed, none if it ran too seldom for what happens to it.
    pub(super) fn histories(&self, plan: &TestPlan, commits: &[CommitKey], random: &mut Random) -> Vec<Labelled> {
        let mut places: Vec<usize> =
            (0..self.tested.len()).filter(|_| !plan.is_sparse || !random.happens(MISSING)).collect();
        let runs = random.log_uniform(RUNS.0, RUNS.1) as usize;
        if places.len() < RUNS.0 as usize {
            return Vec::new();
        }
        places.drain(..places.len().saturating_sub(runs));
        let regimes = plan.kind.regimes(random);
        let Some(culprits) = self.culprits(plan, &places, regimes.len(), random) else { return Vec::new() };
        let course = Course { regimes, culprits, bursts: random.below(1 << 20) };
        let cells: Vec<Cell> = places.iter().map(|place| self.cell(*place, &course, commits, random)).collect();
        let history = |test: String, cells: &[Cell]| Labelled {
            number: plan.number,
            test,
            configuration: self.id,
            kind: plan.kind,
            cells: cells.to_vec(),
            commits: self.tested.len() as u32,
            truths: course.truths(cells, commits, plan.kind == Kind::Shared),
            is_flaky: course.is_flaky_now(self.has_retries),
            shown: self.shown(&course, cells),
        };
        if plan.kind == Kind::Renamed {
            let (old, new) = cells.split_at(cells.len() / 2);
            return vec![history(plan.name.clone(), old), history(format!("{}-renamed", plan.name), new)];
        }
        vec![history(plan.name.clone(), &cells)]
    }

    /// The commits that begin each regime but the first; none where a history has no room for them. `places` are the
    /// tested commits that have the test.
    fn culprits(&self, plan: &TestPlan, places: &[usize], regimes: usize, random: &mut Random) -> Option<Vec<usize>> {
        let commit = |index: usize| self.tested[places[index]].commit;
        if let Some(culprit) = plan.culprit {
            let has_both = commit(0) < culprit && culprit <= commit(places.len() - 1);
            return has_both.then(|| vec![culprit]);
        }
        let room = places.len() as f64 * CHANGED / regimes.saturating_sub(1).max(1) as f64;
        if regimes > 2 && room < 2.0 * LASTING {
            return None;
        }
        // Ages from the newest change to the oldest.
        let mut ages: Vec<usize> = Vec::new();
        for number in 1..regimes {
            let least = if number == 1 { 1.0 } else { LASTING };
            ages.push(ages.last().copied().unwrap_or(0) + random.log_uniform(least, room) as usize);
        }
        // The culprit is any of the commits since the last tested one.
        let culprit = |age: &usize| {
            let (before, after) = (commit(places.len() - age - 1), commit(places.len() - age));
            before + 1 + random.below((after - before) as u64) as usize
        };
        Some(ages.iter().rev().map(culprit).collect())
    }

    /// The results of a test on one commit.
    fn cell(&self, place: usize, course: &Course, commits: &[CommitKey], random: &mut Random) -> Cell {
        let tested = &self.tested[place];
        let regime = match tested.is_outage {
            true => Regime::flaky(OUTAGE_FAILS.max(course.at(tested.commit, place).fails)),
            false => course.at(tested.commit, place),
        };
        let (mut failed, mut unrecovered) = (0, 0);
        for _ in 0..tested.runs {
            let fails = random.happens(regime.fails);
            failed += u32::from(fails);
            unrecovered += u32::from(fails && (!self.has_retries || random.happens(regime.stays)));
        }
        let worst = if failed > 0 { State::at(state::FAIL) } else { State::PASS };
        let start = (commits[tested.commit].time() + DELAY) as u32;
        Cell {
            commit: commits[tested.commit],
            position: place as u32,
            runs: tested.runs,
            failed,
            unrecovered,
            expected_failures: 0,
            surprising_passes: 0,
            worst,
            worst_of_all: worst,
            first_start: start,
            last_start: start,
        }
    }

    /// Commits since the last change on which a test failed, and on which it passed, without outages.
    fn shown(&self, course: &Course, cells: &[Cell]) -> (usize, usize) {
        let newest = course.culprits.last().copied().unwrap_or(0);
        let tested = |cell: &&Cell| {
            let tested = &self.tested[cell.position as usize];
            tested.commit >= newest && !tested.is_outage
        };
        let failed = cells.iter().filter(tested).filter(|cell| cell.failed > 0).count();
        (failed, cells.iter().filter(tested).count() - failed)
    }
}

/// How a test behaves on each commit.
struct Course {
    regimes: Vec<Regime>,
    /// The commit that begins each regime but the first.
    culprits: Vec<usize>,
    /// What decides which stretches are bursts.
    bursts: u64,
}

impl Course {
    /// The behaviour on a commit, by its index and its place among those that the configuration tests.
    fn at(&self, commit: usize, place: usize) -> Regime {
        let regime = self.regimes[self.culprits.iter().filter(|culprit| **culprit <= commit).count()];
        let is_burst = || Random((self.bursts + (place / BURST) as u64) << 8).below(BURSTS) == 0;
        if regime.is_in_bursts && !is_burst() { Regime::PASSES } else { regime }
    }

    fn truths(&self, cells: &[Cell], commits: &[CommitKey], is_shared: bool) -> Vec<Truth> {
        let truth = |(culprit, pair): (&usize, &[Regime])| Truth {
            culprit: *culprit,
            is_worse: pair[1].badness() > pair[0].badness(),
            age: cells.iter().filter(|cell| cell.commit >= commits[*culprit]).count(),
            is_shared,
        };
        self.culprits.iter().zip(self.regimes.windows(2)).map(truth).collect()
    }

    fn is_flaky_now(&self, has_retries: bool) -> bool {
        self.regimes.last().is_some_and(|regime| regime.is_flaky(has_retries))
    }
}
