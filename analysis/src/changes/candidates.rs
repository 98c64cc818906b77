//! Where the behaviour of single histories changed, or may have changed lately.

use rustc_hash::FxHashMap;
use schema::ids::CommitKey;

use crate::change_points::Series;
use crate::change_points::outline::{Outline, RowsTotal};
use crate::change_points::search;
use crate::parallel;
use crate::rules::Rules;

use super::OutlinedSuite;
use super::candidate::{Candidate, Direction, EndedEpisode, LEAST_SURPRISE, Shift};
use super::episode::{self, ShortRow};
use super::noise::Noise;
use super::place::{Place, Timeline};
use super::segments::Segments;

/// What is less likely than that at the rate of the rest may be as surprising as [`LEAST_SURPRISE`].
const MAY_SURPRISE: f64 = 0.02;
/// What never happened among the rest is taken to have happened so often.
const UNSEEN: f64 = 0.1;
/// How many cells before the newest row may belong to a change that few results suggest.
const YOUNG_PAST: usize = 12;

/// Changes of every history that its own results prove, and those that they only suggest.
#[derive(Debug, Default)]
pub(super) struct Shifts {
    pub(super) sure: Vec<Shift>,
    /// Those that the newest results suggest.
    pub(super) unsure: Vec<Shift>,
    /// Those that results in between suggest, which ended.
    pub(super) episodes: Vec<EndedEpisode>,
}

impl Shifts {
    /// Those that are likely at rates as the suite shows them.
    pub(super) fn of(suite: &OutlinedSuite<'_>, noise: &Noise, rules: &Rules) -> Self {
        let bounds = |outline: &Outline| {
            search::bounds(&outline.explained_by(|total| noise.likelihood(total)), rules.change_prior)
        };
        let mut shifts = Self::default();
        for segments in Segments::of(suite, bounds) {
            let subject = segments.subject;
            let outline = &suite.outlines[subject];
            let sure = segments.bounds.windows(3);
            shifts
                .sure
                .extend(sure.map(|bounds| shift(subject, outline, [bounds[0], bounds[1], bounds[2]], f64::INFINITY)));
            // The newest row of equal results may be a change, if something else is before it in its segment.
            let start = segments.newest();
            let at = outline.newest_alike(start);
            if at > start {
                let surprise = noise.surprise(&outline.total(start, at), &outline.total(at, outline.rows()));
                shifts.unsure.push(shift(subject, outline, [start, at, outline.rows()], surprise));
            }
            for bounds in segments.bounds.windows(2) {
                shifts.episodes.extend(episodes(subject, outline, (bounds[0], bounds[1]), noise));
            }
        }
        shifts
    }
}

/// The episodes inside a segment that are surprising among the rest of it, without the newest row of a history, which may be a
/// change as well.
fn episodes(subject: usize, outline: &Outline, (from, to): (usize, usize), noise: &Noise) -> Vec<EndedEpisode> {
    let mut found = Vec::new();
    let newest = if to == outline.rows() { outline.newest_alike(from) } else { to };
    let all = outline.total(from, newest);
    // An episode lies between others: it has one before it and one after it.
    let mut at = outline.end_of_alike(from, to);
    let mut end = outline.end_of_alike(at, to);
    while end < to {
        let next = outline.end_of_alike(end, to);
        let inside = outline.total(at, end);
        let rest = all.minus(&inside);
        let surprise = if may_surprise(&rest, &inside) { noise.surprise(&rest, &inside) } else { 0.0 };
        if surprise > LEAST_SURPRISE {
            let of = |rows| shift(subject, outline, rows, surprise);
            let (begin, until) = (of([from, at, end]), of([at, end, to]));
            let (next, between) = (outline.start(next), outline.begin(at));
            found.push(EndedEpisode { begin, end: until, next, between });
        }
        (at, end) = (end, next);
    }
    found
}

/// Whether results that all fail, or none of which does, are so seldom among the rest that more has to be asked.
fn may_surprise(rest: &RowsTotal, inside: &RowsTotal) -> bool {
    let alike = if inside.failed > 0 { rest.failed } else { rest.cells - rest.failed };
    let share = (f64::from(alike) + UNSEEN) / (f64::from(rest.cells) + 1.0);
    share.powi(inside.cells as i32) < MAY_SURPRISE
}

/// Two neighbouring segments, by rows of an outline.
fn shift(subject: usize, outline: &Outline, [from, at, to]: [usize; 3], surprise: f64) -> Shift {
    let (before, since) = (outline.total(from, at), outline.total(at, to));
    Shift {
        subject,
        from: outline.start(from),
        at: outline.start(at),
        to: outline.start(to),
        direction: direction(&before, &since),
        is_even: since.failed == 0 || since.failed == since.cells,
        is_first: if since.failed > 0 { before.failed == 0 } else { before.failed == before.cells },
        surprise,
    }
}

fn direction(before: &RowsTotal, since: &RowsTotal) -> Direction {
    let badness = |RowsTotal { counts, .. }: &RowsTotal| {
        f64::from(counts.unexpected + counts.unrecovered) / f64::from(counts.runs.max(1))
    };
    if badness(since) > badness(before) {
        return Direction::Worse;
    }
    if 2 * since.expected > since.cells { Direction::Expected } else { Direction::Better }
}

/// Shifts with the commits that may have done them, those of changes that are sure and those of newest rows.
pub(super) struct Places<'a> {
    pub(super) suite: &'a OutlinedSuite<'a>,
    pub(super) timeline: &'a Timeline,
    pub(super) noise: &'a Noise,
    pub(super) rules: &'a Rules,
}

impl Places<'_> {
    /// Changes that the results of their histories prove.
    pub(super) fn of_sure(&self, shifts: &[Shift]) -> Vec<Candidate> {
        parallel::map(shifts, |shift| self.candidate(shift, shift.from, &[]))
    }

    /// Changes that results only suggest.
    pub(super) fn of_unsure(&self, shifts: &[Shift]) -> Vec<Candidate> {
        let from = |shift: &Shift| shift.from.max(shift.at.saturating_sub(YOUNG_PAST));
        let confirmed = self.confirmed(shifts, from);
        let shifts: Vec<(Shift, Vec<CommitKey>)> = shifts.iter().copied().zip(confirmed).collect();
        parallel::map(&shifts, |(shift, confirmed)| self.candidate(shift, from(shift), confirmed))
    }

    /// The ends of episodes, which lie before the next ones.
    pub(super) fn of_ended(&self, episodes: &[&EndedEpisode]) -> Vec<Candidate> {
        parallel::map(episodes, |EndedEpisode { end, next, .. }| {
            let Candidate { place, .. } = self.candidate(&Shift { to: *next, is_even: true, ..*end }, end.from, &[]);
            Candidate { shift: *end, place }
        })
    }

    /// The first commits of short rows before each shift that other configurations of the test saw, too.
    fn confirmed(&self, shifts: &[Shift], from: impl Fn(&Shift) -> usize + Sync) -> Vec<Vec<CommitKey>> {
        let short = parallel::map(shifts, |shift| {
            if shift.is_first {
                return Vec::new();
            }
            let (cells, from) = (self.suite.cells(shift.subject), from(shift));
            let place = |commit| self.timeline.index(commit);
            ShortRow::before(&cells[from..], shift.at - from, self.rules, place)
        });
        let mut of_test: FxHashMap<u32, Vec<(usize, ShortRow)>> = FxHashMap::default();
        for (index, rows) in short.iter().enumerate() {
            let test = self.suite.scopes.test(shifts[index].subject);
            of_test.entry(test).or_default().extend(rows.iter().map(|row| (index, *row)));
        }
        let confirmed = |(index, rows): (usize, &Vec<ShortRow>)| {
            let others = of_test.get(&self.suite.scopes.test(shifts[index].subject));
            let is_seen = |row: &&ShortRow| {
                others.is_some_and(|rows| rows.iter().any(|(other, seen)| *other != index && row.is_seen_in(seen)))
            };
            rows.iter().filter(is_seen).map(|row| row.commit).collect()
        };
        short.iter().enumerate().map(confirmed).collect()
    }

    /// A shift with its place, by its cells from one index on; `confirmed` are first commits of rows that are no chance.
    fn candidate(&self, shift: &Shift, from: usize, confirmed: &[CommitKey]) -> Candidate {
        let cells = self.suite.cells(shift.subject);
        let inside = &cells[from..shift.to];
        let series = Series::explained_by(inside, |total| self.noise.likelihood(total));
        let explained = |at: usize| series.ln_likelihood(0, at) + series.ln_likelihood(at, inside.len());
        let starts = match shift.is_even {
            true => episode::starts(inside, shift.at - from, self.rules, |commit| confirmed.contains(&commit)),
            false => 1..=inside.len() - 1,
        };
        let around = &inside[starts.start() - 1..=*starts.end()];
        let place = Place::of_cells(self.timeline, around, starts.map(explained));
        Candidate { shift: *shift, place }
    }
}
