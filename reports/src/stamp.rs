//! Points in time as reports write them.

use std::fmt;

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, Timelike};

/// Where the clock of a stamp stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Zone {
    /// Universal time.
    Utc,
    /// So many seconds east of universal time.
    Offset(i32),
    /// The report does not say: the clock of the machine that wrote it.
    Unknown,
}

/// A point in time with what the report says of its zone. A stamp without a zone is never taken as universal time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp {
    clock: NaiveDateTime,
    zone: Zone,
    digits: usize,
}

impl Stamp {
    /// A stamp as written in a report: ISO 8601 with or without zone, the date of a mail, or Robot Framework's older form.
    /// The dates that runners write for "none", in 1970 and before, are none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let stamp = if text.contains(", ") { mail(text)? } else { iso(text)? };
        (chrono::Datelike::year(&stamp.clock) > 1970).then_some(stamp)
    }

    /// Milliseconds since 1970, in universal time.
    #[must_use]
    pub fn from_milliseconds(milliseconds: i64) -> Option<Self> {
        let clock = DateTime::from_timestamp_millis(milliseconds)?.naive_utc();
        (chrono::Datelike::year(&clock) > 1970).then_some(Self { clock, zone: Zone::Utc, digits: 3 })
    }

    /// The same clock with the zone forgotten, for runners that write `Z` behind their local time.
    #[must_use]
    pub fn without_zone(self) -> Self {
        Self { zone: Zone::Unknown, ..self }
    }

    /// The same clock read in a zone, where the report does not say one.
    #[must_use]
    pub fn or_zone(self, offset: Option<FixedOffset>) -> Self {
        match (self.zone, offset) {
            (Zone::Unknown, Some(offset)) => Self { zone: Zone::Offset(offset.local_minus_utc()), ..self },
            _ => self,
        }
    }

    /// The stamp so many milliseconds earlier.
    #[must_use]
    pub fn earlier(self, milliseconds: f64) -> Option<Self> {
        let clock = self.clock.checked_sub_signed(chrono::TimeDelta::microseconds((milliseconds * 1000.0) as i64))?;
        let digits = if clock.nanosecond() == 0 { self.digits } else { self.digits.max(3) };
        Some(Self { clock, digits, ..self })
    }

    /// Milliseconds from this stamp to another of the same clock.
    #[must_use]
    pub fn until(&self, end: &Self) -> Option<f64> {
        let microseconds = end.clock.signed_duration_since(self.clock).num_microseconds()?;
        (microseconds >= 0 && self.zone == end.zone).then_some(microseconds as f64 / 1000.0)
    }

    /// What the report says of the zone.
    #[must_use]
    pub fn zone(&self) -> Zone {
        self.zone
    }

    /// The point in time, where the zone is known.
    #[must_use]
    pub fn instant(&self) -> Option<DateTime<FixedOffset>> {
        let seconds = match self.zone {
            Zone::Utc => 0,
            Zone::Offset(seconds) => seconds,
            Zone::Unknown => return None,
        };
        let offset = FixedOffset::east_opt(seconds)?;
        self.clock.and_local_timezone(offset).single()
    }
}

impl fmt::Display for Stamp {
    /// ISO 8601, with as many digits of a second as the report has, and no zone where it has none.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.clock.format("%Y-%m-%dT%H:%M:%S"))?;
        if self.digits > 0 {
            let nanoseconds = format!("{:09}", self.clock.nanosecond() % 1_000_000_000);
            write!(formatter, ".{}", &nanoseconds[..self.digits.min(9)])?;
        }
        match self.zone {
            Zone::Utc => formatter.write_str("Z"),
            Zone::Unknown => Ok(()),
            Zone::Offset(seconds) => {
                let sign = if seconds < 0 { '-' } else { '+' };
                let minutes = seconds.unsigned_abs() / 60;
                write!(formatter, "{sign}{:02}:{:02}", minutes / 60, minutes % 60)
            }
        }
    }
}

fn iso(text: &str) -> Option<Stamp> {
    let (date, rest) = match text.as_bytes().get(8)? {
        b' ' | b'T' => (NaiveDate::parse_from_str(text.get(..8)?, "%Y%m%d").ok()?, text.get(9..)?),
        _ => (NaiveDate::parse_from_str(text.get(..10)?, "%Y-%m-%d").ok()?, text.get(11..)?),
    };
    let hour = two(rest.get(..2)?)?;
    let minute = two(rest.get(3..5)?)?;
    let (second, rest) = match rest.as_bytes().get(5) {
        Some(b':') => (two(rest.get(6..8)?)?, rest.get(8..)?),
        _ => (0, rest.get(5..)?),
    };
    let (fraction, rest) = match rest.strip_prefix(['.', ',']) {
        None => ("", rest),
        Some(rest) => rest.split_at(rest.bytes().take_while(u8::is_ascii_digit).count()),
    };
    let digits = fraction.len().min(9);
    let nanosecond = if digits == 0 { 0 } else { format!("{:0<9}", &fraction[..digits]).parse().ok()? };
    let clock = date.and_hms_nano_opt(hour, minute, second.min(59), nanosecond)?;
    Some(Stamp { clock, zone: zone(rest.trim())?, digits })
}

fn two(text: &str) -> Option<u32> {
    (text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
}

fn zone(text: &str) -> Option<Zone> {
    match text {
        "" => return Some(Zone::Unknown),
        "Z" | "z" | "UTC" | "GMT" => return Some(Zone::Utc),
        _ => {}
    }
    let sign = match text.as_bytes()[0] {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let digits: String = text.get(1..)?.chars().filter(|&character| character != ':').collect();
    let (hours, minutes) = match digits.len() {
        2 => (two(&digits)?, 0),
        4 => (two(digits.get(..2)?)?, two(digits.get(2..)?)?),
        _ => return None,
    };
    (hours < 24 && minutes < 60).then_some(Zone::Offset(sign * (hours * 3600 + minutes * 60) as i32))
}

fn mail(text: &str) -> Option<Stamp> {
    let stamp = DateTime::parse_from_rfc2822(text).ok()?;
    let offset = stamp.offset().local_minus_utc();
    let zone = if offset == 0 { Zone::Utc } else { Zone::Offset(offset) };
    Some(Stamp { clock: stamp.naive_local(), zone, digits: 0 })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{Stamp, Zone};

    #[test]
    fn stamps_keep_their_zone_and_digits() {
        for (text, expected) in [
            ("2026-11-27T12:10:21.651+05:30", "2026-11-27T12:10:21.651+05:30"),
            ("2026-11-27T12:18:36.764750537+05:30", "2026-11-27T12:18:36.764750537+05:30"),
            ("2026-11-27T06:40:35Z", "2026-11-27T06:40:35Z"),
            ("2026-11-27T12:15:39.943669", "2026-11-27T12:15:39.943669"),
            ("2026-11-27 12:20:00Z", "2026-11-27T12:20:00Z"),
            ("20261127 12:15:39.943", "2026-11-27T12:15:39.943"),
            ("Fri, 27 Nov 2026 06:41:45 GMT", "2026-11-27T06:41:45Z"),
            ("2026-11-27T12:15:39.1234567-0330", "2026-11-27T12:15:39.1234567-03:30"),
        ] {
            assert_eq!(Stamp::parse(text).map(|stamp| stamp.to_string()).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn the_dates_for_none_are_none() {
        for text in
            ["1970-01-01T00:00:00", "1970-01-01T05:30:00.000", "0001-01-01T00:00:00Z", "1969-12-31T16:00:00", "", "now"]
        {
            assert_eq!(Stamp::parse(text), None, "{text}");
        }
        assert_eq!(Stamp::from_milliseconds(0), None);
    }

    #[test]
    fn a_stamp_without_zone_is_no_instant() {
        let stamp = Stamp::parse("2026-11-27T12:15:39").unwrap();
        assert_eq!((stamp.zone(), stamp.instant()), (Zone::Unknown, None));
        let india = chrono::FixedOffset::east_opt(19800);
        assert_eq!(stamp.or_zone(india).to_string(), "2026-11-27T12:15:39+05:30");
        assert_eq!(Stamp::parse("2026-11-27T12:15:39Z").unwrap().or_zone(india).to_string(), "2026-11-27T12:15:39Z");
    }
}
