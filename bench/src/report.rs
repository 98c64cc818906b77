//! What was measured, against what it must be.

use std::time::Duration;

/// A figure and its floor.
struct Line {
    what: String,
    value: String,
    floor: Option<(String, bool)>,
}

/// Figures in the order they were measured.
#[derive(Default)]
pub(crate) struct Report(Vec<Line>);

impl Report {
    /// A figure that is only told.
    pub(crate) fn tell(&mut self, what: &str, value: impl ToString) {
        self.0.push(Line { what: what.to_owned(), value: value.to_string(), floor: None });
    }

    /// A time that must not be longer.
    pub(crate) fn at_most(&mut self, what: &str, value: Duration, floor: Duration) {
        let floor = Some((format!("≤ {}", show(floor)), value <= floor));
        self.0.push(Line { what: what.to_owned(), value: show(value), floor });
    }

    /// A number that must not be larger.
    pub(crate) fn below(&mut self, what: &str, value: f64, floor: f64, unit: &str) {
        let floor = Some((format!("≤ {floor} {unit}"), value <= floor));
        self.0.push(Line { what: what.to_owned(), value: format!("{value:.1} {unit}"), floor });
    }

    /// A number that must not be smaller.
    pub(crate) fn above(&mut self, what: &str, value: f64, floor: f64, unit: &str) {
        let floor = Some((format!("≥ {floor} {unit}"), value >= floor));
        self.0.push(Line { what: what.to_owned(), value: format!("{value:.0} {unit}"), floor });
    }

    /// Prints a table; whether every floor holds.
    pub(crate) fn print(&self) -> bool {
        println!("| figure | measured | floor |\n|---|---|---|");
        for line in &self.0 {
            let floor = match &line.floor {
                None => String::new(),
                Some((text, true)) => text.clone(),
                Some((text, false)) => format!("{text} MISSED"),
            };
            println!("| {} | {} | {floor} |", line.what, line.value);
        }
        self.0.iter().all(|line| line.floor.as_ref().is_none_or(|(_, holds)| *holds))
    }
}

/// Milliseconds with one decimal.
pub(crate) fn show(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}

/// The time that this share of all, in percent, does not exceed.
pub(crate) fn percentile(times: &mut [Duration], percent: usize) -> Duration {
    times.sort();
    let index = (times.len() * percent).div_ceil(100).saturating_sub(1);
    times.get(index).copied().unwrap_or_default()
}
