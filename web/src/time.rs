//! Times as people and scripts write them in requests.

use chrono::{DateTime, Days, NaiveDate};

/// What [`read`] takes, for errors.
pub const SPELLINGS: &str = "a date such as 2026-01-31, a time such as 2026-01-31T12:00:00Z, or seconds since 1970";

/// A time that was asked for, seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Time {
    /// The end of a date in UTC.
    EndOfDay(i64),
    /// A moment.
    Moment(i64),
}

impl Time {
    /// The moment, or the end of the date.
    pub fn seconds(self) -> i64 {
        match self {
            Self::EndOfDay(seconds) | Self::Moment(seconds) => seconds,
        }
    }
}

/// A time in one of its spellings. None if it is no time.
pub fn read(text: &str) -> Option<Time> {
    if let Ok(date) = text.parse::<NaiveDate>() {
        let end = date.checked_add_days(Days::new(1))?.and_hms_opt(0, 0, 0)?;
        return Some(Time::EndOfDay(end.and_utc().timestamp()));
    }
    let seconds = || text.parse::<f64>().ok().filter(|seconds| seconds.is_finite() && *seconds >= 0.0);
    let moment = DateTime::parse_from_rfc3339(text).ok().map(|moment| moment.timestamp());
    moment.or_else(|| seconds().map(|seconds| seconds as i64)).map(Time::Moment)
}

#[cfg(test)]
mod tests {
    use super::Time::{EndOfDay, Moment};
    use super::read;

    #[test]
    fn every_spelling_is_a_time() {
        assert_eq!(read("1790000000"), Some(Moment(1_790_000_000)));
        assert_eq!(read("2026-09-21T14:13:20Z"), Some(Moment(1_790_000_000)));
        assert_eq!(read("2026-09-21T16:13:20+02:00"), Some(Moment(1_790_000_000)));
        assert_eq!(read("2026-09-20"), Some(EndOfDay(1_789_948_800)));
        for wrong in ["", "soon", "-1", "NaN", "inf", "2026-02-30", "2026-09-21T14:13"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
