//! The axis of time: which weeks a plot shows, where a moment lies in them, and which dates stand below.

use schema::seconds::{WEEK, monday};
use serde::Serialize;

use super::percent;
use crate::pages::time;

/// Dates below an axis, at most.
const MAX_TICKS: u64 = 4;
/// A date that begins further right than this share of the width, percent, would be cut off on a phone.
const LAST_TICK: f64 = 78.0;

/// The time that a plot shows: whole weeks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::pages) struct TimeAxis {
    since: u64,
    until: u64,
}

/// A date below an axis.
#[derive(Debug, PartialEq, Serialize)]
pub(in crate::pages) struct Tick {
    x: String,
    text: String,
}

impl TimeAxis {
    /// The weeks that hold the time from one moment to another, both seconds since 1970.
    pub(in crate::pages) fn new(since: u64, until: u64) -> Self {
        let week = |time: u64| monday(time.min(u64::from(u32::MAX)) as i64).max(0) as u64;
        let since = week(since);
        Self { since, until: week(until).max(since) + WEEK }
    }

    /// Whether a time, seconds since 1970, is shown.
    pub(in crate::pages) fn has(&self, time: u64) -> bool {
        (self.since..self.until).contains(&time)
    }

    /// Where a time lies, percent.
    pub(super) fn share(&self, time: u64) -> f64 {
        let inside = time.clamp(self.since, self.until) - self.since;
        100.0 * inside as f64 / (self.until - self.since) as f64
    }

    /// The beginnings of some weeks.
    pub(in crate::pages) fn ticks(&self) -> Vec<Tick> {
        let weeks = (self.until - self.since) / WEEK;
        let step = weeks.div_ceil(MAX_TICKS).max(1);
        let starts = (0..weeks).step_by(step as usize).map(|week| self.since + week * WEEK);
        let shown = starts.filter(|start| self.share(*start) <= LAST_TICK);
        shown.map(|start| Tick { x: percent(self.share(start)), text: time::day(start as i64) }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use schema::seconds::DAY;

    /// 2026-11-23, a Monday.
    const MONDAY: u64 = 1_795_392_000;

    #[test]
    fn an_axis_has_whole_weeks_and_few_dates() {
        let axis = TimeAxis::new(MONDAY + 3 * DAY, MONDAY + 3 * DAY + 3 * WEEK);
        assert_eq!(axis, TimeAxis { since: MONDAY, until: MONDAY + 4 * WEEK });
        assert!(axis.has(MONDAY) && !axis.has(MONDAY - 1) && !axis.has(MONDAY + 4 * WEEK));
        let ticks: Vec<(String, String)> = axis.ticks().into_iter().map(|tick| (tick.x, tick.text)).collect();
        let tick = |x: &str, text: &str| (x.to_owned(), text.to_owned());
        let expected = [
            tick("0.00%", "2026-11-23"),
            tick("25.00%", "2026-11-30"),
            tick("50.00%", "2026-12-07"),
            tick("75.00%", "2026-12-14"),
        ];
        assert_eq!(ticks, expected);
        assert!(TimeAxis::new(0, u64::MAX).ticks().len() <= MAX_TICKS as usize);
    }
}
