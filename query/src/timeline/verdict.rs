//! How a configuration is doing, from its newest runs.

use serde::Serialize;

use super::{Outcome, Window};

/// A configuration whose newest run is this much older than the newest of all is not heard of any more, seconds.
pub(crate) const STALE_SECONDS: u64 = 7 * 86_400;
/// Changes between pass and fail that no fix explains.
const FLAKY_FLIPS: usize = 3;

/// How a configuration is doing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Verdict {
    /// The newest run was as expected.
    Passing,
    /// The newest runs failed: since `first_bad`, after `last_good` if there was one.
    Failing { first_bad: u64, last_good: Option<u64> },
    /// It changes between pass and fail.
    Flaky { flips: usize },
    /// Nothing lately.
    Stale,
}

/// The verdict on each row of a window.
pub(crate) fn of_rows(window: &Window) -> Vec<Verdict> {
    let newest = window.columns.first().copied().unwrap_or_default();
    let of =
        |cells: &[Option<Outcome>]| of_runs(cells.iter().flatten().map(|cell| (cell.uuid, cell.is_failing())), newest);
    window.rows.iter().map(|row| of(&row.cells)).collect()
}

/// From the runs of one configuration, newest first: their uuids and whether they failed unexpectedly.
pub(crate) fn of_runs(runs: impl Iterator<Item = (u64, bool)>, newest: u64) -> Verdict {
    let runs: Vec<(u64, bool)> = runs.collect();
    let Some((latest, failing)) = runs.first().copied() else { return Verdict::Stale };
    let flips = runs.windows(2).filter(|pair| pair[0].1 != pair[1].1).count();
    if newest.saturating_sub(latest) / 100 > STALE_SECONDS {
        Verdict::Stale
    } else if flips >= FLAKY_FLIPS {
        Verdict::Flaky { flips }
    } else if failing {
        let bad = runs.iter().take_while(|(_, failing)| *failing).count();
        Verdict::Failing { first_bad: runs[bad - 1].0, last_good: runs.get(bad).map(|(uuid, _)| *uuid) }
    } else {
        Verdict::Passing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(runs: &str) -> Verdict {
        let newest_first = runs.bytes().rev().enumerate();
        let total = runs.len() as u64;
        of_runs(newest_first.map(|(index, run)| (100 * (total - index as u64), run == b'F')), 100 * total)
    }

    #[test]
    fn the_blame_range_lies_between_the_last_good_and_the_first_bad() {
        assert_eq!(of("PPPFF"), Verdict::Failing { first_bad: 400, last_good: Some(300) });
        assert_eq!(of("FF"), Verdict::Failing { first_bad: 100, last_good: None });
        assert_eq!(of("FFPP"), Verdict::Passing);
        assert_eq!(of("PFPPF"), Verdict::Flaky { flips: 3 });
        assert_eq!(of(""), Verdict::Stale);
        assert_eq!(of_runs([(100, false)].into_iter(), 100 * (STALE_SECONDS + 2)), Verdict::Stale);
    }
}
