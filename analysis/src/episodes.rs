//! What came of earlier failures of a test: whether one that was fixed came back, and with what certainty a fix holds.
//!
//! A failure is an episode: commits in a row on which the test fails, between commits on which it does not. One that comes back
//! is the same failure again, and both episodes belong together.

use schema::ids::CommitKey;
use schema::state::State;
use schemars::JsonSchema;
use serde::Serialize;

use crate::history::{Cell, Outcome};
use crate::judge::{Judgement, Standing, ended_before};
use crate::rules::Rules;

/// The certainty that a fix is asked for.
pub const CERTAIN: f64 = 0.95;
/// Reruns that are asked for at most; who needs more than that has a failure too rare to be shown gone by reruns.
const MAX_RERUNS: u32 = 1000;

/// A failure that was fixed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Episode {
    /// Its first commit.
    pub since: CommitKey,
    /// The commit that fixed it, as it seemed.
    pub fixed: CommitKey,
    /// Its worst state when it was fixed.
    pub state: State,
    /// Commits on which it failed.
    pub failed: u32,
    /// Commits in a row on which the test passed then.
    pub passed: u32,
}

/// How well it is known that a test that failed does not fail any more.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct FixHolds {
    /// Runs since the fix, all of which passed.
    pub passes: u32,
    /// The chance that a test that is not fixed would have failed in them.
    #[schemars(range(min = 0, max = 1))]
    pub certainty: f64,
    /// Further runs that have to pass until that is [`CERTAIN`]; 0 once it is. So many at most are asked for.
    pub reruns: u32,
}

/// The episodes of a failing test before the one that goes on, the newest first: none where it fails for the first time in this
/// history. Each failed on enough commits to count as fixed after it.
pub fn earlier(cells: &[Cell], rules: &Rules) -> Vec<Episode> {
    let cells: Vec<Cell> = cells.iter().filter(|cell| cell.runs > 0).copied().collect();
    let is_good = |cell: &Cell| cell.outcome() == Some(Outcome::Good);
    let mut found = Vec::new();
    let mut end = cells.len();
    // The newest commits fail: what is told begins behind them.
    if cells.last().is_none_or(|newest| newest.outcome() != Some(Outcome::Bad)) {
        return found;
    }
    while let Some(last_good) = cells[..end].iter().rposition(is_good) {
        let passed = cells[..=last_good].iter().rev().take_while(|cell| is_good(cell)).count();
        let first_good = last_good + 1 - passed;
        let begun = cells[..first_good].iter().rposition(is_good).map_or(0, |good| good + 1);
        if let Some(failure) = ended_before(&cells, first_good).filter(|failure| failure.bad >= rules.fixed_after) {
            let first_bad = cells[begun..first_good].iter().find(|cell| cell.outcome() == Some(Outcome::Bad));
            found.extend(first_bad.map(|first_bad| Episode {
                since: first_bad.commit,
                fixed: cells[first_good].commit,
                state: failure.state,
                failed: failure.bad,
                passed: passed as u32,
            }));
        }
        end = first_good;
    }
    found
}

/// How well it is known that a test was fixed, from the cells that it was judged by; none unless it is fixed, or flaky. What is
/// flaky has passed since its last failure.
pub fn fix_holds(judgement: &Judgement, cells: &[Cell]) -> Option<FixHolds> {
    let cells: Vec<&Cell> = cells.iter().filter(|cell| cell.runs > 0).collect();
    let clean = cells.iter().rev().take_while(|cell| cell.failed == 0).count();
    let (before, since) = cells.split_at(cells.len() - clean);
    let begun = match judgement.standing {
        Standing::Fixed => before.iter().rposition(|cell| cell.failed == 0).map_or(0, |good| good + 1),
        Standing::Flaky => before.iter().position(|cell| Some(cell.commit) >= judgement.since).unwrap_or(0),
        _ => return None,
    };
    let runs = |cells: &[&Cell]| cells.iter().map(|cell| cell.runs).sum::<u32>();
    let failed: u32 = before[begun..].iter().map(|cell| cell.failed).sum();
    let whole = runs(&before[begun..]);
    Some(certainty(whole.saturating_sub(failed), whole, runs(since)))
}

/// What so many passes are worth after `whole` runs of which `passed` passed.
///
/// The chance of a row of passes, if nothing was fixed, is that of the predictive distribution of a rate whose prior is that of
/// Jeffreys, Beta(1/2, 1/2): the product of (passed + i + 1/2) / (whole + i + 1).
fn certainty(passed: u32, whole: u32, passes: u32) -> FixHolds {
    let step = |index: u32| (f64::from(passed + index) + 0.5) / (f64::from(whole + index) + 1.0);
    let chance: f64 = (0..passes).map(step).product();
    let (mut reruns, mut left) = (0, chance);
    while left > 1.0 - CERTAIN && reruns < MAX_RERUNS {
        left *= step(passes + reruns);
        reruns += 1;
    }
    FixHolds { passes, certainty: 1.0 - chance, reruns }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::notation::{TEXT, cells, day, judged};

    fn told(text: &str) -> Vec<(CommitKey, CommitKey, u32, u32)> {
        let episodes = earlier(&cells(text), &Rules::default());
        episodes.into_iter().map(|it| (it.since, it.fixed, it.failed, it.passed)).collect()
    }

    #[test]
    fn a_failure_that_comes_back_has_its_former_episodes() {
        assert_eq!(told("PPFFPPPFF"), [(day(3), day(5), 2, 3)]);
        assert_eq!(told("FFFPFFPPF"), [(day(5), day(7), 2, 2), (day(1), day(4), 3, 1)]);
        assert_eq!(earlier(&cells("PPFFPPPFF"), &Rules::default())[0].state, State::at(TEXT));
        // It fails for the first time, it was noise, or it passes.
        for text in ["PPPFFF", "FFFF", "PPFPPPFF", "PPFFPPP", "", "..."] {
            assert_eq!(told(text), [], "{text}");
        }
        // What went both ways belongs to the failure, and what did not run says nothing.
        assert_eq!(told("PF.MFPP.F"), [(day(2), day(6), 2, 2)]);
    }

    #[test]
    fn a_fix_is_the_surer_the_more_runs_passed() {
        let of = |text: &str| fix_holds(&judged(text), &cells(text)).unwrap();
        let one = of("PPFFP");
        // 0.5 / 3, and then 1.5 / 4 and 2.5 / 5.
        assert!((one.certainty - (1.0 - 0.5 / 3.0)).abs() < 1e-12);
        assert_eq!((one.passes, one.reruns), (1, 2));
        assert_eq!(of("PPFFPPP").reruns, 0);
        // Whoever fails in one run of three needs more of them.
        let flaky = of("PFPPFPPFPPFPP");
        assert_eq!(flaky.passes, 2);
        assert!(flaky.reruns >= 4 && flaky.certainty < 0.7, "{flaky:?}");
        assert_eq!(fix_holds(&judged("PPPP"), &cells("PPPP")), None);
        assert_eq!(fix_holds(&judged("PPFF"), &cells("PPFF")), None);
    }

    proptest! {
        #[test]
        fn reruns_that_are_asked_for_suffice_and_one_less_does_not(passed in 0_u32..40, failed in 1_u32..40, passes in 0_u32..20) {
            let (whole, holds) = (passed + failed, certainty(passed, passed + failed, passes));
            prop_assert!((0.0..=1.0).contains(&holds.certainty));
            prop_assume!(holds.reruns < MAX_RERUNS);
            prop_assert!(certainty(passed, whole, passes + holds.reruns).certainty >= CERTAIN);
            if holds.reruns > 0 {
                prop_assert!(certainty(passed, whole, passes + holds.reruns - 1).certainty < CERTAIN);
            }
        }

        #[test]
        fn episodes_lie_behind_each_other_and_end_before_what_fails_now(text in "[PFCMRES.]{0,30}") {
            let found = earlier(&cells(&text), &Rules::default());
            for pair in found.windows(2) {
                prop_assert!(pair[1].fixed <= pair[0].since);
            }
            for episode in &found {
                prop_assert!(episode.since < episode.fixed && episode.passed > 0);
                prop_assert!(episode.failed >= Rules::default().fixed_after);
            }
        }
    }
}
