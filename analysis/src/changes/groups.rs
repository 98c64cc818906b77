//! Changes of single histories that one commit explains, joined.

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::{FxHashMap, FxHashSet};

use super::OutlinedSuite;
use super::candidate::{Candidate, Direction, LEAST_SURPRISE};
use super::episode::fails;
use super::place::Place;

/// How likely it is that one commit did two changes of one test, against two commits.
const SAME_TEST: f64 = 40.0;
/// The same of one folder.
const SAME_FOLDER: f64 = 1.5;
/// The same of tests that have nothing in common.
const UNRELATED: f64 = 0.01;
/// Commits to either side in which groups are counted, to tell how many there are by chance.
const NEIGHBOURHOOD: usize = 25;

/// Changes of single histories with the place that they have together.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) members: Vec<Candidate>,
    pub(super) place: Place,
    direction: Direction,
    subjects: FxHashSet<usize>,
    /// How many members each test has.
    tests: FxHashMap<u32, usize>,
    /// How many members each folder has.
    folders: FxHashMap<u32, usize>,
}

impl Group {
    fn new(suite: &OutlinedSuite<'_>, first: Candidate) -> Self {
        let mut group = Self {
            members: Vec::new(),
            place: first.place.clone(),
            direction: first.shift.direction,
            subjects: FxHashSet::default(),
            tests: FxHashMap::default(),
            folders: FxHashMap::default(),
        };
        group.count(suite, first);
        group
    }

    fn add(&mut self, suite: &OutlinedSuite<'_>, candidate: Candidate) {
        self.place = self.place.joined(&candidate.place);
        self.count(suite, candidate);
    }

    fn count(&mut self, suite: &OutlinedSuite<'_>, candidate: Candidate) {
        let subject = candidate.shift.subject;
        *self.tests.entry(suite.scopes.test(subject)).or_default() += 1;
        *self.folders.entry(suite.scopes.folder(subject)).or_default() += 1;
        self.subjects.insert(subject);
        self.members.push(candidate);
    }

    /// How well it explains a candidate: larger groups and related tests count more. 0 if it does not at all.
    fn explains(&self, suite: &OutlinedSuite<'_>, candidate: &Candidate) -> f64 {
        let is_possible =
            self.direction == candidate.shift.direction && !self.subjects.contains(&candidate.shift.subject);
        if !is_possible {
            return 0.0;
        }
        let subject = candidate.shift.subject;
        let of_test = self.tests.get(&suite.scopes.test(subject)).copied().unwrap_or(0);
        let of_folder = self.folders.get(&suite.scopes.folder(subject)).copied().unwrap_or(0);
        let weight = SAME_TEST * of_test as f64
            + SAME_FOLDER * (of_folder - of_test) as f64
            + UNRELATED * (self.members.len() - of_folder) as f64;
        self.place.overlap(&candidate.place) * weight
    }
}

/// Joins candidates that are sure or accepted, and takes unsure ones along where an accepted change explains them.
pub(super) fn joined(suite: &OutlinedSuite<'_>, mut accepted: Vec<Candidate>, unsure: Vec<Candidate>) -> Vec<Group> {
    // Those whose place is known best come first: what is wide does not join what lies apart.
    accepted.sort_by_key(|candidate| (candidate.place.width(), candidate.shift.subject, candidate.shift.at));
    let mut groups = Groups::default();
    for candidate in accepted {
        match groups.best(suite, &candidate).filter(|(_, score)| *score > groups.density(&candidate)) {
            Some((index, _)) => groups.add(suite, index, candidate),
            None => groups.push(Group::new(suite, candidate)),
        }
    }
    for candidate in unsure {
        let surprise = candidate.shift.surprise;
        if surprise <= LEAST_SURPRISE {
            continue;
        }
        let by_chance = groups.density(&candidate);
        let is_taken = |group: &Group, score: f64| {
            let others = (f64::from(suite.tests) / group.members.len() as f64).max(1.0);
            score > by_chance && surprise + score.ln() > others.ln()
        };
        let best = groups.best(suite, &candidate);
        if let Some((index, _)) = best.filter(|(index, score)| is_taken(&groups.all[*index], *score)) {
            groups.add(suite, index, candidate);
        }
    }
    groups.all
}

/// Groups, which are found by their likeliest commit.
#[derive(Default)]
struct Groups {
    all: Vec<Group>,
    by_mode: BTreeMap<usize, BTreeSet<usize>>,
}

impl Groups {
    fn push(&mut self, group: Group) {
        self.by_mode.entry(group.place.mode()).or_default().insert(self.all.len());
        self.all.push(group);
    }

    fn add(&mut self, suite: &OutlinedSuite<'_>, index: usize, candidate: Candidate) {
        let group = &mut self.all[index];
        let before = group.place.mode();
        group.add(suite, candidate);
        let after = group.place.mode();
        if before != after {
            self.by_mode.entry(before).or_default().remove(&index);
            self.by_mode.entry(after).or_default().insert(index);
        }
    }

    /// The group that explains a candidate best, and how well; of equally good ones the youngest.
    fn best(&self, suite: &OutlinedSuite<'_>, candidate: &Candidate) -> Option<(usize, f64)> {
        // A commit that is not likely to have done it explains nothing.
        let near = candidate.place.plausible().flat_map(|commits| self.by_mode.range(commits));
        let near = near.flat_map(|(_, groups)| groups);
        let scores = near.map(|index| (*index, self.all[*index].explains(suite, candidate)));
        let better = |one: &(usize, f64), other: &(usize, f64)| one.1.total_cmp(&other.1).then(one.0.cmp(&other.0));
        scores.filter(|(_, score)| *score > 0.0).max_by(better)
    }

    /// How many groups there are by chance where a candidate is, for each commit.
    fn density(&self, candidate: &Candidate) -> f64 {
        let mode = candidate.place.mode();
        let near = self.by_mode.range(mode.saturating_sub(NEIGHBOURHOOD)..=mode + NEIGHBOURHOOD);
        let near: usize = near.map(|(_, groups)| groups.len()).sum();
        (near + 1) as f64 / (2 * NEIGHBOURHOOD + 1) as f64
    }
}

/// Ends what a change of a history began where its next change begins, of which its own results knew nothing. Where both
/// went the same way, something ended the first of them in between.
pub(super) fn end_where_the_next_begins(suite: &OutlinedSuite<'_>, groups: &mut [Group]) {
    let mut begins: FxHashMap<usize, Vec<usize>> = FxHashMap::default();
    for candidate in groups.iter().flat_map(|group| &group.members) {
        begins.entry(candidate.shift.subject).or_default().push(candidate.shift.at);
    }
    for shift in groups.iter_mut().flat_map(|group| &mut group.members).map(|candidate| &mut candidate.shift) {
        let inside = |at: &&usize| (shift.at + 1..shift.to).contains(at);
        if let Some(next) = begins.get(&shift.subject).and_then(|begins| begins.iter().filter(inside).min()) {
            let cells = suite.cells(shift.subject);
            let last = cells[shift.at..*next].iter().rposition(|cell| fails(cell) == fails(&cells[shift.at]));
            shift.to = shift.at + last.map_or(1, |last| last + 1);
        }
    }
}
