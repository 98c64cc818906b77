//! Times as people and scripts write them in requests.

use chrono::{DateTime, Days, NaiveDate};

/// What [`read`] takes, for errors.
pub const SPELLINGS: &str = "a date such as 2026-01-31, a time such as 2026-01-31T12:00:00Z, or seconds since 1970";

/// A time in one of its spellings, seconds since 1970; a date stands for its end in UTC. None if it is no time.
pub fn read(text: &str) -> Option<i64> {
    if let Ok(date) = text.parse::<NaiveDate>() {
        return Some(date.checked_add_days(Days::new(1))?.and_hms_opt(0, 0, 0)?.and_utc().timestamp());
    }
    let seconds = || text.parse::<f64>().ok().filter(|seconds| seconds.is_finite() && *seconds >= 0.0);
    let moment = DateTime::parse_from_rfc3339(text).ok().map(|moment| moment.timestamp());
    moment.or_else(|| seconds().map(|seconds| seconds as i64))
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn every_spelling_is_a_time() {
        assert_eq!(read("1790000000"), Some(1_790_000_000));
        assert_eq!(read("2026-09-21T14:13:20Z"), Some(1_790_000_000));
        assert_eq!(read("2026-09-21T16:13:20+02:00"), Some(1_790_000_000));
        assert_eq!(read("2026-09-20"), Some(1_789_948_800));
        for wrong in ["", "soon", "-1", "NaN", "inf", "2026-02-30", "2026-09-21T14:13"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
