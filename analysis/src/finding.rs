//! What the histories of one test on all its configurations mean to whoever triages: at most one finding.

use std::borrow::Cow;

use schema::ids::CommitKey;
use schema::state::State;
use schemars::JsonSchema;
use serde::Serialize;

use crate::blame;
use crate::history::{Cell, History, Outcome, severity};
use crate::judge::{Judgement, Question, Standing, judge};

/// Why a test is on the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Group {
    /// Began to fail, or to fail in a worse way, within the time asked about.
    New,
    /// Fails for longer.
    Still,
    /// Failed for some time, and passes since a commit that ran within the time asked about.
    Fixed,
    /// Passes and fails by chance.
    Flaky,
    /// Failed or was flaky, and the suite goes on without it.
    Removed,
    /// Fails as expected since a commit that ran within the time asked about, and failed unexpectedly before.
    Expected,
    /// Passes although a failure is expected.
    Surprising,
    /// Failed when it ran last, and did not run lately.
    NotRun,
}

impl Group {
    /// All of them, in the order of a list.
    pub const ALL: [Self; 8] = [
        Self::New,
        Self::Still,
        Self::Fixed,
        Self::Flaky,
        Self::Removed,
        Self::Expected,
        Self::Surprising,
        Self::NotRun,
    ];

    /// Its name in addresses and answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Still => "still",
            Self::Fixed => "fixed",
            Self::Flaky => "flaky",
            Self::Removed => "removed",
            Self::Expected => "expected",
            Self::Surprising => "surprising",
            Self::NotRun => "notrun",
        }
    }

    /// The group of a name, in whatever case.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|group| group.name().eq_ignore_ascii_case(name))
    }
}

/// What there is to know of one test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Why it is on the list.
    pub group: Group,
    /// The worst state now; of the last failures where it passes or is gone.
    pub state: State,
    /// Positions of the histories that put it in its group.
    pub affected: Vec<usize>,
    /// The first commit of the failures, or the commit of the fix.
    pub since: CommitKey,
    /// The last commit before that.
    pub before: Option<CommitKey>,
    /// Set where it failed before and became worse: the worst state until then.
    pub worsened_from: Option<State>,
    /// Configurations times [`severity`].
    pub impact: usize,
}

/// The finding on one test, from its histories on all its configurations.
pub fn finding(histories: &[History<'_>], question: &Question) -> Option<Finding> {
    let judgements: Vec<Judgement> = histories.iter().map(|history| judge(history, question)).collect();
    finding_of(&judgements.iter().collect::<Vec<_>>(), |index| Cow::Borrowed(histories[index].cells), question)
}

/// The finding on one test, from what [`judge`] says of each of its histories; `cells` gives those of one of them, which few
/// findings need.
///
/// What fails on one configuration is told whatever happens on others: noise elsewhere does not hide it.
pub fn finding_of<'a>(
    judgements: &[&Judgement],
    cells: impl Fn(usize) -> Cow<'a, [Cell]>,
    question: &Question,
) -> Option<Finding> {
    let all = Judged { judgements, cells, question };
    all.failing()
        .or_else(|| all.flaky())
        .or_else(|| all.newest_of(Group::Fixed, |index| all.standing(index) == Standing::Fixed))
        .or_else(|| all.newest_of(Group::Expected, |index| all.became_expected(index)))
        .or_else(|| all.newest_of(Group::Surprising, |index| all.standing(index) == Standing::SurprisingPass))
        .or_else(|| all.newest_of(Group::Removed, |index| all.was_removed_failing(index)))
        .or_else(|| all.newest_of(Group::NotRun, |index| all.went_silent_failing(index)))
}

/// The judgements of one test, with the cells that they are about.
struct Judged<'a, F> {
    judgements: &'a [&'a Judgement],
    cells: F,
    question: &'a Question,
}

impl<'c, F: Fn(usize) -> Cow<'c, [Cell]>> Judged<'_, F> {
    fn standing(&self, index: usize) -> Standing {
        self.judgements[index].standing
    }

    /// Positions of the histories of which something holds.
    fn those(&self, holds: impl Fn(usize) -> bool) -> Vec<usize> {
        (0..self.judgements.len()).filter(|index| holds(*index)).collect()
    }

    /// The worst state of some of the histories.
    fn worst(&self, affected: &[usize]) -> State {
        affected.iter().map(|index| self.judgements[*index].state).min().unwrap_or(State::PASS)
    }

    fn failing(&self) -> Option<Finding> {
        let affected = self.those(|index| self.standing(index).is_failing());
        let new: Vec<usize> = affected.iter().copied().filter(|index| self.standing(*index) == Standing::New).collect();
        let (group, beginning) = if new.is_empty() { (Group::Still, &affected) } else { (Group::New, &new) };
        let (since, before) = self.narrowest(beginning)?;
        let worsened = |index: &usize| self.judgements[*index].worsened.as_ref().map(|worsening| worsening.from);
        let before_worse: Option<Vec<State>> = beginning.iter().map(worsened).collect();
        let worsened_from = before_worse.and_then(|states| states.into_iter().min());
        let state = self.worst(&affected);
        let impact = affected.len() * severity(state);
        Some(Finding { group, state, affected, since, before, worsened_from, impact })
    }

    /// The narrowest range that some failing histories give together.
    fn narrowest(&self, failing: &[usize]) -> Option<(CommitKey, Option<CommitKey>)> {
        let firsts = failing.iter().filter_map(|index| self.judgements[*index].since);
        let passes = failing.iter().flat_map(|index| {
            let worsened = self.judgements[*index].worsened.as_ref();
            let milder = worsened.and_then(|worsening| worsening.range.last_good);
            let cells = if worsened.is_none() { (self.cells)(*index) } else { Cow::default() };
            let passes = cells.iter().filter(|cell| is_calm(cell)).map(|cell| cell.commit);
            passes.chain(milder).collect::<Vec<CommitKey>>()
        });
        blame::narrowest(firsts, passes)
    }

    fn flaky(&self) -> Option<Finding> {
        let affected = self.those(|index| self.standing(index) == Standing::Flaky);
        let since = affected.iter().filter_map(|index| self.judgements[*index].newest_failure).max()?;
        let state = self.worst(&affected);
        let impact = affected.len() * severity(state);
        Some(Finding { group: Group::Flaky, state, affected, since, before: None, worsened_from: None, impact })
    }

    /// A finding about the histories of which something holds, since the newest of their first commits.
    fn newest_of(&self, group: Group, holds: impl Fn(usize) -> bool) -> Option<Finding> {
        let affected = self.those(holds);
        let newest = affected.iter().map(|index| self.judgements[*index]).max_by_key(|judgement| judgement.since)?;
        let (since, before, state) = (newest.since?, newest.before, self.worst(&affected));
        let impact = affected.len() * severity(state);
        Some(Finding { group, state, affected, since, before, worsened_from: None, impact })
    }

    /// Whether a failure that was unexpected is expected since lately.
    fn became_expected(&self, index: usize) -> bool {
        if self.standing(index) != Standing::Expected {
            return false;
        }
        let (since, cells) = (self.judgements[index].since, (self.cells)(index));
        let Some(position) = cells.iter().position(|cell| Some(cell.commit) == since) else { return false };
        let before = cells[..position].iter().rev().find(|cell| cell.runs > 0);
        u64::from(cells[position].first_start) >= self.question.new_since
            && before.is_some_and(|before| before.failed > 0)
    }

    /// Whether a test failed when it last ran, which is too long ago to say that it still fails.
    fn went_silent_failing(&self, index: usize) -> bool {
        self.standing(index) == Standing::NotRunLately && self.judgements[index].state.is_failure()
    }

    /// Whether a test that failed when it last ran is gone since lately.
    fn was_removed_failing(&self, index: usize) -> bool {
        let lately = self.question.now.saturating_sub(self.question.rules.stale_seconds).min(self.question.new_since);
        self.standing(index) == Standing::Removed
            && self.judgements[index].state.is_failure()
            && (self.cells)(index).last().is_some_and(|last| u64::from(last.last_start) >= lately)
    }
}

/// Whether nothing failed unexpectedly.
fn is_calm(cell: &Cell) -> bool {
    matches!(cell.outcome(), Some(Outcome::Good | Outcome::Expected))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::judge::{Glance, is_quiet};
    use crate::notation::{TEXT, day, found};
    use crate::rules::Rules;

    #[test]
    fn a_regression_is_new_for_a_while_and_then_still_fails() {
        let finding = found(&["PPPFF", "PPPPC"], 3).unwrap();
        assert_eq!(
            (finding.group, finding.state, finding.affected.as_slice()),
            (Group::New, State::CRASH, &[0, 1][..])
        );
        // The last pass of any before the first failure of all, on whichever configuration.
        assert_eq!((finding.since, finding.before, finding.impact), (day(4), Some(day(3)), 6));
        assert_eq!(found(&["PPPFFFFFF"], 3).unwrap().group, Group::Still);
        // Nothing is known of before, so that nothing is known to be new.
        assert_eq!(found(&["FF"], 3).unwrap().group, Group::Still);
    }

    #[test]
    fn a_failure_that_spreads_is_new_where_it_arrived() {
        let finding = found(&["PPFFFFFFFF", "PPPPPPPPPF"], 3).unwrap();
        assert_eq!((finding.group, finding.since, finding.before), (Group::New, day(10), Some(day(9))));
        assert_eq!(finding.affected, [0, 1]);
    }

    #[test]
    fn two_failures_and_a_pass_are_a_fix_and_one_failure_is_noise() {
        let finding = found(&["PPFFP"], 3).unwrap();
        assert_eq!((finding.group, finding.since, finding.before), (Group::Fixed, day(5), Some(day(4))));
        assert_eq!(found(&["PPPFP"], 3), None);
        assert_eq!(found(&["FFPPPPPPPP"], 3), None);
    }

    #[test]
    fn noise_on_one_configuration_does_not_hide_a_failure_on_another() {
        assert_eq!(found(&["PFPFP"], 3).unwrap().group, Group::Flaky);
        let finding = found(&["PFPFP", "PFPPF", "PPPPC"], 3).unwrap();
        assert_eq!((finding.group, finding.state, finding.affected.as_slice()), (Group::New, State::CRASH, &[2][..]));
        // What failed three weeks ago does not fail now, and nobody knows that it passes.
        let silent = found(&["PPPPPPPPPPPPPPPPPPPPPP", "FF"], 3).unwrap();
        assert_eq!((silent.group, silent.affected.as_slice()), (Group::NotRun, &[1][..]));
    }

    #[test]
    fn a_worse_failure_is_new_again() {
        let finding = found(&["PPFFFFFFFFCC", "PPFFFFFFFFFF"], 3).unwrap();
        assert_eq!((finding.group, finding.since, finding.before), (Group::New, day(11), Some(day(10))));
        assert_eq!((finding.state, finding.worsened_from), (State::CRASH, Some(State::at(TEXT))));
        assert_eq!(found(&["PPFFFFFFFFFF"], 3).unwrap().worsened_from, None);
    }

    #[test]
    fn what_is_expected_or_gone_is_not_fixed() {
        assert_eq!(found(&["PPFFEE"], 3).unwrap().group, Group::Expected);
        assert_eq!(found(&["PPFFEEEEEE"], 3), None);
        assert_eq!(found(&["PPPPEE"], 3), None);
        assert_eq!(found(&["EEES"], 3).unwrap().group, Group::Surprising);
        let gone = found(&["PPPPPPFFFF......"], 3).unwrap();
        assert_eq!((gone.group, gone.since, gone.state), (Group::Removed, day(10), State::at(TEXT)));
        assert_eq!(found(&["PPPPPPPPPP......"], 3), None);
    }

    #[test]
    fn what_failed_and_did_not_run_since_is_a_list_of_its_own() {
        let silent = found(&["P.P.PF.........", "PPPPPPPPPPPPPPP"], 3).unwrap();
        assert_eq!((silent.group, silent.since, silent.state), (Group::NotRun, day(6), State::at(TEXT)));
        assert_eq!(silent.affected, [0]);
        assert_eq!(found(&["P.P.PP........."], 3), None);
    }

    proptest! {
        #[test]
        fn whoever_passes_always_is_never_found(lengths in prop::collection::vec(0usize..20, 0..5)) {
            let rows: Vec<String> = lengths.iter().map(|length| "P".repeat(*length)).collect();
            let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
            prop_assert_eq!(found(&rows, 0), None);
        }

        #[test]
        fn one_more_configuration_that_passes_changes_nothing(row in "[PFCMRES.]{1,20}") {
            let (alone, beside) = (found(&[&row], 2), found(&[&row, &"P".repeat(row.len())], 2));
            prop_assert_eq!(alone, beside);
        }

        #[test]
        fn a_quiet_configuration_changes_nothing(row in "[PFCMRES.]{1,20}", quiet in "P{0,9}[PFRMES.][PES.]{0,9}P") {
            let failing_runs = quiet.chars().filter(|letter| "FRM".contains(*letter)).count() as u32;
            let glance = Glance { passes_now: true, failing_runs };
            prop_assert!(is_quiet(glance, &Rules::default()));
            prop_assert_eq!(found(&[&quiet], 2), None);
            // Both end on the same day.
            let days = row.len().max(quiet.len());
            let (row, quiet) = (format!("{row:.>days$}"), format!("{quiet:.>days$}"));
            prop_assert_eq!(found(&[&row], 2), found(&[&row, &quiet], 2));
        }

        #[test]
        fn a_noisy_configuration_does_not_hide_a_failure(noise in "[PF]{12}", row in "[PF]{12}") {
            let alone = found(&[&row], 3).filter(|finding| matches!(finding.group, Group::New | Group::Still));
            if let Some(alone) = alone {
                let beside = found(&[&row, &noise], 3).unwrap();
                prop_assert!(matches!(beside.group, Group::New | Group::Still) && beside.affected.contains(&0));
                prop_assert!(alone.group == Group::Still || beside.group == Group::New);
            }
        }
    }
}
