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

/// A duration in milliseconds, as precise as it is worth.
pub(super) fn took(milliseconds: u64) -> String {
    let seconds = milliseconds / 1000;
    match milliseconds {
        0..1_000 => format!("{milliseconds} ms"),
        1_000..60_000 => format!("{:.1} s", milliseconds as f64 / 1000.0),
        60_000..3_600_000 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
    }
}

fn shown(seconds: i64, format: &str) -> String {
    DateTime::from_timestamp(seconds, 0).map_or_else(String::new, |time| time.format(format).to_string())
}

#[cfg(test)]
mod tests {
    use super::took;

    #[test]
    fn durations_are_as_precise_as_they_are_worth() {
        let shown = [0, 999, 1_000, 59_949, 60_000, 3_599_999, 3_600_000, u64::from(u32::MAX)].map(took);
        let expected = ["0 ms", "999 ms", "1.0 s", "59.9 s", "1 min 0 s", "59 min 59 s", "1 h 0 min", "1193 h 2 min"];
        assert_eq!(shown, expected);
    }
}
