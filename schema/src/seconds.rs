//! Lengths of time in seconds, and weeks.

/// Seconds of an hour.
pub const HOUR: u64 = 3600;
/// Seconds of a day.
pub const DAY: u64 = 24 * HOUR;
/// Seconds of a week.
pub const WEEK: u64 = 7 * DAY;

/// The first Monday since 1970, seconds: the first of January 1970 was a Thursday.
const FIRST_MONDAY: u64 = 4 * DAY;

/// The first second of the week of a time, both in seconds since 1970: Monday in UTC, as the partitions of tables have it.
pub fn monday(time: i64) -> i64 {
    time - (time - FIRST_MONDAY as i64).rem_euclid(WEEK as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weeks_start_on_mondays() {
        // 2026-11-25 is a Wednesday.
        let wednesday = 1_795_564_800;
        assert_eq!(monday(wednesday), wednesday - 2 * DAY as i64);
        assert_eq!(monday(monday(wednesday)), monday(wednesday));
        assert_eq!(monday(monday(wednesday) - 1), monday(wednesday) - WEEK as i64);
    }
}
