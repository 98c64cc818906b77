//! Times as pages show them: UTC on the server, the reader's zone once the script runs.

use chrono::DateTime;

/// `YYYY-MM-DD HH:MM` in UTC.
pub(crate) fn minutes(seconds: i64) -> String {
    shown(seconds, "%Y-%m-%d %H:%M")
}

/// ISO 8601 in UTC, for scripts.
pub(super) fn iso(seconds: i64) -> String {
    shown(seconds, "%Y-%m-%dT%H:%M:%SZ")
}

/// `YYYY-MM-DD` in UTC.
pub(super) fn day(seconds: i64) -> String {
    shown(seconds, "%Y-%m-%d")
}

fn shown(seconds: i64, format: &str) -> String {
    DateTime::from_timestamp(seconds, 0).map_or_else(String::new, |time| time.format(format).to_string())
}
