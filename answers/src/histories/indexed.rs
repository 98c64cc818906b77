//! Histories of tests from the outcomes of whole runs. A history is put together when it is asked for: of most tests that
//! are looked at there is nothing to say.
//!
//! Data flow: the runs that count, with their outcomes → by configuration, which of the asked names each run has, and the
//! surprises of each name ([`Place`]) → the cells of one test.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use analysis::history::Cell;
use analysis::judge::{Glance, is_quiet};
use analysis::rules::Rules;
use rustc_hash::FxHashMap;
use schema::ids::{CommitKey, ConfigId, TestId};
use schema::outcomes::roster::WholeRoster;
use schema::outcomes::{Outcome, Surprise, passing};
use schema::state::States;

use super::sessions::SessionRun;
use super::suite_runs::SuiteRuns;
use super::{SuiteSessions, cell};
use crate::renames::Renames;

/// What some names of tests did, by configuration.
#[derive(Debug, Default)]
pub(super) struct IndexedOutcomes {
    /// Place of each name among those that are asked about.
    names: FxHashMap<TestId, u32>,
    places: BTreeMap<ConfigId, Place>,
    renames: Arc<Renames>,
}

/// What the names did on one configuration.
#[derive(Debug, Default)]
struct Place {
    /// Its runs, by session.
    runs: Vec<Run>,
    /// How many sessions there are.
    sessions: u32,
    /// Where the surprises of each name begin; one longer than the names.
    begins: Vec<u32>,
    /// Surprises by name, and by run: the run's place among `runs`.
    surprises: Vec<(u32, Outcome)>,
}

#[derive(Debug)]
struct Run {
    commit: CommitKey,
    start_time: u32,
    position: u32,
    present: Arc<Present>,
}

/// The names that are in a roster.
#[derive(Debug, Default)]
struct Present {
    /// A bit for each name.
    bits: Vec<u64>,
    /// What was expected of those that were not just to pass.
    expectations: FxHashMap<u32, States>,
}

impl Present {
    /// `names` by identity.
    fn of(roster: &WholeRoster, names: &[TestId]) -> Self {
        let mut present = Self { bits: vec![0; names.len().div_ceil(64)], expectations: FxHashMap::default() };
        for (index, name) in names.iter().enumerate() {
            let Some(expected) = roster.expected(*name) else { continue };
            present.bits[index / 64] |= 1 << (index % 64);
            if expected != passing() {
                present.expectations.insert(index as u32, expected);
            }
        }
        present
    }

    fn usual(&self, name: u32) -> Option<Outcome> {
        let is_there = self.bits.get(name as usize / 64)? >> (name % 64) & 1 == 1;
        is_there.then(|| Outcome::usual(self.expectations.get(&name).copied().unwrap_or_else(passing)))
    }
}

impl IndexedOutcomes {
    /// What runs say of some tests, under whatever names.
    pub(super) fn new(
        runs: &SuiteRuns,
        sessions: &SuiteSessions,
        renames: &Arc<Renames>,
        tests: &BTreeSet<TestId>,
    ) -> Self {
        let names: Vec<TestId> = renames.names(tests).into_iter().collect();
        let index: FxHashMap<TestId, u32> = names.iter().copied().zip(0..).collect();
        let mut rosters: HashMap<*const WholeRoster, Arc<Present>> = HashMap::new();
        let mut places = BTreeMap::new();
        for (id, runs) in runs.by_configuration() {
            let mut found: Vec<(u32, u32, Outcome)> = Vec::new();
            for (run, place) in runs.iter().zip(0..) {
                let of_names = |surprise: Surprise| Some((*index.get(&surprise.test)?, place, surprise.outcome));
                found.extend(run.outcomes.surprises().filter_map(of_names));
            }
            found.sort_unstable_by_key(|(name, run, _)| (*name, *run));
            let begins = (0..=names.len() as u32).map(|name| found.partition_point(|(of, ..)| *of < name) as u32);
            let runs = runs.iter().map(|run| {
                let roster = &run.outcomes.roster;
                let present = rosters.entry(Arc::as_ptr(roster)).or_insert_with(|| Present::of(roster, &names).into());
                let SessionRun { upload, start_time, position, .. } = run.run;
                Run { commit: upload.uuid, start_time, position, present: Arc::clone(present) }
            });
            let place = Place {
                begins: begins.collect(),
                runs: runs.collect(),
                sessions: sessions.count(id),
                surprises: found.iter().map(|(_, run, outcome)| (*run, *outcome)).collect(),
            };
            places.insert(id, place);
        }
        Self { names: index, places, renames: Arc::clone(renames) }
    }

    /// The configurations on which a test has a result, its cells on each, and how many sessions there are.
    pub(super) fn of(&self, test: TestId) -> Vec<(ConfigId, Vec<Cell>, u32)> {
        let names = self.names_of(test);
        let of_place = |(id, place): (&ConfigId, &Place)| {
            let cells = place.cells(&names, |name, start| self.renames.current_id(name, start) == test);
            (!cells.is_empty()).then_some((*id, cells, place.sessions))
        };
        self.places.iter().filter_map(of_place).collect()
    }

    /// The same of the configurations on which there may be something to tell ([`is_quiet`]).
    pub(super) fn noisy(&self, test: TestId, rules: &Rules) -> Vec<(ConfigId, Vec<Cell>, u32)> {
        let names = self.names_of(test);
        let of_place = |(id, place): (&ConfigId, &Place)| {
            let is_meant = |name, start| self.renames.current_id(name, start) == test;
            if is_quiet(place.glance(&names, is_meant), rules) {
                return None;
            }
            let cells = place.cells(&names, is_meant);
            (!cells.is_empty()).then_some((*id, cells, place.sessions))
        };
        self.places.iter().filter_map(of_place).collect()
    }

    /// The names under which results of a test are found, with their places.
    fn names_of(&self, test: TestId) -> Vec<(TestId, u32)> {
        let names = self.renames.names(&[test].into()).into_iter();
        names.filter_map(|name| Some((name, *self.names.get(&name)?))).collect()
    }

    /// Milliseconds of the runs in which a test failed unexpectedly.
    pub(super) fn time_lost(&self, test: TestId) -> u64 {
        let mut lost = 0;
        for (name, index) in self.names_of(test) {
            for place in self.places.values() {
                for (run, outcome) in place.surprises_of(index) {
                    let start = place.runs[*run as usize].start_time;
                    if outcome.worst_unexpected().is_failure() && self.renames.current_id(name, start) == test {
                        lost += u64::from(outcome.time);
                    }
                }
            }
        }
        lost
    }
}

impl Place {
    fn surprises_of(&self, name: u32) -> &[(u32, Outcome)] {
        let bound = |index: u32| self.begins.get(index as usize).map_or(0, |begin| *begin as usize);
        self.surprises.get(bound(name)..bound(name + 1)).unwrap_or_default()
    }

    /// What is known at a glance of a test that had these names.
    fn glance(&self, names: &[(TestId, u32)], is_meant: impl Fn(TestId, u32) -> bool) -> Glance {
        let newest = self.runs.last().map_or(0, |run| run.position);
        let first_of_newest = self.runs.partition_point(|run| run.position < newest);
        let (mut passes_now, mut failing_runs) = (names.len() == 1, 0);
        for (name, index) in names {
            let surprises = self.surprises_of(*index);
            failing_runs += surprises.iter().filter(|(_, one)| one.worst_unexpected().is_failure()).count() as u32;
            passes_now &= surprises.last().is_none_or(|(run, _)| (*run as usize) < first_of_newest);
            let passes = |run: &Run| run.present.usual(*index).is_some_and(|usual| usual.actual == passing());
            passes_now &= self.runs[first_of_newest..].iter().all(|run| passes(run) && is_meant(*name, run.start_time));
        }
        Glance { passes_now, failing_runs }
    }

    /// Cells of a test that had these names, each where `is_meant` says so of a run that started at a time.
    fn cells(&self, names: &[(TestId, u32)], is_meant: impl Fn(TestId, u32) -> bool) -> Vec<Cell> {
        let mut surprises: Vec<&[(u32, Outcome)]> = names.iter().map(|(_, index)| self.surprises_of(*index)).collect();
        let mut cells: Vec<Cell> = Vec::with_capacity(self.runs.len());
        for (run, place) in self.runs.iter().zip(0..) {
            for ((name, index), surprises) in names.iter().zip(&mut surprises) {
                let surprise = surprises.split_first().filter(|((of, _), _)| *of == place);
                let outcome = match surprise {
                    Some(((_, outcome), rest)) => {
                        *surprises = rest;
                        Some(*outcome)
                    }
                    None => run.present.usual(*index),
                };
                let Some(outcome) = outcome.filter(|_| is_meant(*name, run.start_time)) else { continue };
                let Some(one) = cell::of_outcome(&outcome, run.commit, run.position, run.start_time) else { continue };
                match cells.last_mut() {
                    Some(last) if last.position == one.position => *last = cell::join(*last, one),
                    _ => cells.push(one),
                }
            }
        }
        cells
    }
}
