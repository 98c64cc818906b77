//! Whether a test passes and fails by chance.
//!
//! The newest results are a row of one kind: all bad, or all without a failure. Whether the test is flaky is judged by the
//! segment before that row, which does not change while the row grows: a row that was too long to be chance stays so.

use crate::change_points::change_points;
use crate::evidence::Evidence;
use crate::history::{Cell, Outcome};
use crate::rules::Rules;

/// Where the stretch begins in which a test is flaky, by index of its cells; none if it is not, or not any more. The newest
/// cell did not go both ways.
pub(super) fn flaky_since(cells: &[Cell], rules: &Rules) -> Option<usize> {
    let is_bad = cells.last()?.failed > 0;
    let is_of_row = |cell: &&Cell| match is_bad {
        true => cell.outcome() == Some(Outcome::Bad),
        false => cell.failed == 0,
    };
    let row = cells.iter().rev().take_while(is_of_row).count();
    let row_start = cells.len() - row;
    let start = change_points(&cells[..row_start], rules).last().map_or(0, |point| point.index);
    if !is_flaky(&Evidence::of(&cells[start..=row_start]), rules) {
        return None;
    }
    let before = &cells[start..row_start];
    let alike = before.iter().filter(|cell| (cell.failed > 0) == is_bad).count();
    let chance = chance_of_row(alike, before.len(), row);
    let is_rested = !is_bad && row >= rules.recovery_commits as usize && chance <= rules.recovery_chance;
    (chance > rules.streak_chance && !is_rested).then_some(start)
}

/// Whether evidence is enough to call a test flaky.
fn is_flaky(evidence: &Evidence, rules: &Rules) -> bool {
    let by_flips = evidence.cells >= rules.flaky_sample && evidence.flips >= rules.flaky_flips;
    by_flips || evidence.both_ways >= rules.flaky_both_ways
}

/// The probability of a row of `row` more outcomes of a kind after `alike` of `whole` were of it, the prior of the rate being
/// that of Jeffreys.
fn chance_of_row(alike: usize, whole: usize, row: usize) -> f64 {
    (0..row).map(|index| (alike as f64 + index as f64 + 0.5) / (whole as f64 + index as f64 + 1.0)).product()
}
