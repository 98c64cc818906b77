//! Histories of tests from the outcomes of whole runs. A history is put together when it is asked for: of most tests that
//! are looked at there is nothing to say.
//!
//! Data flow: the configurations with their surprises by test ([`PlaceOutcomes`]) → where those of the asked names are, and
//! which rosters have these names → the cells of one test.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use analysis::episodes::Aftermath;
use analysis::evidence::Evidence;
use analysis::history::{Cell, History};
use analysis::judge::{Glance, Judgement, Question, is_quiet, judge};
use analysis::rules::Rules;
use rustc_hash::FxHashMap;
use schema::ids::{CommitKey, ConfigId, TestId};
use schema::outcomes::roster::{RosterId, WholeRoster};
use schema::outcomes::{Outcome, passing};
use schema::state::States;

use super::asked::{FlakyTime, PlaceCells};
use super::place::{PlaceOutcomes, PlaceRun};
use super::suite_runs::SuiteRuns;
use super::{FailedRun, JudgedPlace, SuiteSessions, cell};
use crate::renames::Renames;

/// What some names of tests did, by configuration.
#[derive(Debug, Default)]
pub(super) struct IndexedOutcomes {
    /// The names that are asked about, by id.
    names: Vec<TestId>,
    places: Vec<(ConfigId, Place)>,
    renames: Arc<Renames>,
}

/// What the names did on one configuration.
#[derive(Debug)]
struct Place {
    outcomes: Arc<PlaceOutcomes>,
    /// How many sessions there are.
    sessions: u32,
    /// Where the surprises of each name lie.
    spans: Vec<(u32, u32)>,
    /// Which names are in each roster.
    present: Vec<Arc<Present>>,
    /// The names that are in every roster, of which nothing but a pass is expected.
    steady: Present,
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

    /// Those that are in all of some rosters, and are just to pass in all.
    fn of_all(rosters: &[Arc<Self>]) -> Self {
        let mut bits = rosters.first().map_or_else(Vec::new, |first| first.bits.clone());
        for present in rosters {
            for (bits, other) in bits.iter_mut().zip(&present.bits) {
                *bits &= other;
            }
            for name in present.expectations.keys() {
                bits[*name as usize / 64] &= !(1 << (name % 64));
            }
        }
        Self { bits, expectations: FxHashMap::default() }
    }

    fn has(&self, name: usize) -> bool {
        self.bits.get(name / 64).is_some_and(|bits| bits >> (name % 64) & 1 == 1)
    }

    fn usual(&self, name: usize) -> Option<Outcome> {
        let expected = || self.expectations.get(&(name as u32)).copied().unwrap_or_else(passing);
        self.has(name).then(|| Outcome::usual(expected()))
    }
}

/// The configurations of a test, its cells on each, and how many sessions there are.
pub(super) type CellsByPlace<'a> = Vec<(ConfigId, Cow<'a, [Cell]>, u32)>;

impl IndexedOutcomes {
    /// What runs say of some tests, under whatever names.
    pub(super) fn new(
        runs: &SuiteRuns,
        sessions: &SuiteSessions,
        renames: &Arc<Renames>,
        tests: &BTreeSet<TestId>,
    ) -> Self {
        let names: Vec<TestId> = renames.names(tests).into_iter().collect();
        let mut rosters: HashMap<RosterId, Arc<Present>> = HashMap::new();
        let mut places = Vec::new();
        for (id, outcomes) in runs.places() {
            let present = outcomes.rosters.iter().map(|(id, roster)| {
                Arc::clone(rosters.entry(*id).or_insert_with(|| Present::of(roster, &names).into()))
            });
            let present: Vec<Arc<Present>> = present.collect();
            let place = Place {
                spans: outcomes.spans(&names),
                sessions: sessions.count(*id),
                steady: Present::of_all(&present),
                present,
                outcomes: Arc::clone(outcomes),
            };
            places.push((*id, place));
        }
        Self { names, places, renames: Arc::clone(renames) }
    }

    /// The configurations of the runs.
    pub(super) fn configurations(&self) -> impl Iterator<Item = ConfigId> {
        self.places.iter().map(|(id, _)| *id)
    }

    fn find(&self, id: ConfigId) -> Option<&Place> {
        self.places.iter().find(|(place, _)| *place == id).map(|(_, place)| place)
    }

    /// The cells of a test on one configuration; none where it did not run.
    pub(super) fn on(&self, test: TestId, id: ConfigId) -> Cow<'_, [Cell]> {
        self.find(id).map_or_else(Cow::default, |place| self.cells(test, &self.names_of(test), place))
    }

    /// The same, and those of the runs that started at a time or later, seconds since 1970.
    pub(super) fn place(&self, test: TestId, id: ConfigId, since: u32) -> PlaceCells<'_> {
        let Some(place) = self.find(id) else { return PlaceCells::default() };
        let names = self.names_of(test);
        PlaceCells { whole: self.cells(test, &names, place), part: self.part(test, &names, place, since) }
    }

    /// Its cells on one configuration of the runs that started at a time or later, seconds since 1970.
    pub(super) fn asked_on(&self, test: TestId, id: ConfigId, since: u32) -> Cow<'_, [Cell]> {
        self.find(id).map_or_else(Cow::default, |place| self.asked_cells(test, &self.names_of(test), place, since))
    }

    /// The evidence of them.
    pub(super) fn asked_evidence(&self, test: TestId, id: ConfigId, since: u32) -> Evidence {
        let Some(place) = self.find(id) else { return Evidence::default() };
        let names = self.names_of(test);
        let of = || Evidence::of(&self.asked_cells(test, &names, place, since));
        // That of all runs is the same for every question, unless results belong to other tests by and by.
        match names.as_slice() {
            [name] if self.renames.is_empty() && place.outcomes.began_at(since) => match place.passes_always(*name) {
                true => place.outcomes.passing_evidence,
                false => place.outcomes.evidence(test, of),
            },
            _ => of(),
        }
    }

    /// The same on each configuration on which it ran since then.
    pub(super) fn asked(&self, test: TestId, since: u32) -> Vec<(ConfigId, Cow<'_, [Cell]>)> {
        let names = self.names_of(test);
        let asked = self.places.iter().map(|(id, place)| (*id, self.asked_cells(test, &names, place, since)));
        asked.filter(|(_, cells)| !cells.is_empty()).collect()
    }

    /// The verdicts on a test on the configurations on which there may be something to tell ([`is_quiet`]).
    pub(super) fn judged(&self, test: TestId, question: &Question) -> Vec<JudgedPlace> {
        let names = self.names_of(test);
        let noisy = self.places.iter().filter(|(_, place)| !self.is_quiet(test, &names, place, &question.rules));
        let judged = noisy.map(|(id, place)| {
            let cells = || (self.cells(test, &names, place), place.sessions);
            if self.renames.is_empty() {
                return (*id, place.outcomes.judged(test, cells, question));
            }
            // What a test did under other names depends on renames, which change by themselves.
            let (cells, commits) = cells();
            (*id, judge(&History { cells: &cells, commits }, question).into())
        });
        judged.collect()
    }

    /// What came of the failures of a test on one configuration, on which it was judged.
    pub(super) fn aftermath(
        &self,
        test: TestId,
        id: ConfigId,
        judgement: &Arc<Judgement>,
        rules: &Rules,
    ) -> Arc<Aftermath> {
        let Some(place) = self.find(id) else { return Arc::default() };
        let of = || Aftermath::of(judgement, &self.cells(test, &self.names_of(test), place), rules);
        place.outcomes.aftermath(test, judgement, of)
    }

    /// What a test did on a configuration while it was flaky, in the runs that started at a time or later, seconds since 1970.
    pub(super) fn flaky_time(
        &self,
        test: TestId,
        id: ConfigId,
        judgement: &Arc<Judgement>,
        since: u32,
        find: impl FnOnce() -> FlakyTime,
    ) -> Arc<FlakyTime> {
        match self.find(id).filter(|place| place.outcomes.began_at(since)) {
            Some(place) => place.outcomes.flaky_time(test, judgement, find),
            None => Arc::new(find()),
        }
    }

    fn is_quiet(&self, test: TestId, names: &[usize], place: &Place, rules: &Rules) -> bool {
        is_quiet(place.glance(names, |name, start| self.is_of(test, self.names[name], start)), rules)
    }

    /// The cells of a test on each configuration on which it ran.
    pub(super) fn of(&self, test: TestId) -> CellsByPlace<'_> {
        let names = self.names_of(test);
        let cells = self.places.iter().map(|(id, place)| (*id, self.cells(test, &names, place), place.sessions));
        cells.filter(|(_, cells, _)| !cells.is_empty()).collect()
    }

    /// Its cells in the newest runs, as long as these are of certain commits.
    pub(super) fn newest(&self, test: TestId, is_newest: impl Fn(CommitKey) -> bool) -> Vec<Cell> {
        let names = self.names_of(test);
        let mut cells = Vec::new();
        for (_, place) in &self.places {
            let runs = &place.outcomes.runs;
            let first = runs.len() - runs.iter().rev().take_while(|run| is_newest(run.commit)).count();
            cells.extend(place.cells(&names, first, |name, start| self.is_of(test, self.names[name], start)));
        }
        cells
    }

    fn cells<'a>(&'a self, test: TestId, names: &[usize], place: &'a Place) -> Cow<'a, [Cell]> {
        match names {
            [name] if self.renames.is_empty() && place.passes_always(*name) => {
                Cow::Borrowed(place.outcomes.passing.as_slice())
            }
            _ => Cow::Owned(place.cells(names, 0, |name, start| self.is_of(test, self.names[name], start))),
        }
    }

    fn asked_cells<'a>(&'a self, test: TestId, names: &[usize], place: &'a Place, since: u32) -> Cow<'a, [Cell]> {
        self.part(test, names, place, since).unwrap_or_else(|| self.cells(test, names, place))
    }

    /// The cells of the runs that started at a time or later, where not all did.
    fn part(&self, test: TestId, names: &[usize], place: &Place, since: u32) -> Option<Cow<'_, [Cell]>> {
        if place.outcomes.began_at(since) {
            return None;
        }
        let is_meant = |name: usize, start: u32| start >= since && self.is_of(test, self.names[name], start);
        Some(Cow::Owned(place.cells(names, 0, is_meant)))
    }

    /// Whether the result of a name in a run that started at a time, seconds since 1970, belongs to a test.
    fn is_of(&self, test: TestId, name: TestId, start: u32) -> bool {
        self.renames.current_id(name, start) == test
    }

    /// The names under which results of a test are found, by place among the names.
    fn names_of(&self, test: TestId) -> Vec<usize> {
        let place = |name: TestId| self.names.binary_search(&name).ok();
        if self.renames.is_empty() {
            return place(test).into_iter().collect();
        }
        self.renames.names(&[test].into()).into_iter().filter_map(place).collect()
    }

    /// The runs in which a test failed unexpectedly on a configuration.
    pub(super) fn failed_runs(&self, test: TestId, id: ConfigId) -> Vec<FailedRun> {
        let mut failed = Vec::new();
        let Some(place) = self.find(id) else { return failed };
        for name in self.names_of(test) {
            for (run, outcome) in place.surprises_of(name) {
                let PlaceRun { commit, start_time, .. } = place.outcomes.runs[*run as usize];
                if outcome.has_failed() && self.is_of(test, self.names[name], start_time) {
                    failed.push(FailedRun { configuration: id, commit, start_time, time: outcome.time });
                }
            }
        }
        failed
    }
}

impl Place {
    fn surprises_of(&self, name: usize) -> &[(u32, Outcome)] {
        self.outcomes.surprises(self.spans[name])
    }

    fn usual(&self, run: &PlaceRun, name: usize) -> Option<Outcome> {
        self.present[run.roster].usual(name)
    }

    fn passes_always(&self, name: usize) -> bool {
        self.surprises_of(name).is_empty() && self.steady.has(name)
    }

    /// What is known at a glance of a test that had these names.
    fn glance(&self, names: &[usize], is_meant: impl Fn(usize, u32) -> bool) -> Glance {
        let runs = &self.outcomes.runs;
        let newest = runs.last().map_or(0, |run| run.position);
        let first_of_newest = runs.partition_point(|run| run.position < newest);
        let (mut passes_now, mut failing_runs) = (names.len() == 1, 0);
        for name in names {
            let surprises = self.surprises_of(*name);
            failing_runs += surprises.iter().filter(|(_, one)| one.has_failed()).count() as u32;
            passes_now &= surprises.last().is_none_or(|(run, _)| (*run as usize) < first_of_newest);
            let passes = |run: &PlaceRun| {
                let usual = self.usual(run, *name);
                usual.is_some_and(|usual| usual.actual == passing()) && is_meant(*name, run.start_time)
            };
            passes_now &= runs[first_of_newest..].iter().all(passes);
        }
        Glance { passes_now, failing_runs }
    }

    /// Cells of a test that had these names, in the runs from one place on, each where `is_meant` says so of a run that
    /// started at a time.
    fn cells(&self, names: &[usize], first: usize, is_meant: impl Fn(usize, u32) -> bool) -> Vec<Cell> {
        let since = |surprises: &[(u32, Outcome)]| surprises.partition_point(|(run, _)| (*run as usize) < first);
        let of_name = |name: &usize| self.surprises_of(*name);
        let mut surprises: Vec<&[(u32, Outcome)]> =
            names.iter().map(of_name).map(|surprises| &surprises[since(surprises)..]).collect();
        let runs = &self.outcomes.runs[first..];
        let mut cells: Vec<Cell> = Vec::with_capacity(runs.len().min(self.outcomes.passing.len()));
        for (run, place) in runs.iter().zip(first as u32..) {
            for (name, surprises) in names.iter().zip(&mut surprises) {
                let surprise = surprises.split_first().filter(|((of, _), _)| *of == place);
                let outcome = match surprise {
                    Some(((_, outcome), rest)) => {
                        *surprises = rest;
                        Some(*outcome)
                    }
                    None => self.usual(run, *name),
                };
                let Some(outcome) = outcome.filter(|_| is_meant(*name, run.start_time)) else { continue };
                let Some(one) = cell::of_outcome(&outcome, run.commit, run.position, run.start_time) else { continue };
                match cells.last_mut() {
                    Some(last) if last.position == one.position => *last = last.joined(one),
                    _ => cells.push(one),
                }
            }
        }
        cells
    }
}
