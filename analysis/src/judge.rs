//! The rule of verdicts: one history in, one judgement out. Everything that says how a test is doing asks here.
//!
//! What did not run is not judged: cells that do not exist are neither passes nor failures. Commit order says what changed,
//! the start of runs says what is new and what ran lately.

use schema::ids::CommitKey;
use schema::state::State;
use schemars::JsonSchema;
use serde::Serialize;

use crate::absence;
use crate::change_points::{ChangePoint, change_points};
use crate::evidence::{Evidence, worst};
use crate::flakiness;
use crate::history::{Cell, History, Outcome};
use crate::rules::Rules;
use crate::streak::{self, Streak};

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
    /// What speaks for flakiness in the newest segment.
    pub evidence: Evidence,
}

/// Judges one test on one configuration.
pub fn judge(history: &History<'_>, question: &Question) -> Judgement {
    let cells: Vec<Cell> = history.cells.iter().filter(|cell| cell.outcome().is_some()).copied().collect();
    let rules = &question.rules;
    let points = change_points(&cells, rules);
    let segments = segments(&cells, &points);
    let start = points.last().map_or(0, |point| point.index);
    let Some(newest) = cells.last().copied() else { return unknown() };
    let evidence = Evidence::of(&cells[start..]);
    let verdict = if absence::is_removed(&cells, history.commits, rules) {
        Verdict::of(Standing::Removed, newest.worst, &cells, cells.len() - 1)
    } else if question.now.saturating_sub(u64::from(newest.last_start)) > rules.stale_seconds {
        Verdict::of(Standing::NotRunLately, newest.worst, &cells, cells.len() - 1)
    } else {
        of_results(&cells, start, &evidence, question)
    };
    Judgement {
        standing: verdict.standing,
        state: verdict.state,
        since: cells.get(verdict.since).map(|cell| cell.commit),
        before: verdict.since.checked_sub(1).map(|before| cells[before].commit),
        newest_failure: cells.iter().rev().find(|cell| cell.failed > 0).map(|cell| cell.commit),
        blame: verdict.streak.as_ref().map(|streak| streak.blame(&cells)),
        worsened: verdict.streak.and_then(|streak| streak.worsening(&cells)).map(|(_, worsening)| worsening),
        segments,
        evidence,
    }
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
        evidence: Evidence::default(),
    }
}

/// A standing with what it is about.
struct Verdict {
    standing: Standing,
    state: State,
    /// Index of the first cell of what the standing says.
    since: usize,
    /// The failures at the end, where the test is failing.
    streak: Option<Streak>,
}

impl Verdict {
    /// A standing that holds since a cell.
    fn of(standing: Standing, state: State, cells: &[Cell], since: usize) -> Self {
        debug_assert!(since < cells.len());
        Self { standing, state, since, streak: None }
    }
}

/// The verdict where results are recent. The newest segment starts at `start`.
fn of_results(cells: &[Cell], start: usize, evidence: &Evidence, question: &Question) -> Verdict {
    let (rules, last) = (&question.rules, cells.len() - 1);
    let newest = &cells[last];
    let flaky = || {
        let first = cells[start..].iter().position(|cell| cell.failed > 0).unwrap_or(0);
        Verdict::of(Standing::Flaky, worst(&cells[start..]), cells, start + first)
    };
    let is_flaky = flakiness::is_flaky(evidence, rules);
    match newest.outcome() {
        Some(Outcome::BothWays) => flaky(),
        Some(Outcome::Bad) if is_flaky && !flakiness::is_more_than_flaky(&cells[start..], rules) => flaky(),
        Some(Outcome::Bad) => failing(cells, question),
        _ if is_flaky && !flakiness::has_recovered(&cells[start..], rules) => flaky(),
        Some(Outcome::Expected) => {
            let is_expected = |cell: &Cell| cell.outcome() == Some(Outcome::Expected);
            Verdict::of(Standing::Expected, newest.worst_of_all, cells, first_of_row(cells, is_expected))
        }
        _ if newest.surprising_passes > 0 => {
            let is_surprising = |cell: &Cell| cell.outcome() == Some(Outcome::Good) && cell.surprising_passes > 0;
            Verdict::of(Standing::SurprisingPass, State::PASS, cells, first_of_row(cells, is_surprising))
        }
        _ => passing(cells, question),
    }
}

fn failing(cells: &[Cell], question: &Question) -> Verdict {
    let Some(streak) = Streak::at_end(cells) else {
        return Verdict::of(Standing::Passing, State::PASS, cells, cells.len() - 1);
    };
    let worsened = streak.worsening(cells).map(|(index, _)| index);
    let since = worsened.unwrap_or(streak.first_bad);
    let is_news = worsened.is_some() || streak.last_good.is_some();
    let is_recent = u64::from(cells[since].first_start) >= question.new_since;
    let standing = if is_news && is_recent { Standing::New } else { Standing::Failing };
    let state = cells[cells.len() - 1].worst;
    Verdict { standing, state, since, streak: Some(streak) }
}

fn passing(cells: &[Cell], question: &Question) -> Verdict {
    let first = first_of_row(cells, |cell| cell.outcome() == Some(Outcome::Good));
    let is_recent = u64::from(cells[first].first_start) >= question.new_since;
    match streak::ended_before(cells, first).filter(|failure| failure.bad >= question.rules.fixed_after) {
        Some(failure) if is_recent => Verdict::of(Standing::Fixed, failure.state, cells, first),
        _ => Verdict::of(Standing::Passing, State::PASS, cells, first),
    }
}

/// Index of the first of the cells at the end that are all of a kind. The newest one is.
fn first_of_row(cells: &[Cell], is_of_kind: impl Fn(&Cell) -> bool) -> usize {
    let row = cells.iter().rev().take_while(|cell| is_of_kind(cell)).count();
    cells.len() - row.max(1)
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
            evidence: Evidence::of(inside),
            state: worst(inside),
        })
    };
    starts.zip(ends).filter_map(segment).collect()
}
