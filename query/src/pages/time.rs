//! Times as pages show them: UTC on the server, the reader's zone once the script runs.

/// `YYYY-MM-DD HH:MM` in UTC.
pub(super) fn minutes(seconds: i64) -> String {
    let minutes = seconds.rem_euclid(86_400) / 60;
    format!("{} {:02}:{:02}", day(seconds), minutes / 60, minutes % 60)
}

/// `YYYY-MM-DD` in UTC; days to dates by Howard Hinnant's `civil_from_days`.
pub(super) fn day(seconds: i64) -> String {
    let days = seconds.div_euclid(86_400) + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let (day, month) =
        (day_of_year - (153 * shifted + 2) / 5 + 1, if shifted < 10 { shifted + 3 } else { shifted - 9 });
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_right_at_their_edges() {
        assert_eq!(minutes(0), "1970-01-01 00:00");
        assert_eq!(minutes(951_782_399), "2000-02-28 23:59");
        assert_eq!(minutes(951_782_400), "2000-02-29 00:00");
        assert_eq!(minutes(1_700_000_000), "2023-11-14 22:13");
    }
}
