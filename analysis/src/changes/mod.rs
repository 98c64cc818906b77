//! Changes: what moved together, over the tests and configurations of a suite, with the commits that may have done it.
//!
//! Data flow: [`candidates`] finds in the outline of each history where its behaviour changed, and where it may have changed
//! but few results say so: lately, or for a short time ([`segments`]). [`noise`] says how likely the latter are by chance, among
//! such histories ([`mixture`] has the likelihoods). [`together`] takes those that several histories of a scope ([`scopes`]) make
//! likely together. [`groups`] joins what one commit explains, [`place`] has the commits, [`episode`] keeps what broke twice apart.

mod candidate;
mod candidates;
mod episode;
mod groups;
mod mixture;
mod noise;
mod place;
mod scopes;
mod segments;
#[cfg(test)]
mod tests;
mod together;

use std::borrow::Cow;

use rustc_hash::FxHashSet;
use schema::configuration::stable_hash;
use schema::ids::{CommitKey, ConfigId};
use schema::state::State;
use schemars::JsonSchema;
use serde::Serialize;

use crate::change_points::outline::Outline;
use crate::evidence::{Evidence, worst};
use crate::history::Cell;
use crate::parallel;
use crate::rules::Rules;

use candidate::{Candidate, Direction, Shift};
use candidates::{Places, Shifts};
use groups::Group;
use noise::Noise;
use place::Timeline;
use scopes::Scopes;
use segments::Segments;

/// Commits that a change names at most as likely ones.
const MOST_LIKELY: usize = 10;
/// The share of unexpected runs from which on a test counts as broken, not as flaky.
const BROKEN_SHARE: f64 = 0.5;
/// The share of unexpected runs up to which a test that got better counts as fixed.
const FIXED_SHARE: f64 = 0.1;

/// One test on one configuration.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The test's name.
    pub test: &'a str,
    /// The name that the test had first; the same, unless it was renamed. Identities of changes go by it.
    pub first_name: &'a str,
    /// The configuration.
    pub configuration: ConfigId,
}

/// Where histories are had from. Each is asked for when it is looked at, because cells take much memory and most histories
/// are looked at once.
pub trait Histories: Sync {
    /// The cells of a subject, by its position, the oldest first.
    fn cells(&self, subject: usize) -> Cow<'_, [Cell]>;
}

/// What changes are looked for in.
#[derive(Clone, Copy)]
pub struct Suite<'a> {
    /// The suite's name.
    pub name: &'a str,
    /// How many tests it has on a configuration, with those that have no subject because nothing ever failed.
    pub tests: u32,
    /// The commits of the branch, tested or not, in any order. Tested ones may be left out.
    pub commits: &'a [CommitKey],
    /// The tested commits in the order of the branch, which need not be that of their clocks, the oldest first.
    pub order: &'a [CommitKey],
    /// Tests on configurations, in any order, each once.
    pub subjects: &'a [Subject<'a>],
    /// What they did.
    pub histories: &'a dyn Histories,
}

/// A suite with the outlines of its histories.
struct OutlinedSuite<'a> {
    name: &'a str,
    tests: u32,
    /// The subjects that ran, with the position that each was given with.
    subjects: Vec<Subject<'a>>,
    given: Vec<usize>,
    outlines: Vec<Outline>,
    scopes: Scopes,
    histories: &'a dyn Histories,
}

impl<'a> OutlinedSuite<'a> {
    fn of(suite: &Suite<'a>) -> Self {
        let all: Vec<usize> = (0..suite.subjects.len()).collect();
        let outlines = parallel::map(&all, |subject| Outline::of(&with_runs(suite.histories.cells(*subject))));
        let ran = |(_, outline): &(usize, Outline)| outline.rows() > 0;
        let (given, outlines): (Vec<usize>, Vec<Outline>) = all.into_iter().zip(outlines).filter(ran).unzip();
        let subjects: Vec<Subject<'_>> = given.iter().map(|subject| suite.subjects[*subject]).collect();
        let scopes = Scopes::of(&subjects, suite.tests);
        Self { name: suite.name, tests: suite.tests, subjects, given, outlines, scopes, histories: suite.histories }
    }

    /// The cells of a subject that have a run.
    fn cells(&self, subject: usize) -> Cow<'a, [Cell]> {
        with_runs(self.histories.cells(self.given[subject]))
    }
}

/// What a change did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Tests fail since then.
    Broke,
    /// Tests pass since then.
    Fixed,
    /// Tests pass and fail by chance since then, or more often or more seldom than before.
    Flaky,
    /// Failures are expected since then. This is not a fix.
    Expected,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Broke, Self::Fixed, Self::Flaky, Self::Expected];

    /// Its name in addresses and answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Broke => "broke",
            Self::Fixed => "fixed",
            Self::Flaky => "flaky",
            Self::Expected => "expected",
        }
    }
}

/// Identity of a change. It does not depend on the time of the question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChangeId(pub u64);

impl std::fmt::Display for ChangeId {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{:016x}", self.0)
    }
}

/// One change of behaviour.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Its identity.
    pub id: ChangeId,
    /// What it did.
    pub kind: Kind,
    /// The newest commit that still had the old behaviour, with 99 % confidence; none if that is not known.
    pub after: Option<CommitKey>,
    /// The oldest commit that has the new behaviour for sure, with 99 % confidence.
    pub until: CommitKey,
    /// Commits that may have done it with their probabilities, the likeliest first, at most ten.
    pub likely: Vec<(CommitKey, f64)>,
    /// What it changed, by name of test.
    pub members: Vec<Member>,
    /// Whether a test still behaves as since the change.
    pub is_open: bool,
}

/// A test on a configuration that a change is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Member {
    /// Position of its subject.
    pub subject: usize,
    /// The first tested commit with the new behaviour, most likely.
    pub first: CommitKey,
    /// What happened between the change before and this one.
    pub before: Evidence,
    /// What happened between this change and the next one; until it ended, where the next one went the same way.
    pub since: Evidence,
    /// The worst unexpected state since then; before then if nothing fails since.
    pub state: State,
    /// Whether no further change followed.
    pub is_open: bool,
}

/// The changes of a suite, the newest first.
pub fn changes(suite: &Suite<'_>, rules: &Rules) -> Vec<Change> {
    let timeline = Timeline::of(suite);
    let suite = &OutlinedSuite::of(suite);
    let noise = Noise::of(suite, &Segments::at_any_rates(suite, rules));
    let shifts = Shifts::of(suite, &noise, rules);
    let places = Places { suite, timeline: &timeline, noise: &noise, rules };
    let mut accepted = places.of_sure(&shifts.sure);
    let (young, unsure) = together::accepted_newest(suite, &shifts.unsure, &places, rules.change_prior);
    let ended = together::accepted_episodes(suite, &shifts.episodes, &places, rules.change_prior);
    // Where an episode ended is known better from its own results than from all before.
    let ends: FxHashSet<(usize, usize)> = ended.iter().map(|change| change.shift.place()).collect();
    accepted.extend(young.into_iter().filter(|change| !ends.contains(&change.shift.place())));
    accepted.extend(ended);
    let mut groups = groups::joined(suite, accepted, unsure);
    groups::end_where_the_next_begins(suite, &mut groups);
    let mut changes: Vec<Change> = groups.iter().map(|group| change(suite, &timeline, group)).collect();
    changes.sort_by_key(|change| (std::cmp::Reverse(change.until), change.id));
    changes
}

fn change(suite: &OutlinedSuite<'_>, timeline: &Timeline, group: &Group) -> Change {
    let mut members: Vec<(&Candidate, Member)> =
        group.members.iter().map(|candidate| (candidate, member(suite, candidate))).collect();
    members.sort_by_key(|(candidate, _)| name(suite, candidate));
    let (after, until) = group.place.range();
    let kind = members.iter().map(|(candidate, member)| kind(candidate.shift.direction, member)).min();
    Change {
        id: id(suite, group),
        kind: kind.unwrap_or(Kind::Flaky),
        after: after.map(|index| timeline.commits[index]),
        until: timeline.commits[until],
        likely: group.place.likeliest(MOST_LIKELY).map(|(index, share)| (timeline.commits[index], share)).collect(),
        is_open: members.iter().any(|(_, member)| member.is_open),
        members: members.into_iter().map(|(_, member)| member).collect(),
    }
}

fn name<'a>(suite: &OutlinedSuite<'a>, candidate: &Candidate) -> (&'a str, ConfigId) {
    let subject = &suite.subjects[candidate.shift.subject];
    (subject.test, subject.configuration)
}

fn member(suite: &OutlinedSuite<'_>, candidate: &Candidate) -> Member {
    let Shift { subject, from, at, to, .. } = candidate.shift;
    let cells = suite.cells(subject);
    let (before, since) = (&cells[from..at], &cells[at..to]);
    let state = Some(worst(since)).filter(|state| state.is_failure()).unwrap_or_else(|| worst(before));
    Member {
        subject: suite.given[subject],
        first: cells[at].commit,
        before: Evidence::of(before),
        since: Evidence::of(since),
        state,
        is_open: to == cells.len(),
    }
}

fn kind(direction: Direction, member: &Member) -> Kind {
    let share = f64::from(member.since.unexpected) / f64::from(member.since.runs.max(1));
    match direction {
        Direction::Worse if share >= BROKEN_SHARE => Kind::Broke,
        Direction::Better if share <= FIXED_SHARE => Kind::Fixed,
        Direction::Worse | Direction::Better => Kind::Flaky,
        Direction::Expected => Kind::Expected,
    }
}

/// The identity of a change comes from the member whose new behaviour was seen first: later ones do not move it.
fn id(suite: &OutlinedSuite<'_>, group: &Group) -> ChangeId {
    let seen = |candidate: &Candidate| {
        let first = suite.cells(candidate.shift.subject)[candidate.shift.at];
        ((first.first_start, name(suite, candidate)), first.commit)
    };
    let members = group.members.iter().map(|candidate| (seen(candidate), candidate));
    let Some(((_, first), defining)) = members.min_by_key(|((seen, _), _)| *seen) else { return ChangeId(0) };
    let Subject { first_name, configuration, .. } = suite.subjects[defining.shift.subject];
    ChangeId(stable_hash(&[
        suite.name.as_bytes(),
        defining.shift.direction.name().as_bytes(),
        first_name.as_bytes(),
        &configuration.0.to_le_bytes(),
        &first.0.to_le_bytes(),
    ]))
}

/// Cells that have a run.
fn with_runs(cells: Cow<'_, [Cell]>) -> Cow<'_, [Cell]> {
    if cells.iter().all(|cell| cell.runs > 0) {
        cells
    } else {
        cells.iter().filter(|cell| cell.runs > 0).copied().collect()
    }
}
