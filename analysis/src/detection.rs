//! When a failure was found: the first of its commits with which the rule of verdicts calls the test failing.
//!
//! A failure begins where the test fails after a commit on which it passed, and it is one if the test goes on to fail on as many
//! commits as make later passes a fix: fewer are noise. It is judged as it would have been then, from the commits up to each, of
//! as many weeks as verdicts are made from. A failure that the rule never tells from flakiness was never found, and is none.

use schema::seconds::WEEK;

use crate::history::{Cell, History, Outcome};
use crate::judge::{Question, judge};
use crate::rules::Rules;

/// Verdicts are made from the runs that started within so many seconds.
const JUDGED: u64 = 4 * WEEK;
/// Commits of one history that are judged, those of its newest failures first.
const MAX_JUDGED: usize = 40;

/// A failure that the rule found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FoundFailure {
    /// Its first commit.
    pub first: Cell,
    /// The commit with which the rule calls the test failing; often the same.
    pub found: Cell,
}

/// The failures in a history whose first run started at a time or later, seconds since 1970; the newest first.
pub fn found_failures(cells: &[Cell], since: u64, rules: &Rules) -> Vec<FoundFailure> {
    let cells: Vec<Cell> = cells.iter().filter(|cell| cell.runs > 0).copied().collect();
    let mut left = MAX_JUDGED;
    let mut found = Vec::new();
    for bad in failures(&cells).into_iter().rev() {
        let Some(first) = bad.first().map(|first| cells[*first]) else { continue };
        if u64::from(first.first_start) < since || bad.len() < rules.fixed_after as usize {
            continue;
        }
        for index in bad {
            if left == 0 {
                return found;
            }
            left -= 1;
            if is_failing(&cells[..=index], rules) {
                found.push(FoundFailure { first, found: cells[index] });
                break;
            }
        }
    }
    found
}

/// The commits of each failure that failed in every run, by index, the oldest failure first. A failure follows a pass.
fn failures(cells: &[Cell]) -> Vec<Vec<usize>> {
    let mut failures = Vec::new();
    let mut start = 0;
    for row in cells.chunk_by(|one, other| (one.failed > 0) == (other.failed > 0)) {
        let is_after_a_pass = start > 0 && cells[start - 1].outcome() == Some(Outcome::Good);
        if is_after_a_pass && row[0].failed > 0 {
            let bad = (start..).zip(row).filter(|(_, cell)| cell.outcome() == Some(Outcome::Bad));
            failures.push(bad.map(|(index, _)| index).collect());
        }
        start += row.len();
    }
    failures
}

/// Whether the rule calls a test failing by its commits up to the last of these.
fn is_failing(cells: &[Cell], rules: &Rules) -> bool {
    let Some(last) = cells.last() else { return false };
    let now = u64::from(last.last_start);
    let is_judged = |cell: &Cell| u64::from(cell.last_start) + JUDGED >= now;
    let first = cells.iter().position(is_judged).unwrap_or(0);
    let history = History { cells: &cells[first..], commits: last.position.saturating_add(1) };
    judge(&history, &Question { now, new_since: 0, rules: *rules }).standing.is_failing()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::notation::{cells, day};

    /// The first commit of each failure and the one with which it was found, by number, the newest failure first.
    fn told(text: &str, since_day: u64) -> Vec<(u64, u64)> {
        let found = found_failures(&cells(text), since_day * schema::seconds::DAY, &Rules::default());
        let number = |cell: Cell| (1..=text.len() as u64).find(|number| day(*number) == cell.commit).unwrap_or(0);
        found.into_iter().map(|it| (number(it.first), number(it.found))).collect()
    }

    #[test]
    fn a_test_that_only_ever_passed_is_found_failing_at_once() {
        assert_eq!(told("PPPPPFF", 0), [(6, 6)]);
        // What it did more than four weeks before says nothing any more.
        let twice = format!("PPPPPFF{}FFF", "P".repeat(30));
        assert_eq!(told(&twice, 0), [(38, 38), (6, 6)]);
        assert_eq!(told(&twice, 7), [(38, 38)], "what began before is not asked for");
    }

    #[test]
    fn noise_and_what_always_failed_are_no_failures_that_began() {
        for text in ["PPPPPF", "PPPFPPPP", "FFFF", "", "PPPP", "EEEFFF", "PPPM"] {
            assert_eq!(told(text, 0), [], "{text}");
        }
    }

    #[test]
    fn what_was_flaky_before_is_found_later() {
        let text = "PFPPFPFPPFPPFFFFFFFFFFFFFFFF";
        let found = told(text, 0);
        assert_eq!(found.len(), 1, "{found:?}");
        let (first, with) = found[0];
        assert_eq!(first, 13);
        assert!(with > 15, "{found:?}");
    }

    proptest! {
        #[test]
        fn a_failure_is_found_where_it_fails_and_not_before_it_began(text in "[PFMR.E]{0,40}") {
            let cells = cells(&text);
            for it in found_failures(&cells, 0, &Rules::default()) {
                prop_assert!(it.first.position <= it.found.position);
                let inside = cells.iter().filter(|cell| (it.first.position..=it.found.position).contains(&cell.position));
                prop_assert!(inside.clone().all(|cell| cell.failed > 0));
                prop_assert_eq!(it.found.outcome(), Some(Outcome::Bad));
            }
        }
    }
}
