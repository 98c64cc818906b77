//! Lengths of time in seconds.

/// Seconds of an hour.
pub const HOUR: u64 = 3600;
/// Seconds of a day.
pub const DAY: u64 = 24 * HOUR;
/// Seconds of a week.
pub const WEEK: u64 = 7 * DAY;
