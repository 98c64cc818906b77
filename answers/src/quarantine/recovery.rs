//! Whether a test that is parked has recovered: what it did since it failed last.

use analysis::history::Cell;
use schema::seconds::DAY;
use schemars::JsonSchema;
use serde::Serialize;

/// Runs that passed since the last failure, below which nothing is believed to be mended.
pub(super) const LEAST_RUNS: u64 = 20;
/// Days over which these runs lie: a test that fails at night, or on one machine, has had its chance by then.
pub(super) const LEAST_DAYS: u64 = 7;

/// What a test did since it failed last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Recovery {
    /// Runs since the last unexpected failure.
    pub runs: u64,
    /// Those of them that passed; the others failed as expected.
    pub passes: u64,
    /// Start of the last run that failed unexpectedly, seconds since 1970; none if there is none among the runs that are
    /// looked at.
    pub last_failure: Option<u32>,
    /// Start of the first run since then, seconds since 1970.
    pub since: u32,
    /// Start of the last run, seconds since 1970.
    pub until: u32,
}

impl Recovery {
    /// What the cells of a test say, on all configurations together; none if it did not run since it failed.
    pub(super) fn of<'c>(cells: impl Iterator<Item = &'c Cell> + Clone) -> Option<Self> {
        let last_failure = cells.clone().filter(|cell| cell.failed > 0).map(|cell| cell.last_start).max();
        // A session that began before that run is no evidence of after.
        let after = cells.filter(|cell| cell.runs > 0 && last_failure.is_none_or(|failure| cell.first_start > failure));
        Some(Self {
            runs: after.clone().map(|cell| u64::from(cell.runs)).sum(),
            passes: after.clone().map(|cell| u64::from(cell.runs.saturating_sub(cell.expected_failures))).sum(),
            last_failure,
            since: after.clone().map(|cell| cell.first_start).min()?,
            until: after.map(|cell| cell.last_start).max()?,
        })
    }

    /// Whether that is enough to be believed.
    pub(super) fn is_enough(&self) -> bool {
        let from = self.last_failure.unwrap_or(self.since);
        self.passes >= LEAST_RUNS && u64::from(self.until.saturating_sub(from)) >= LEAST_DAYS * DAY
    }

    /// What two tests of one entry did together. The last failure of either counts.
    pub(super) fn joined(self, other: Self) -> Self {
        Self {
            runs: self.runs + other.runs,
            passes: self.passes + other.passes,
            last_failure: self.last_failure.max(other.last_failure),
            since: self.since.min(other.since),
            until: self.until.max(other.until),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use schema::ids::CommitKey;

    use super::*;

    const HOUR: u32 = 3600;

    /// A run an hour: P passes, F fails, E fails as expected.
    fn cells(runs: &str) -> Vec<Cell> {
        let cell = |(index, letter): (usize, char)| {
            let start = 1_000_000 + index as u32 * HOUR;
            let passed = Cell::passed(CommitKey(index as u64), index as u32, start);
            match letter {
                'F' => Cell { failed: 1, unrecovered: 1, ..passed },
                'E' => Cell { expected_failures: 1, ..passed },
                _ => passed,
            }
        };
        runs.chars().enumerate().map(cell).collect()
    }

    fn of(runs: &str) -> Option<Recovery> {
        Recovery::of(cells(runs).iter())
    }

    #[test]
    fn what_came_after_the_last_failure_counts() {
        let found = of("PPFPEP").unwrap();
        assert_eq!((found.runs, found.passes), (3, 2));
        assert_eq!(found.last_failure, Some(1_000_000 + 2 * HOUR));
        assert_eq!((found.since, found.until), (1_000_000 + 3 * HOUR, 1_000_000 + 5 * HOUR));
        assert_eq!((of("PPF"), of("")), (None, None));
    }

    #[test]
    fn enough_is_many_passes_over_days() {
        let week = (LEAST_DAYS * 24) as usize;
        assert!(of(&format!("F{}", "P".repeat(week))).unwrap().is_enough());
        assert!(!of(&format!("F{}", "P".repeat(week - 1))).unwrap().is_enough());
        assert!(!of(&format!("{}F{}", "P".repeat(week), "P".repeat(30))).unwrap().is_enough());
        // Without a failure, the time runs from the first pass.
        assert!(of(&"P".repeat(week + 1)).unwrap().is_enough() && !of(&"P".repeat(week)).unwrap().is_enough());
        // What fails as expected is no pass.
        assert!(!of(&format!("F{}", "E".repeat(week * 2))).unwrap().is_enough());
        let rare: String = (0..week * 2).map(|hour| if hour % 20 == 0 { 'P' } else { 'E' }).collect();
        assert!(!of(&rare).unwrap().is_enough(), "{} passes", week / 10);
    }

    #[test]
    fn sessions_around_a_failure_elsewhere_are_no_evidence() {
        let mut all = cells("F");
        let around = Cell { runs: 50, first_start: 1_000_000 - HOUR, last_start: 1_000_000 + 900 * HOUR, ..all[0] };
        all.push(Cell { failed: 0, unrecovered: 0, ..around });
        assert_eq!(Recovery::of(all.iter()), None);
    }
}
