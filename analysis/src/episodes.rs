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
pub use crate::mending::CERTAIN;
use crate::mending::{MOST_RERUNS, Unmended};
use crate::rules::Rules;

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
    /// Runs that passed since the fix. One that failed as expected is none.
    pub passes: u32,
    /// The chance that a test that is not fixed would have failed in them.
    #[schemars(range(min = 0, max = 1))]
    pub certainty: f64,
    /// Further runs that have to pass until that is [`CERTAIN`]; 0 once it is. So many at most are asked for.
    pub reruns: u32,
}

/// What came of the failures of a test.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct Aftermath {
    /// Of a failing test, the times that it failed before and was fixed in the weeks that verdicts are made from, the newest first.
    pub earlier: Vec<Episode>,
    /// Of a test that was fixed, or that is flaky, how well it is known that it does not fail any more.
    pub fix: Option<FixHolds>,
}

impl Aftermath {
    /// That of the cells that a test was judged by.
    pub fn of(judgement: &Judgement, cells: &[Cell], rules: &Rules) -> Self {
        let earlier = if judgement.standing.is_failing() { earlier(cells, rules) } else { Vec::new() };
        Self { earlier, fix: fix_holds(judgement, cells) }
    }
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
    let cells = with_runs(cells);
    let (before, since) = cells.split_at(cells.len() - clean(&cells));
    let begun = match judgement.standing {
        Standing::Fixed => begun(before),
        Standing::Flaky => first_since(judgement, before),
        _ => return None,
    };
    let unmended = counted(&before[begun..]);
    let passes = counted(since).runs;
    let reruns = unmended.reruns(passes, CERTAIN).unwrap_or(MOST_RERUNS);
    Some(FixHolds { passes, certainty: unmended.certainty(passes), reruns })
}

/// How often a test fails that nobody has mended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HowOften {
    /// Its runs, without those that failed as expected: these say nothing of a failure that nobody expects.
    pub unmended: Unmended,
    /// Those that failed as expected.
    pub expected_failures: u32,
}

impl HowOften {
    fn of(runs: u32, failed: u32, expected_failures: u32) -> Self {
        Self { unmended: Unmended { runs: runs.saturating_sub(expected_failures), failed }, expected_failures }
    }
}

/// How often a test fails that nobody has mended, from the cells that it was judged by: since its failure began, or where it is
/// flaky or passes, since its behaviour changed last. Of a test that was fixed, how often it failed until then.
pub fn unmended(judgement: &Judgement, cells: &[Cell], rules: &Rules) -> HowOften {
    let cells = with_runs(cells);
    match judgement.standing {
        Standing::Fixed => {
            let before = &cells[..cells.len() - clean(&cells)];
            how_often(&before[begun(before)..])
        }
        Standing::New | Standing::Failing => how_often(&cells[first_since(judgement, &cells)..]),
        _ => how_often(&cells[changed_last(judgement, &cells, rules)..]),
    }
}

/// The first cell since a test that does not fail changed its behaviour last. From its first failure on a flaky test would seem
/// to fail more often than it does, so that it is counted from where the stretch begins that is flaky.
fn changed_last(judgement: &Judgement, cells: &[&Cell], rules: &Rules) -> usize {
    let segment = cells.len().saturating_sub(judgement.evidence.cells as usize);
    let newest = judgement.segments.len().checked_sub(1);
    let was_flaky = newest.is_some_and(|newest| judgement.was_flaky(newest, rules));
    // What ended may be too short for a change point.
    let ended = match judgement.standing {
        _ if !was_flaky => after_last_failure(cells, rules.fixed_after),
        Standing::Flaky | Standing::NotRunLately | Standing::Removed => 0,
        _ => cells.len() - clean(cells),
    };
    segment.max(ended)
}

/// The first cell after the last failure that ended: one of so many commits in a row that later passes are a fix.
fn after_last_failure(cells: &[&Cell], fixed_after: u32) -> usize {
    let (mut bad, mut ended) = (0, 0);
    for (index, cell) in cells.iter().enumerate() {
        match cell.outcome() {
            Some(Outcome::Bad) => bad += 1,
            Some(Outcome::Good) => {
                if bad >= fixed_after {
                    ended = index;
                }
                bad = 0;
            }
            Some(Outcome::BothWays | Outcome::Expected) | None => {}
        }
    }
    ended
}

fn with_runs(cells: &[Cell]) -> Vec<&Cell> {
    cells.iter().filter(|cell| cell.runs > 0).collect()
}

/// How many of the newest cells have no failure.
fn clean(cells: &[&Cell]) -> usize {
    cells.iter().rev().take_while(|cell| cell.failed == 0).count()
}

/// The first of the failing cells at the end.
fn begun(cells: &[&Cell]) -> usize {
    cells.iter().rposition(|cell| cell.failed == 0).map_or(0, |good| good + 1)
}

/// The first cell of what a standing says.
fn first_since(judgement: &Judgement, cells: &[&Cell]) -> usize {
    cells.iter().position(|cell| Some(cell.commit) >= judgement.since).unwrap_or(0)
}

fn counted(cells: &[&Cell]) -> Unmended {
    how_often(cells).unmended
}

fn how_often(cells: &[&Cell]) -> HowOften {
    let sum = |count: fn(&Cell) -> u32| cells.iter().map(|cell| count(cell)).sum();
    HowOften::of(sum(|cell| cell.runs), sum(|cell| cell.failed), sum(|cell| cell.expected_failures))
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

    #[test]
    fn what_nobody_has_mended_fails_as_often_as_it_did_since_it_began() {
        let of = |text: &str| {
            let Unmended { runs, failed } = unmended(&judged(text), &cells(text), &Rules::default()).unmended;
            (runs, failed)
        };
        assert_eq!((of("PPPPFFF"), of("FFFF"), of("PPFFP")), ((3, 3), (4, 4), (2, 2)));
        // Passes since its last failure belong to a flaky test.
        assert_eq!(of("PFPPFPPFPPFPP"), (13, 4));
        assert_eq!((of("PPPP"), of("....")), ((4, 0), (0, 0)));
    }

    #[test]
    fn what_passes_is_counted_since_a_failure_ended_and_not_since_an_exception() {
        let of = |text: &str| {
            let judgement = judged(text);
            let HowOften { unmended: Unmended { runs, failed }, .. } =
                unmended(&judgement, &cells(text), &Rules::default());
            (judgement.standing, runs, failed)
        };
        let row = |letter: &str, length: usize| letter.repeat(length);
        // Too short for change points of its own, and longer than noise.
        let fixed = format!("{}{}{}", row("P", 10), row("F", 8), row("P", 12));
        assert_eq!(of(&fixed), (Standing::Passing, 12, 0));
        assert_eq!(of("PPPPPPPPFFPPPPPP"), (Standing::Passing, 6, 0));
        // One commit is noise, before a fix or after it.
        assert_eq!(of("PPPPPPPPPFPPPPPP"), (Standing::Passing, 16, 1));
        let noise = format!("{}{}{}F{}", row("P", 60), row("F", 6), row("P", 60), row("P", 5));
        assert_eq!(of(&noise), (Standing::Passing, 66, 1));
        // What was flaky has changed where it recovered.
        assert_eq!(of(&format!("PFPPFPPFPPFPP{}", row("P", 20))), (Standing::Passing, 22, 0));
    }

    #[test]
    fn an_expected_failure_is_neither_a_pass_nor_a_failure() {
        let of = |text: &str| {
            let HowOften { unmended, expected_failures } = unmended(&judged(text), &cells(text), &Rules::default());
            (unmended.runs, unmended.failed, expected_failures)
        };
        assert_eq!((of("PEPEPE"), of("EEEE")), ((3, 0, 3), (0, 0, 4)));
        assert_eq!(of("PFPPFPPFPPFPP"), (13, 4, 0));
        assert_eq!(of("PFEPPFPPFPEPFPP"), (13, 4, 2));
        // Nor is it evidence for a fix.
        let fix = |text: &str| fix_holds(&judged(text), &cells(text)).unwrap();
        assert_eq!(fix("PFPPFPPFPPFPEP"), fix("PFPPFPPFPPFPP"));
    }

    proptest! {
        #[test]
        fn what_is_counted_of_a_history_is_no_more_than_it_has(text in "[PFCMRES.]{0,30}") {
            let (cells, judgement) = (cells(&text), judged(&text));
            let HowOften { unmended: Unmended { runs, failed }, expected_failures } =
                unmended(&judgement, &cells, &Rules::default());
            let whole = how_often(&with_runs(&cells));
            prop_assert!(failed <= runs && runs <= whole.unmended.runs && failed <= whole.unmended.failed);
            prop_assert!(expected_failures <= whole.expected_failures);
            if judgement.standing.is_failing() || matches!(judgement.standing, Standing::Flaky | Standing::Fixed) {
                prop_assert!(failed > 0, "{:?} of {}", judgement.standing, text);
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
