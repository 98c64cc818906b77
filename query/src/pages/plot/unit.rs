//! What the values of a plot are: how they are written, and which round number ends their scale.

use crate::pages::time;

/// What values are: how the largest one that fits is chosen, and how they are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::pages) enum Unit {
    /// Whole numbers.
    Count,
    /// Any numbers.
    Number,
    /// Shares from 0 to 1, written as percent.
    Share,
    /// Milliseconds.
    Time,
}

impl Unit {
    /// A value in words.
    pub(in crate::pages) fn text(self, value: f64) -> String {
        match self {
            Self::Count => format!("{value:.0}"),
            Self::Number => significant(value),
            Self::Share => format!("{} %", significant(100.0 * value)),
            Self::Time => time::took(value.round().clamp(0.0, f64::from(u32::MAX)) as u64),
        }
    }

    /// The scale that ends at a round value: that value, its half, and nothing. Such times need no smaller unit.
    pub(super) fn scale(self, top: f64) -> [String; 3] {
        let text = |value: f64| self.text(value).trim_end_matches(" 0 s").trim_end_matches(" 0 min").to_owned();
        [top, top / 2.0, 0.0].map(text)
    }

    /// A round number that is no less than a value; its half is round, too.
    pub(super) fn round_up(self, value: f64) -> f64 {
        let unit = match self {
            Self::Share => return round_up(value).min(1.0),
            Self::Time if value > 60.0 * 60_000.0 => 3_600_000.0,
            Self::Time if value > 60_000.0 => 60_000.0,
            Self::Number => return round_up(value),
            Self::Count | Self::Time => 1.0,
        };
        match value / unit {
            // Few have a whole half.
            few if few <= 10.0 => unit * (few / 2.0).ceil().max(1.0) * 2.0,
            many => unit * round_up(many),
        }
    }
}

/// Times a power of ten, they end a scale.
const ROUND: [f64; 8] = [1.0, 1.2, 1.6, 2.0, 3.0, 4.0, 6.0, 8.0];

/// A round number that is no less than a value; a hundredth for nothing.
fn round_up(value: f64) -> f64 {
    if !value.is_finite() || value <= 0.0 {
        return 0.01;
    }
    let power = 10_f64.powf(value.log10().floor());
    let factor = ROUND.into_iter().find(|factor| value <= factor * power * (1.0 + 1e-9));
    factor.unwrap_or(10.0) * power
}

/// A number with as many digits as tell something.
fn significant(number: f64) -> String {
    match number {
        0.0 => "0".to_owned(),
        ..1.0 => format!("{number:.2}"),
        ..10.0 => format!("{number:.1}"),
        _ => format!("{number:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_end_at_round_numbers_that_hold_every_value() {
        let scale = |unit: Unit, most: f64| unit.scale(unit.round_up(most));
        assert_eq!(scale(Unit::Count, 0.0), ["2", "1", "0"]);
        assert_eq!(scale(Unit::Count, 37.0), ["40", "20", "0"]);
        assert_eq!(scale(Unit::Count, 7.0), ["8", "4", "0"]);
        assert_eq!(scale(Unit::Count, 12.0), ["12", "6", "0"]);
        assert_eq!(scale(Unit::Share, 0.013), ["1.6 %", "0.80 %", "0 %"]);
        assert_eq!(scale(Unit::Share, 1.0), ["100 %", "50 %", "0 %"]);
        assert_eq!(scale(Unit::Time, 1500.0), ["1.6 s", "800 ms", "0 ms"]);
        assert_eq!(scale(Unit::Time, 35.0 * 60_000.0), ["40 min", "20 min", "0 ms"]);
        assert_eq!(scale(Unit::Time, 95.0 * 60_000.0), ["2 h", "1 h", "0 ms"]);
    }
}
