//! The rule of verdicts: one history in, one judgement out. Everything that says how a test is doing asks here.
//!
//! What did not run is not judged: cells that do not exist are neither passes nor failures. Commit order says what changed,
//! the start of runs says what is new and what ran lately.
//!
//! [`flakiness`] judges one segment, [`streak`] has failures in a row, [`absence`] says whether a test is gone,
//! [`is_quiet`] which histories need no judgement, [`DatedJudgement`] how long one holds.

mod absence;
mod dated;
mod flakiness;
mod quiet;
mod streak;
#[cfg(test)]
mod tests;

use schema::ids::CommitKey;
use schema::state::State;
use schemars::JsonSchema;
use serde::Serialize;

use crate::change_points::{ChangePoint, change_points};
use crate::evidence::{Evidence, worst};
use crate::history::{Cell, History, Outcome};
use crate::rules::Rules;

pub use dated::DatedJudgement;
pub use quiet::{Glance, is_quiet};
use streak::Streak;

pub(crate) use streak::ended_before;

/// What a history is judged against.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Question {
    /// The present, seconds since 1970.
    pub now: u64,
    /// Failures whose first run started at this time or later are new, and so are fixes; seconds since 1970.
    pub new_since: u64,
    /// Thresholds.
    pub rules: Rules,
}

/// How a test is doing on one configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// It began to fail, or to fail in a worse way, within the time asked about.
    New,
    /// It fails for longer, or as far back as is known.
    Failing,
    /// It failed for some time, and passes since a commit that first ran within the time asked about.
    Fixed,
    /// It passes and fails by chance.
    Flaky,
    /// It passes.
    Passing,
    /// Its newest run is too long ago, or there is none.
    NotRunLately,
    /// The suite goes on without it.
    Removed,
    /// It fails as expected.
    Expected,
    /// It passes although a failure is expected.
    SurprisingPass,
}

impl Standing {
    /// Its name in answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Failing => "failing",
            Self::Fixed => "fixed",
            Self::Flaky => "flaky",
            Self::Passing => "passing",
            Self::NotRunLately => "not-run-lately",
            Self::Removed => "removed",
            Self::Expected => "expected",
            Self::SurprisingPass => "surprising-pass",
        }
    }

    /// Whether the newest runs fail, for long or not.
    pub fn is_failing(self) -> bool {
        matches!(self, Self::New | Self::Failing)
    }
}

/// The commits one of which changed something: those after the last good one, up to the first bad one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlameRange {
    /// The last commit before the change that was tested; none if nothing is known of before.
    pub last_good: Option<CommitKey>,
    /// The first commit after the change that was tested.
    pub first_bad: CommitKey,
}

/// A failure that became worse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Worsening {
    /// The worst state before.
    pub from: State,
    /// Where it became worse. The last good commit is the last one with the milder failure.
    pub range: BlameRange,
}

/// A stretch of commits on which the behaviour did not change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    /// Its first commit, most likely.
    pub first: CommitKey,
    /// Its last commit.
    pub last: CommitKey,
    /// Where it begins, with 99 % confidence: after the last good commit, up to the first bad one. None for the first.
    pub change: Option<BlameRange>,
    /// Commits on which the test ran between the last good commit and [`Self::first`]; and from there to the first bad one.
    pub doubt: (u32, u32),
    /// What happened in it.
    pub evidence: Evidence,
    /// The worst unexpected state in it; PASS if there is none.
    pub state: State,
}

/// What is known of a test on one configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// How it is doing.
    pub standing: Standing,
    /// The worst state of the newest commit while it fails, of the newest segment where it is flaky, of the last failure
    /// where it was fixed. PASS where nothing fails.
    pub state: State,
    /// The first commit of what its standing says. None where nothing ran.
    pub since: Option<CommitKey>,
    /// The last commit before `since` on which it ran.
    pub before: Option<CommitKey>,
    /// The newest commit on which it failed unexpectedly.
    pub newest_failure: Option<CommitKey>,
    /// Where an ongoing failure began.
    pub blame: Option<BlameRange>,
    /// Where an ongoing failure became worse.
    pub worsened: Option<Worsening>,
    /// Stretches between change points, the oldest first.
    pub segments: Vec<Segment>,
    /// The ongoing failure, where it began within the newest segment: it is too young to be one of its own.
    pub ongoing: Option<Segment>,
    /// What the newest segment has before a failure that goes on, or went on when the test ran last, and that is no flakiness.
    /// None where it has nothing before it, and where there is no such failure.
    pub before_failure: Option<Evidence>,
    /// What speaks for flakiness in the newest segment, or in the stretch that is flaky.
    pub evidence: Evidence,
}

impl Judgement {
    /// What each stretch has in which the test was flaky: a segment, or what the newest one has before a failure that goes on.
    pub fn flaky_evidence<'a>(&'a self, rules: &'a Rules) -> impl Iterator<Item = &'a Evidence> + 'a {
        (0..self.segments.len()).filter(|index| self.was_flaky(*index, rules)).map(|index| self.steady(index))
    }

    /// The cells of the stretches in which the test was flaky, of the cells that were judged.
    pub fn flaky_cells<'a>(&'a self, cells: &'a [Cell], rules: &'a Rules) -> impl Iterator<Item = &'a Cell> + 'a {
        self.flaky_stretches(cells, rules).flatten()
    }

    /// The same stretch by stretch.
    pub fn flaky_stretches<'a>(
        &'a self,
        cells: &'a [Cell],
        rules: &'a Rules,
    ) -> impl Iterator<Item = Vec<&'a Cell>> + 'a {
        let mut judged = cells.iter().filter(|cell| cell.runs > 0);
        let of_segment = move |index: usize| {
            let mut inside: Vec<&Cell> = judged.by_ref().take(self.segments[index].evidence.cells as usize).collect();
            inside.truncate(self.steady(index).cells as usize);
            self.was_flaky(index, rules).then_some(inside)
        };
        (0..self.segments.len()).filter_map(of_segment)
    }

    /// What a segment has, the newest without a failure that goes on.
    fn steady(&self, index: usize) -> &Evidence {
        let is_newest = index + 1 == self.segments.len();
        self.before_failure.as_ref().filter(|_| is_newest).unwrap_or(&self.segments[index].evidence)
    }

    /// Whether the test was flaky in the segment with this index.
    pub(crate) fn was_flaky(&self, index: usize, rules: &Rules) -> bool {
        let is_newest = index + 1 == self.segments.len();
        flakiness::is_flaky(self.steady(index), rules) || is_newest && self.standing == Standing::Flaky
    }
}

/// Judges one test on one configuration.
pub fn judge(history: &History<'_>, question: &Question) -> Judgement {
    judged(&history.with_runs(), history.commits, question).0
}

/// The judgement of cells that each have a run, and the index of the first of what its standing says.
fn judged(cells: &[Cell], commits: u32, question: &Question) -> (Judgement, usize) {
    let rules = &question.rules;
    let Some(newest) = cells.last() else { return (unknown(), 0) };
    let points = change_points(cells, rules);
    let start = points.last().map_or(0, |point| point.index);
    let is_late = question.now.saturating_sub(u64::from(newest.last_start)) > rules.stale_seconds;
    let verdict = if absence::is_removed(cells, commits, rules) {
        Verdict::new(Standing::Removed, newest.worst, cells.len() - 1)
    } else if is_late {
        Verdict::new(Standing::NotRunLately, newest.worst, cells.len() - 1)
    } else {
        of_results(cells, start, question)
    };
    let failure = match verdict.standing {
        Standing::Removed | Standing::NotRunLately => last_failure(cells, rules),
        _ => verdict.streak,
    };
    let within = |streak: &Streak| streak.first_bad > start;
    let blame = verdict.streak.map(|streak| streak.blame(cells));
    let worsened = verdict.streak.and_then(|streak| streak.worsening(cells));
    let judgement = Judgement {
        standing: verdict.standing,
        state: verdict.state,
        since: cells.get(verdict.since).map(|cell| cell.commit),
        before: verdict.since.checked_sub(1).map(|before| cells[before].commit),
        newest_failure: cells.iter().rev().find(|cell| cell.failed > 0).map(|cell| cell.commit),
        blame,
        worsened: worsened.map(|(_, worsening)| worsening),
        segments: segments(cells, &points),
        ongoing: verdict.streak.filter(within).map(|streak| streak.segment(cells)),
        before_failure: failure.filter(within).map(|streak| Evidence::of(&cells[start..streak.first_bad])),
        evidence: Evidence::of(&cells[verdict.stretch.unwrap_or(start)..]),
    };
    (judgement, verdict.since)
}

fn unknown() -> Judgement {
    Judgement {
        standing: Standing::NotRunLately,
        state: State::PASS,
        since: None,
        before: None,
        newest_failure: None,
        blame: None,
        worsened: None,
        segments: Vec::new(),
        ongoing: None,
        before_failure: None,
        evidence: Evidence::default(),
    }
}

/// A standing with what it is about, by indices of cells.
struct Verdict {
    standing: Standing,
    state: State,
    /// The first cell of what the standing says.
    since: usize,
    /// The failures at the end, where the test is failing.
    streak: Option<Streak>,
    /// Where the stretch begins that is flaky.
    stretch: Option<usize>,
}

impl Verdict {
    /// A standing that holds since a cell.
    fn new(standing: Standing, state: State, since: usize) -> Self {
        Self { standing, state, since, streak: None, stretch: None }
    }

    /// Flaky since the first failure after `start`.
    fn flaky(cells: &[Cell], start: usize) -> Self {
        let first = cells[start..].iter().position(|cell| cell.failed > 0).unwrap_or(0);
        let state = worst(&cells[start..]);
        Self { stretch: Some(start), ..Self::new(Standing::Flaky, state, start + first) }
    }
}

/// The verdict where results are recent. The newest segment starts at `start`.
fn of_results(cells: &[Cell], start: usize, question: &Question) -> Verdict {
    let newest = &cells[cells.len() - 1];
    if newest.outcome() == Some(Outcome::BothWays) {
        return Verdict::flaky(cells, start);
    }
    if let Some(start) = flakiness::flaky_since(cells, &question.rules) {
        return Verdict::flaky(cells, start);
    }
    match newest.outcome() {
        Some(Outcome::Bad) => failing(cells, question),
        Some(Outcome::Expected) => {
            let is_expected = |cell: &Cell| cell.outcome() == Some(Outcome::Expected);
            Verdict::new(Standing::Expected, newest.worst_of_all, first_of_row(cells, is_expected))
        }
        _ if newest.surprising_passes > 0 => {
            let is_surprising = |cell: &Cell| cell.outcome() == Some(Outcome::Good) && cell.surprising_passes > 0;
            Verdict::new(Standing::SurprisingPass, State::PASS, first_of_row(cells, is_surprising))
        }
        _ => passing(cells, question),
    }
}

/// The failures with which the results end, unless they are flakiness.
fn last_failure(cells: &[Cell], rules: &Rules) -> Option<Streak> {
    Streak::at_end(cells).filter(|_| flakiness::flaky_since(cells, rules).is_none())
}

fn failing(cells: &[Cell], question: &Question) -> Verdict {
    let Some(streak) = Streak::at_end(cells) else {
        return Verdict::new(Standing::Passing, State::PASS, cells.len() - 1);
    };
    let worsened = streak.worsening(cells).map(|(index, _)| index);
    let since = worsened.unwrap_or(streak.first_bad);
    // A test that came with its failure is as new as one that broke. Where the suite itself began with it, nothing is known.
    let came_failing = streak.last_good.is_none() && cells[0].position > 0;
    let is_news = worsened.is_some() || streak.last_good.is_some() || came_failing;
    let is_recent = u64::from(cells[since].first_start) >= question.new_since;
    let standing = if is_news && is_recent { Standing::New } else { Standing::Failing };
    let state = cells[cells.len() - 1].worst;
    Verdict { streak: Some(streak), ..Verdict::new(standing, state, since) }
}

fn passing(cells: &[Cell], question: &Question) -> Verdict {
    let first = first_of_row(cells, |cell| cell.outcome() == Some(Outcome::Good));
    let is_recent = u64::from(cells[first].first_start) >= question.new_since;
    match streak::ended_before(cells, first).filter(|failure| failure.bad >= question.rules.fixed_after) {
        Some(failure) if is_recent => Verdict::new(Standing::Fixed, failure.state, first),
        _ => Verdict::new(Standing::Passing, State::PASS, first),
    }
}

/// Index of the first of the cells at the end that are all of a kind. The newest one is.
fn first_of_row(cells: &[Cell], is_of_kind: impl Fn(&Cell) -> bool) -> usize {
    let row = cells.iter().rev().take_while(|cell| is_of_kind(cell)).count();
    cells.len() - row.max(1)
}

/// Cells between the last one before a change and its likeliest one, and from that to the first one after it.
fn doubt(earliest: usize, likeliest: usize, latest: usize) -> (u32, u32) {
    (likeliest.saturating_sub(earliest) as u32, latest.saturating_sub(likeliest) as u32)
}

fn segments(cells: &[Cell], points: &[ChangePoint]) -> Vec<Segment> {
    let starts = std::iter::once(None).chain(points.iter().map(Some));
    let ends = points.iter().map(|point| point.index).chain(std::iter::once(cells.len()));
    let segment = |(point, end): (Option<&ChangePoint>, usize)| {
        let inside = cells.get(point.map_or(0, |point| point.index)..end)?;
        let range = |point: &ChangePoint| BlameRange {
            last_good: point.earliest.checked_sub(1).map(|before| cells[before].commit),
            first_bad: cells[point.latest].commit,
        };
        Some(Segment {
            first: inside.first()?.commit,
            last: inside.last()?.commit,
            change: point.map(range),
            doubt: point.map_or((0, 0), |point| doubt(point.earliest, point.index, point.latest)),
            evidence: Evidence::of(inside),
            state: worst(inside),
        })
    };
    starts.zip(ends).filter_map(segment).collect()
}
