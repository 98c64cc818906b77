//! What a rebuild is asked for, and what it reports.

use std::time::Duration;

use chrono::DateTime;
use serde::{Deserialize, Serialize};

use super::views::VIEWS;

/// What is to be rebuilt.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Names of [`super::VIEWS`].
    pub views: Vec<String>,
    /// Commits before the week of this time, seconds since 1970, are taken over from the live tables as they are; none
    /// makes all commits again.
    pub since: Option<i64>,
}

impl Plan {
    /// The command that asks for it, without the flag that says where.
    pub(super) fn command(&self) -> String {
        let mut text = "resultsdb rebuild".to_owned();
        if self.views != VIEWS {
            text.push_str(&format!(" --views {}", self.views.join(",")));
        }
        if let Some(day) = self.since.and_then(|since| DateTime::from_timestamp(since, 0)) {
            text.push_str(&format!(" --from {}", day.format("%Y-%m-%d")));
        }
        text
    }
}

/// On which conditions the tables change places.
#[derive(Debug, Clone, Copy, Default)]
pub struct SwapOptions {
    /// Swap although rows were lost or gained, as they are meant to be when the mapping from events to rows has changed, or
    /// although the live table cannot be read.
    pub accept_differences: bool,
    /// Forget a rebuild that was broken off, and begin at the first event.
    pub start_over: bool,
}

/// Rows of a view before and after a rebuild.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowCount {
    /// Name of the view.
    pub view: &'static str,
    /// Rows that reads saw before; none where the live table could not be read.
    pub before: Option<u64>,
    /// Rows that reads see now.
    pub after: u64,
}

/// What a rebuild did.
#[derive(Debug)]
pub struct Report {
    /// Number of events that were applied, not counting those of an attempt that was broken off.
    pub events: u64,
    /// Number of these events that could not be processed and are dead letters again.
    pub unreadable: u64,
    /// Number of rows by view.
    pub counts: Vec<RowCount>,
    /// How long new uploads were not shown.
    pub held: Duration,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_is_told_as_it_was_asked_for() {
        let of = |views: &[&str], since| {
            let views = views.iter().map(|view| (*view).to_owned()).collect();
            Plan { views, since }.command()
        };
        assert_eq!(of(&VIEWS, None), "resultsdb rebuild");
        assert_eq!(of(&["results", "runs"], None), "resultsdb rebuild --views results,runs");
        assert_eq!(of(&VIEWS, Some(1_795_564_800)), "resultsdb rebuild --from 2026-11-25");
    }
}
