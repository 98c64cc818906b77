//! Whether a test passes and fails by chance, judged inside of one segment.

use crate::evidence::Evidence;
use crate::history::{Cell, Outcome};
use crate::rules::Rules;

/// Whether the evidence of a segment is enough to call a test flaky.
pub(crate) fn is_flaky(evidence: &Evidence, rules: &Rules) -> bool {
    let by_flips = evidence.cells >= rules.flaky_sample && evidence.flips >= rules.flaky_flips;
    by_flips || evidence.both_ways >= rules.flaky_both_ways
}

/// Whether the clean cells at the end of a flaky segment are too many to be luck.
pub(crate) fn has_recovered(segment: &[Cell], rules: &Rules) -> bool {
    let clean = segment.iter().rev().take_while(|cell| cell.failed == 0).count();
    let before = &segment[..segment.len() - clean];
    let good = before.iter().filter(|cell| cell.failed == 0).count();
    clean >= rules.recovery_commits as usize && chance_of_row(good, before.len(), clean) <= rules.recovery_chance
}

/// Whether the failures at the end of a flaky segment are too many to be its flakiness.
pub(crate) fn is_more_than_flaky(segment: &[Cell], rules: &Rules) -> bool {
    let bad = segment.iter().rev().take_while(|cell| cell.outcome() == Some(Outcome::Bad)).count();
    let before = &segment[..segment.len() - bad];
    let noisy = before.iter().filter(|cell| cell.failed > 0).count();
    chance_of_row(noisy, before.len(), bad) <= rules.streak_chance
}

/// The probability of a row of `row` equal outcomes after `part` of `whole` were of that kind, its rate having Jeffreys' prior.
fn chance_of_row(part: usize, whole: usize, row: usize) -> f64 {
    (0..row).map(|index| (part as f64 + index as f64 + 0.5) / (whole as f64 + index as f64 + 1.0)).product()
}
