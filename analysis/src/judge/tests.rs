#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use schema::ids::CommitKey;
use schema::seconds::{DAY, WEEK};
use schema::state::State;

use super::{BlameRange, Judgement, Question, Standing, judge};
use crate::history::{Cell, History};
use crate::notation::{TEXT, cells, day, judged, question};

fn blame(first_bad: u64, last_good: impl Into<Option<u64>>) -> Option<BlameRange> {
    Some(BlameRange { last_good: last_good.into().map(day), first_bad: day(first_bad) })
}

fn standing(text: &str) -> Standing {
    judged(text).standing
}

#[test]
fn only_cells_that_exist_are_judged() {
    // The histories of a case in which runs without the test had been taken for its passes.
    assert_eq!(judged("PPFFFF").blame, blame(3, 2));
    assert_eq!(judged("PPFFF.").blame, blame(3, 2));
    assert_eq!(judged("PPFF.F").blame, blame(3, 2));
    assert_eq!(judged("F.F.F.F").blame, blame(1, None));
    for text in ["PPFFFF", "PPFFF.", "PPFF.F", "F.F.F.F"] {
        assert!(standing(text).is_failing(), "{text}");
    }
    assert_eq!(standing("F.F.F.F"), Standing::Failing);
    assert_eq!(standing(""), Standing::NotRunLately);
    assert_eq!(standing("...."), Standing::NotRunLately);
}

#[test]
fn a_failure_is_new_by_when_it_ran_and_old_if_nothing_was_before() {
    assert_eq!(standing("PPPFF"), Standing::New);
    assert_eq!(standing("PPPFFFFFF"), Standing::Failing);
    assert_eq!(standing("FF"), Standing::Failing);
    assert_eq!(standing("MF"), Standing::Failing);
    // A commit of four weeks ago that was tested now for the first time.
    let mut late = cells("PPF");
    let now = 30 * DAY;
    (late[1].last_start, late[2].first_start, late[2].last_start) = (now as u32, now as u32, now as u32);
    let question = Question { now, new_since: now - DAY, rules: crate::rules::Rules::default() };
    assert_eq!(judge(&History { cells: &late, commits: 3 }, &question).standing, Standing::New);
}

#[test]
fn both_ways_on_the_newest_commit_is_flaky_until_another_is_tested() {
    for text in ["PPPM", "PPPR", "FFFFM"] {
        assert_eq!(standing(text), Standing::Flaky, "{text}");
    }
    assert_eq!(standing("PPPMP"), Standing::Passing);
    // It is neither the first bad commit nor the last good one.
    assert_eq!(judged("PPPMF").blame, blame(5, 3));
    assert_eq!(judged("PPFMF").blame, blame(3, 2));
    assert_eq!(standing("RRRRRR"), Standing::Flaky);
    assert_eq!(judged("RRRRRR").evidence.retries, 6);
}

#[test]
fn a_fix_needs_failures_before_and_passes_after() {
    let fixed = judged("PPFFP");
    assert_eq!((fixed.standing, fixed.since, fixed.before), (Standing::Fixed, Some(day(5)), Some(day(4))));
    assert_eq!(fixed.state, State::at(TEXT));
    assert_eq!(standing("PPPFP"), Standing::Passing);
    assert_eq!(standing("FFPPPPPPPPP"), Standing::Passing);
    assert_eq!(standing("PPFFE"), Standing::Expected);
    assert_eq!(standing("PPFFEEP"), Standing::Fixed);
    assert_eq!(standing("PPEEP"), Standing::Passing);
    // The suite goes on without the test.
    let gone = judged("PPPPFFFF..........");
    assert_eq!((gone.standing, gone.state), (Standing::Removed, State::at(TEXT)));
}

#[test]
fn expectations_have_standings_of_their_own() {
    assert_eq!(judged("EEES").standing, Standing::SurprisingPass);
    assert_eq!(judged("EEESS").since, Some(day(4)));
    assert_eq!(judged("PPFFEE").since, Some(day(5)));
    assert_eq!(judged("EEEE").state, State::at(TEXT));
    // The expectation went, the failure did not: it is as old as before.
    assert_eq!(judged("PPFFFFFFEEFF").blame, blame(3, 2));
    assert_eq!(standing("PPFFFFFFEEFF"), Standing::Failing);
    // A crash is no failure that was expected.
    assert_eq!((judged("EEEEC").blame, standing("EEEEC")), (blame(5, 4), Standing::New));
    assert_eq!(standing("ECECEC"), Standing::Flaky);
}

#[test]
fn a_gap_removes_a_test_only_if_it_is_unusual() {
    assert_eq!(standing("PPPPPPPP...."), Standing::Passing);
    assert_eq!(standing("PPPPPPPPPP......"), Standing::Removed);
    assert_eq!(standing("P...P...P...P...P...P......"), Standing::Passing);
    assert_eq!(standing("P......."), Standing::Passing);
    assert_eq!(standing("P........"), Standing::NotRunLately);
    let alone = judge(&History { cells: &cells("PPPPPPPPPP"), commits: 10 }, &question("PPPPPPPPPP.......", 3));
    assert_eq!(alone.standing, Standing::Passing);
}

#[test]
fn lately_is_when_it_ran_whatever_the_age_of_the_commit() {
    let mut nightly = cells("P");
    let asked = super::Question { now: 41 * DAY, ..question("P", 3) };
    let of = |cells: &[Cell]| judge(&History { cells, commits: 1 }, &asked).standing;
    assert_eq!(of(&nightly), Standing::NotRunLately);
    (nightly[0].runs, nightly[0].last_start) = (40, 40 * DAY as u32);
    assert_eq!(of(&nightly), Standing::Passing);
    (nightly[0].failed, nightly[0].unrecovered) = (2, 2);
    assert_eq!(of(&nightly), Standing::Flaky);
    nightly[0].last_start = ((41 * DAY) - WEEK) as u32;
    assert_eq!(of(&nightly), Standing::Flaky);
}

#[test]
fn changes_back_and_forth_are_flaky_until_enough_clean_commits() {
    for text in ["PFPPF", "PFPF", "FPFP", "PMPMP", "PFPPFP"] {
        assert_eq!(standing(text), Standing::Flaky, "{text}");
    }
    assert_eq!(standing("FPF"), Standing::New);
    assert_eq!(standing("PPFFPP"), Standing::Fixed);
    assert_eq!(standing(&format!("PFPFPF{}", "P".repeat(9))), Standing::Flaky);
    assert_eq!(standing(&format!("PFPFPF{}", "P".repeat(20))), Standing::Passing);
    // A rare failure takes longer to be gone.
    let rare = format!("{}F{}F{}", "P".repeat(50), "P".repeat(50), "P".repeat(20));
    assert_eq!(standing(&rare), Standing::Flaky);
}

#[test]
fn noise_of_the_past_does_not_hide_a_regression() {
    let flaky = "PPPFPPPPPPFPPPPFPPPPPPPFPPPP";
    assert_eq!(standing(flaky), Standing::Flaky);
    assert_eq!(standing(&format!("{flaky}F")), Standing::Flaky);
    let broken = judged(&format!("{flaky}FFFFFF"));
    assert!(broken.standing.is_failing());
    assert_eq!(broken.blame, blame(29, 28));
    // A clean past does not either.
    let clean = judged(&format!("{}FFF", "P".repeat(200)));
    assert_eq!((clean.standing, clean.blame), (Standing::New, blame(201, 200)));
    assert_eq!(clean.segments.len(), 2);
}

#[test]
fn a_worse_failure_is_news() {
    let worse = judged("PPFFFFFFFFCC");
    assert_eq!((worse.standing, worse.since, worse.before), (Standing::New, Some(day(11)), Some(day(10))));
    let worsening = worse.worsened.unwrap();
    assert_eq!((worsening.from, Some(worsening.range)), (State::at(TEXT), blame(11, 10)));
    // Where it began to fail is still known.
    assert_eq!(worse.blame, blame(3, 2));
    // Milder again, or now this and now that, is no news.
    for text in ["PPCCCCCCFF", "PPCFCFCFCC", "PPFFFFFFFF"] {
        let judgement = judged(text);
        assert_eq!((judgement.standing, judgement.worsened), (Standing::Failing, None), "{text}");
    }
}

#[test]
fn names_are_those_of_answers() {
    for standing in [Standing::New, Standing::NotRunLately, Standing::Removed, Standing::SurprisingPass] {
        assert_eq!(serde_json::to_value(standing).unwrap(), standing.name());
    }
}

fn any_history() -> impl Strategy<Value = String> {
    prop_oneof!["[PF.]{0,40}", "[PFCMRES.]{0,30}", "P{0,60}F{0,20}[PF]{0,10}", "[PPPPPPPPPF]{0,80}F{0,12}"]
}

/// Judged so that neither age nor absence decides.
fn recent(text: &str) -> Judgement {
    let cells = cells(text);
    let commits = cells.last().map_or(0, |cell| cell.position + 1);
    let now = cells.last().map_or(0, |cell| u64::from(cell.last_start));
    let question = Question { now, new_since: 0, ..question(text, 3) };
    judge(&History { cells: &cells, commits }, &question)
}

proptest! {
    #[test]
    fn gaps_change_nothing_but_positions(text in any_history()) {
        let dense: String = text.chars().filter(|letter| *letter != '.').collect();
        let (sparse, dense) = (recent(&text), recent(&dense));
        prop_assert_eq!(sparse.state, dense.state);
        prop_assert_eq!(sparse.standing.is_failing(), dense.standing.is_failing());
        prop_assert_eq!(sparse.standing == Standing::Flaky, dense.standing == Standing::Flaky);
        prop_assert_eq!(sparse.evidence, dense.evidence);
    }

    #[test]
    fn an_ongoing_failure_does_not_move_when_it_fails_again(text in any_history(), more in 1usize..30) {
        let before = judged(&text);
        if before.standing.is_failing() {
            let last = if text.trim_end_matches('.').ends_with('C') { "C" } else { "F" };
            let after = judged(&format!("{text}{}", last.repeat(more)));
            prop_assert!(after.standing.is_failing());
            prop_assert_eq!(after.blame, before.blame);
            prop_assert_eq!(after.since, before.since);
        }
    }

    #[test]
    fn an_ongoing_failure_does_not_move_when_time_passes(text in any_history(), days in 0u64..7) {
        let before = recent(&text);
        let cells = cells(&text);
        let commits = cells.last().map_or(0, |cell| cell.position + 1);
        let newest = cells.last().map_or(0, |cell| u64::from(cell.last_start));
        let later = super::Question { now: newest + days * DAY, new_since: newest, ..question(&text, 3) };
        let after = judge(&History { cells: &cells, commits }, &later);
        prop_assert_eq!((after.since, after.blame), (before.since, before.blame));
        prop_assert_eq!(after.standing.is_failing(), before.standing.is_failing());
    }

    #[test]
    fn an_ongoing_failure_does_not_move_for_passes_before_it(text in any_history(), more in 1usize..60) {
        let before = recent(&text);
        // What was known to pass before stays the last good commit, however much more is known.
        if before.standing.is_failing() && before.blame.is_some_and(|blame| blame.last_good.is_some()) {
            let after = recent(&format!("{}{text}", "P".repeat(more)));
            if after.standing.is_failing() {
                let moved = |commit: CommitKey| day(commit.time() / DAY + more as u64);
                prop_assert_eq!(after.blame.map(|blame| blame.first_bad), before.blame.map(|blame| moved(blame.first_bad)));
                prop_assert_eq!(
                    after.blame.and_then(|blame| blame.last_good),
                    before.blame.and_then(|blame| blame.last_good).map(moved)
                );
            }
        }
    }

    #[test]
    fn a_blame_range_holds_no_pass(text in any_history()) {
        let cells = cells(&text);
        if let Some(range) = judged(&text).blame {
            prop_assert!(range.last_good < Some(range.first_bad));
            let passed = |cell: &Cell| cell.failed == 0 && cell.expected_failures == 0;
            let is_inside = |cell: &&Cell| Some(cell.commit) > range.last_good && cell.commit <= range.first_bad;
            prop_assert!(!cells.iter().filter(is_inside).any(passed));
            prop_assert!(!cells.iter().filter(|cell| cell.commit > range.first_bad).any(passed));
        }
    }

    #[test]
    fn what_never_fails_is_never_bad(text in "[PSE.]{0,60}") {
        let judgement = judged(&text);
        prop_assert!(!judgement.standing.is_failing() && judgement.standing != Standing::Flaky);
        prop_assert!(judgement.standing != Standing::Fixed && judgement.segments.len() <= 1);
    }

    #[test]
    fn segments_are_the_cells_in_order(text in any_history()) {
        let cells = cells(&text);
        let segments = judged(&text).segments;
        prop_assert_eq!(segments.first().map(|segment| segment.first), cells.first().map(|cell| cell.commit));
        prop_assert_eq!(segments.last().map(|segment| segment.last), cells.last().map(|cell| cell.commit));
        prop_assert_eq!(segments.iter().map(|segment| segment.evidence.cells as usize).sum::<usize>(), cells.len());
        for pair in segments.windows(2) {
            let range = pair[1].change.unwrap();
            prop_assert!(pair[0].last < pair[1].first && pair[1].first <= pair[1].last);
            prop_assert!(range.last_good.unwrap() < pair[1].first && pair[1].first <= range.first_bad);
        }
    }
}

proptest! {
    /// The cells of flaky stretches have, together, what the judgement counts of them.
    #[test]
    fn flaky_cells_are_those_that_the_judgement_counts(text in "[PFMRE.]{0,60}|P{5,20}F{5,20}[PF]{0,40}") {
        let (mut cells, judgement) = (cells(&text), judged(&text));
        let rules = crate::rules::Rules::default();
        // A cell without a run says nothing, wherever it is.
        if let Some(first) = cells.first().copied() {
            cells.insert(0, Cell { runs: 0, ..first });
        }
        let inside: Vec<Cell> = judgement.flaky_cells(&cells, &rules).copied().collect();
        let counted = judgement.flaky_evidence(&rules);
        let counted = counted.fold((0, 0, 0), |sums, one| {
            (sums.0 + one.cells as usize, sums.1 + one.runs, sums.2 + one.unexpected)
        });
        let sum = |of: fn(&Cell) -> u32| inside.iter().map(of).sum::<u32>();
        prop_assert_eq!((inside.len(), sum(|cell| cell.runs), sum(|cell| cell.failed)), counted);
        prop_assert!(inside.windows(2).all(|pair| pair[0].position < pair[1].position));
    }

    /// What fails now, and is not flaky, is no flakiness: neither are its failures, nor is its beginning.
    #[test]
    fn a_failure_that_goes_on_is_not_charged(before in "P{8,12}(F{3,4}P{8,12})?", failures in 8usize..14) {
        let text = format!("{before}{}", "F".repeat(failures));
        let (cells, judgement) = (cells(&text), judged(&text));
        let rules = crate::rules::Rules::default();
        prop_assert!(judgement.standing.is_failing());
        prop_assert_eq!(judgement.flaky_cells(&cells, &rules).count(), 0);
        // Nor is it once the test did not run for so long that nobody knows whether it fails.
        let asked = question(&text, 3);
        let late = Question { now: asked.now + 10 * rules.stale_seconds, ..asked };
        let history = History { cells: &cells, commits: cells.len() as u32 };
        let judgement = judge(&history, &late);
        prop_assert_eq!(judgement.standing, Standing::NotRunLately);
        prop_assert_eq!(judgement.flaky_cells(&cells, &rules).count(), 0);
    }
}
