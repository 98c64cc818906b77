//! Whether a verdict was right, by what the branch did afterwards.

use std::collections::BTreeSet;

use analysis::history::{Cell, History, Outcome};
use analysis::judge::{Question, judge};
use schema::ids::CommitKey;
use schema::seconds::WEEK;
use schemars::JsonSchema;
use serde::Serialize;

/// What the branch showed within this time after a verdict grades it, seconds.
const GRADED_BY: u64 = WEEK;
/// Failures one after the other that are no flakiness.
const HARD: usize = 3;
/// Histories that are judged for one answer, to tell a break from flakiness.
const MAX_JUDGED: u32 = 5_000;

/// In which way an answer was wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Mistake {
    /// It was called known-flaky, and the branch failed it on all commits of the week after, three at least.
    Flakiness,
    /// It was excused as known-failing or known-flaky, and the branch passed it after that and then failed it for good: on
    /// three commits or more in a row up to the end of the week, which the rule calls a failure.
    Excuse,
    /// It was called new, and the branch failed it within the week after. Where the change landed meanwhile, it may have done that.
    Blame,
}

impl Mistake {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Flakiness, Self::Excuse, Self::Blame];

    /// Its name in answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Flakiness => "flakiness",
            Self::Excuse => "excuse",
            Self::Blame => "blame",
        }
    }
}

/// What the branch did within a week after a verdict; of an excuse, on the configuration on which a break came through.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Afterwards {
    /// Commits on which it ran the test, each configuration counted.
    pub commits: u32,
    /// Those on which it failed unexpectedly.
    pub failed: u32,
    /// How many of the last of them failed one after the other, without a pass.
    pub failed_last: u32,
}

impl Afterwards {
    fn of(after: &[Cell]) -> Self {
        Self {
            commits: after.len() as u32,
            failed: after.iter().filter(|cell| cell.failed > 0).count() as u32,
            failed_last: bad_at_end(after) as u32,
        }
    }
}

/// A verdict with its grade.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Graded {
    /// Whether the branch went on as the verdict said; none if that is not known.
    pub(super) held: Option<bool>,
    /// In which way it was wrong, and what came after.
    pub(super) mistake: Option<(Mistake, Afterwards)>,
}

/// Grades verdicts, and counts what that costs.
#[derive(Debug)]
pub(super) struct Grader {
    left: u32,
}

impl Grader {
    pub(super) fn new() -> Self {
        Self { left: MAX_JUDGED }
    }

    /// Whether there were more histories to judge than one answer judges: some excuses that were wrong may be missing.
    pub(super) fn is_spent(&self) -> bool {
        self.left == 0
    }

    /// Grades a verdict that was given at a time, seconds since 1970, by the histories of its test on each configuration.
    pub(super) fn grade(&mut self, verdict: &str, asked_at: u32, places: &[&[Cell]], question: &Question) -> Graded {
        let until = u64::from(asked_at) + GRADED_BY;
        let is_after = |cell: &&Cell| cell.first_start > asked_at && u64::from(cell.first_start) <= until;
        let mut after: Vec<Cell> = places.iter().flat_map(|cells| cells.iter()).filter(is_after).copied().collect();
        after.sort_by_key(|cell| cell.first_start);
        let held = held(verdict, &after);
        let mistake = match (verdict, held) {
            ("known-flaky", Some(false)) => Some((Mistake::Flakiness, Afterwards::of(&after))),
            ("new", Some(false)) => Some((Mistake::Blame, Afterwards::of(&after))),
            ("known-flaky" | "known-failing", Some(_)) => {
                let broke = places.iter().find_map(|cells| self.broke_after(cells, asked_at, until, question));
                broke.map(|after| (Mistake::Excuse, after))
            }
            _ => None,
        };
        Graded { held, mistake }
    }

    /// What a configuration did within a time, where the test passed in it and then broke.
    fn broke_after(&mut self, cells: &[Cell], asked_at: u32, until: u64, question: &Question) -> Option<Afterwards> {
        let is_known = |cell: &&Cell| cell.runs > 0 && u64::from(cell.first_start) <= until;
        let known: Vec<Cell> = cells.iter().filter(is_known).copied().collect();
        let row = bad_at_end(&known);
        // What broke lies behind the last pass; commits between that and the row say nothing against it.
        let passed = |cell: &Cell| cell.outcome() == Some(Outcome::Good) && cell.first_start > asked_at;
        let has_passed_after = known[..known.len() - row].iter().any(passed);
        if row < HARD || !has_passed_after || self.left == 0 {
            return None;
        }
        self.left -= 1;
        let last = known.last()?;
        let now = u64::from(last.last_start);
        let history = History { cells: &known, commits: last.position.saturating_add(1) };
        let is_failing = judge(&history, &Question { now, ..*question }).standing.is_failing();
        let after: Vec<Cell> = known.iter().filter(|cell| cell.first_start > asked_at).copied().collect();
        is_failing.then(|| Afterwards::of(&after))
    }
}

/// Cells at the end in which every run failed.
fn bad_at_end(cells: &[Cell]) -> usize {
    cells.iter().rev().take_while(|cell| cell.outcome() == Some(Outcome::Bad)).count()
}

/// Whether what the branch did after a verdict was as the verdict said; none if that does not tell.
fn held(verdict: &str, after: &[Cell]) -> Option<bool> {
    let outcomes: Vec<Outcome> = after.iter().filter_map(Cell::outcome).collect();
    let failed = after.iter().filter(|cell| cell.failed > 0).count();
    if outcomes.is_empty() {
        return None;
    }
    match verdict {
        // The branch was said to fail: it has to fail once more at least, though that be expected of it by then.
        "known-failing" => Some(failed > 0 || after.iter().any(|cell| cell.expected_failures > 0)),
        // The branch was said to be flaky: nothing but failures is no flakiness. Several configurations tell of one commit.
        "known-flaky" => {
            let commits: BTreeSet<CommitKey> = after.iter().map(|cell| cell.commit).collect();
            let is_hard = commits.len() >= HARD && outcomes.iter().all(|outcome| *outcome == Outcome::Bad);
            Some(!is_hard)
        }
        // The branch was said not to fail so: a failure on it, without the change, shows that it does.
        "new" => Some(failed == 0),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use analysis::rules::Rules;
    use schema::seconds::HOUR;
    use schema::state::State;

    use super::*;

    /// Cells of a text, one an hour, `P` passed, `F` failed, `M` failed in one run and passed in another; the verdict is given
    /// after so many of them.
    fn cells(text: &str) -> Vec<Cell> {
        let cell = |(index, letter): (usize, u8)| {
            let start = (index as u64 + 1) * HOUR;
            let passed = Cell::passed(CommitKey::start_of(start), index as u32, start as u32);
            let failed = u32::from(letter != b'P');
            let runs = if letter == b'M' { 2 } else { 1 };
            let worst = if failed > 0 { State::at(4) } else { State::PASS };
            Cell { runs, failed, unrecovered: failed, worst, worst_of_all: worst, ..passed }
        };
        text.bytes().enumerate().map(cell).collect()
    }

    fn graded(verdict: &str, before: &str, after: &str) -> Graded {
        let all = cells(&format!("{before}{after}"));
        let asked_at = (before.len() as u64 * HOUR + 1) as u32;
        let question = Question { now: 1 << 40, new_since: 0, rules: Rules::default() };
        Grader::new().grade(verdict, asked_at, &[&all], &question)
    }

    /// What a test did that broke long ago.
    fn failing_for_long() -> String {
        format!("{}{}", "P".repeat(40), "F".repeat(20))
    }

    fn held_of(verdict: &str, after: &str) -> Option<bool> {
        graded(verdict, "", after).held
    }

    #[test]
    fn the_branch_grades_verdicts() {
        assert_eq!((held_of("new", "PPP"), held_of("new", "PF")), (Some(true), Some(false)));
        assert_eq!((held_of("known-failing", "FP"), held_of("known-failing", "PP")), (Some(true), Some(false)));
        assert_eq!((held_of("known-flaky", "PFP"), held_of("known-flaky", "FFF")), (Some(true), Some(false)));
        assert_eq!((held_of("new", ""), held_of("unknown", "F")), (None, None));
    }

    #[test]
    fn three_configurations_on_one_commit_are_no_three_commits() {
        let mut after = cells("FFF");
        assert_eq!(held("known-flaky", &after), Some(false));
        let commit = after[0].commit;
        after.iter_mut().for_each(|cell| cell.commit = commit);
        assert_eq!(held("known-flaky", &after), Some(true));
    }

    #[test]
    fn a_failure_that_is_expected_by_then_is_one_more() {
        let mut after = cells("PP");
        after[1].expected_failures = 1;
        assert_eq!((held("known-failing", &after), held("new", &after)), (Some(true), Some(true)));
    }

    #[test]
    fn a_conviction_or_a_blame_that_is_refuted_is_a_mistake() {
        let told = |verdict, after| graded(verdict, "PFPPFPFP", after).mistake;
        let after = |commits, failed, failed_last| Afterwards { commits, failed, failed_last };
        assert_eq!(told("known-flaky", "FFFF"), Some((Mistake::Flakiness, after(4, 4, 4))));
        assert_eq!(told("new", "PFP"), Some((Mistake::Blame, after(3, 1, 0))));
        for (verdict, after) in [("known-flaky", "PFP"), ("new", "PPP"), ("known-failing", "PP"), ("unknown", "FFF")] {
            assert_eq!(told(verdict, after), None, "{verdict} {after}");
        }
    }

    #[test]
    fn an_excuse_is_wrong_where_the_branch_was_mended_and_broke_again() {
        let failing = |after: &str| graded("known-failing", &failing_for_long(), after);
        let broke = failing(&format!("{}FFF", "P".repeat(20)));
        assert_eq!(broke.held, Some(true), "the branch did fail once more");
        let after = Afterwards { commits: 23, failed: 3, failed_last: 3 };
        assert_eq!(broke.mistake, Some((Mistake::Excuse, after)));
        // What went both ways between the last pass and the row belongs to neither.
        let wobbled = failing(&format!("{}MFFF", "P".repeat(20)));
        assert_eq!(wobbled.mistake.map(|(mistake, after)| (mistake, after.failed_last)), Some((Mistake::Excuse, 3)));
        // It goes on to fail, it was never seen to pass, it was mended, or it failed for a moment.
        for after in ["FFFF", "MFFF", "PPPP", "PPFF", "PPFFFP", ""] {
            assert_eq!(failing(after).mistake, None, "{after}");
        }
        // As many failures in a row are what such a flaky test does by chance.
        assert_eq!(graded("known-flaky", "PFFPFPFFPFFPFFFP", "PFFF").mistake, None);
    }

    #[test]
    fn what_comes_after_a_week_grades_nothing() {
        let late = "P".repeat(8 * 24) + "F";
        assert_eq!(graded("new", "", &late).held, Some(true));
        assert_eq!(graded("new", "", &late).mistake, None);
    }

    #[test]
    fn one_answer_judges_so_many_histories() {
        let all = cells(&format!("{}{}FFF", failing_for_long(), "P".repeat(20)));
        let question = Question { now: 1 << 40, new_since: 0, rules: Rules::default() };
        let asked_at = (60 * HOUR + 1) as u32;
        let mut grader = Grader { left: 1 };
        let mut mistake = || grader.grade("known-failing", asked_at, &[&all], &question).mistake;
        assert!(mistake().is_some() && mistake().is_none());
        assert!(grader.is_spent());
    }
}
