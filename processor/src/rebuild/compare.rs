//! Whether the next generation may take the place of the live views, by the numbers of their rows.
//!
//! The comparison is there so that a rebuild loses nothing and invents nothing unnoticed. A view that shows nothing has nothing to
//! lose. What is over by the configured retention is no loss either: such rows are not counted, and what came with them, such as
//! names, may go with them.

use super::error::RebuildError;
use super::plan::RowCount;

/// The view that has uploads that were over when they were received.
const EXPIRED: &str = "expired_uploads";
/// Views of what came with runs, whose rows do not say with which.
const NAMES: [&str; 4] = ["tests", "rosters", "causes", "queues"];

/// Rows of a view on both sides.
#[derive(Debug, Clone)]
pub(super) struct Counted {
    pub(super) view: &'static str,
    /// Rows of the next generation up to the watermarks.
    pub(super) least: u64,
    /// Rows that reads see now, or why they cannot be counted.
    pub(super) before: Result<u64, String>,
    /// Rows of the next generation with the batches that processors may have written beyond the watermarks.
    pub(super) after: u64,
}

impl Counted {
    fn is_same(&self, has_forgotten: bool) -> bool {
        let Ok(before) = self.before else { return false };
        let may_lose = has_forgotten && NAMES.contains(&self.view) && self.after < before;
        let may_gain = self.view == EXPIRED && self.after > before;
        before == 0 || (self.least..=self.after).contains(&before) || may_lose || may_gain
    }

    /// The numbers as they are reported.
    pub(super) fn row_count(&self) -> RowCount {
        RowCount { view: self.view, before: self.before.clone().ok(), after: self.after }
    }
}

/// Why the tables must not change places unless differences are accepted; none where nothing is lost or gained. Whether live runs
/// are over that the next generation does not have is `has_forgotten`.
pub(super) fn refusal(counted: &[Counted], has_forgotten: bool) -> Option<RebuildError> {
    let grew = |one: &Counted| one.view == EXPIRED && one.before.as_ref().is_ok_and(|before| one.after > *before);
    let has_forgotten = has_forgotten || counted.iter().any(grew);
    let (mut unreadable, mut differences, mut cause) = (Vec::new(), Vec::new(), None);
    for one in counted.iter().filter(|one| !one.is_same(has_forgotten)) {
        match &one.before {
            Ok(before) => differences.push(format!("{} {before} → {}", one.view, one.after)),
            Err(why) => {
                unreadable.push(one.view);
                cause.get_or_insert(why);
            }
        }
    }
    let differences = differences.join(", ");
    match cause {
        Some(cause) => {
            let others =
                if differences.is_empty() { String::new() } else { format!(", and rows differ: {differences}") };
            Some(RebuildError::Unreadable { views: unreadable.join(", "), cause: cause.clone(), others })
        }
        None => (!differences.is_empty()).then_some(RebuildError::Differences(differences)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(view: &'static str, least: u64, before: Result<u64, &str>, after: u64) -> Counted {
        Counted { view, least, before: before.map_err(str::to_owned), after }
    }

    fn told(counted: &[Counted], has_forgotten: bool) -> Option<String> {
        refusal(counted, has_forgotten).map(|error| error.to_string())
    }

    #[test]
    fn what_is_lost_or_gained_is_told() {
        assert_eq!(told(&[of("runs", 5, Ok(5), 5), of("results", 7, Ok(8), 9)], false), None);
        assert_eq!(
            told(&[of("runs", 5, Ok(6), 5), of("results", 7, Ok(6), 9), of("tests", 1, Ok(1), 1)], false).as_deref(),
            Some(
                "rows differ: runs 6 → 5, results 6 → 9; nothing was swapped; go on with --accept-differences, or give it up with \
                 --start-over"
            )
        );
        // Nothing can be lost of it.
        assert_eq!(told(&[of("runs", 5, Ok(0), 6)], false), None);
    }

    #[test]
    fn a_live_table_that_cannot_be_read_is_told_with_all_others() {
        let damaged =
            [of("results", 5, Err("Code: 40."), 5), of("runs", 5, Ok(6), 5), of("tests", 1, Err("Code: 39."), 1)];
        assert_eq!(
            told(&damaged, false).as_deref(),
            Some(
                "the live tables of results, tests cannot be read (Code: 40.), and rows differ: runs 6 → 5; nothing was swapped; go on \
                 with --accept-differences, which puts what the events say in their place, or give it up with --start-over"
            )
        );
    }

    #[test]
    fn names_go_with_the_runs_that_are_over() {
        let names = [of("tests", 5, Ok(9), 5), of("suites", 1, Ok(1), 1)];
        assert_eq!(told(&names, true), None);
        assert!(told(&names, false).is_some());
        let expired = |before, after| [of("tests", 5, Ok(9), 5), of("expired_uploads", after, Ok(before), after)];
        assert_eq!(told(&expired(1, 3), false), None);
        assert!(told(&expired(3, 3), false).is_some());
        assert!(told(&expired(3, 1), true).is_some());
        // They do not come by it, and nothing else goes.
        assert!(told(&[of("tests", 9, Ok(5), 9)], true).is_some());
        assert!(told(&[of("commits", 5, Ok(9), 5)], true).is_some());
    }
}
