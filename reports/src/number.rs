//! Numbers as runners write them.

/// A time in seconds as milliseconds. Thousands may be set apart by commas (`3,541.996`), exponents are read, and what
/// is negative or no number is unknown: a test that never ended has `-0.000000`.
pub(crate) fn milliseconds(seconds: &str) -> Option<f64> {
    let seconds = seconds.trim().trim_end_matches('s');
    let value: f64 = match seconds.split_once(',') {
        None => seconds.parse().ok()?,
        Some((_, rest)) if groups_of_three(rest) => seconds.replace(',', "").parse().ok()?,
        Some((whole, part)) => format!("{whole}.{part}").parse().ok()?,
    };
    from_seconds(value)
}

/// Seconds as milliseconds, unknown when negative.
pub(crate) fn from_seconds(seconds: f64) -> Option<f64> {
    rounded(seconds * 1000.0)
}

/// Milliseconds to the nanosecond, unknown when negative or no number.
pub(crate) fn rounded(milliseconds: f64) -> Option<f64> {
    let known = milliseconds.is_finite() && !milliseconds.is_sign_negative();
    known.then(|| if milliseconds < 1e9 { (milliseconds * 1e6).round() / 1e6 } else { milliseconds.round() })
}

fn groups_of_three(rest: &str) -> bool {
    let whole = rest.split_once('.').map_or(rest, |(whole, _)| whole);
    whole.split(',').all(|group| group.len() == 3 && group.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::milliseconds;

    #[test]
    fn seconds_are_read_as_each_runner_writes_them() {
        for (seconds, expected) in [
            ("3,541.996", Some(3_541_996.0)),
            ("1,234,567.5", Some(1_234_567_500.0)),
            ("3,541", Some(3_541_000.0)),
            ("0,25", Some(250.0)),
            ("7.4331e-05", Some(0.074_331)),
            ("-0.000000", None),
            ("-1", None),
            ("0", Some(0.0)),
            ("1.2", Some(1200.0)),
            ("1.2s", Some(1200.0)),
            ("0.073810", Some(73.81)),
            ("", None),
            ("soon", None),
            ("NaN", None),
            ("inf", None),
        ] {
            assert_eq!(milliseconds(seconds), expected, "{seconds}");
        }
    }
}
