//! What a rebuild is asked for, and what it reports.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What is to be rebuilt.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Names of [`super::VIEWS`].
    pub views: Vec<String>,
    /// Commits before the week of this time, seconds since 1970, are taken over from the live tables as they are; none
    /// makes all commits again.
    pub since: Option<i64>,
}

/// On which conditions the tables change places.
#[derive(Debug, Clone, Copy, Default)]
pub struct SwapOptions {
    /// Swap although rows were lost or gained, as they are meant to be when the mapping from events to rows has changed.
    pub accept_differences: bool,
    /// Forget a rebuild that was broken off, and begin at the first event.
    pub start_over: bool,
}

/// Rows of a view before and after a rebuild.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowCount {
    /// Name of the view.
    pub view: &'static str,
    /// Rows that reads saw before.
    pub before: u64,
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
