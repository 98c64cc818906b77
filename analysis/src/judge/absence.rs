//! Whether a test is gone: the suite goes on without it for longer than its runs usually lie apart.

use crate::history::Cell;
use crate::rules::Rules;

/// Whether a test was removed, from its cells, the oldest first, and the number of commits on which the suite ran.
pub(crate) fn is_removed(cells: &[Cell], commits: u32, rules: &Rules) -> bool {
    let (Some(first), Some(last)) = (cells.first(), cells.last()) else { return false };
    let absent = commits.saturating_sub(last.position.saturating_add(1));
    let gap = |pair: &[Cell]| pair[1].position.saturating_sub(pair[0].position).saturating_sub(1);
    let widest = cells.windows(2).map(gap).max().unwrap_or(0);
    if absent < rules.removed_commits || absent <= widest.saturating_mul(2) {
        return false;
    }
    // One more commit with the test than was seen would be the next one.
    let span = f64::from(last.position.saturating_sub(first.position)) + 1.0;
    let absence = 1.0 - cells.len() as f64 / (span + 1.0);
    absence.powf(f64::from(absent)) <= rules.removed_chance
}
