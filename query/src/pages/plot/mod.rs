//! Plots of values over time, as SVG: where points, lines, bars and change points lie.
//!
//! Places across are shares of the width in percent, so that a plot fills any width and its texts keep their size. Places
//! down are pixels.

mod time_axis;
mod unit;

use answers::changes::Kind;
use serde::Serialize;

pub(super) use time_axis::TimeAxis;
pub(super) use unit::Unit;

/// Pixels above the values, where change points have their marks.
const HEAD: f64 = 18.0;
/// Pixels from the largest value that fits to nothing.
const HEIGHT: f64 = 150.0;
/// Change points nearer to each other than this share of the width, percent, have one mark: on a wide screen, and on a phone,
/// whose plots have some 280 pixels. A mark takes 10 pixels, and 20 where it tells a number of three digits.
const NEAR: f64 = 3.0;
const NEAR_ON_PHONES: f64 = 7.5;

/// A value at a time, seconds since 1970, and what is said of it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Sample {
    pub(super) from: u64,
    /// How long a time it stands for, seconds: it is drawn in the middle of that.
    pub(super) length: u64,
    pub(super) value: f64,
    pub(super) says: String,
}

/// What is drawn of some samples.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Series {
    class: &'static str,
    /// What it is, for the legend.
    name: &'static str,
    points: Vec<Point>,
    /// Lines between samples that follow each other.
    lines: Vec<Line>,
    bars: Vec<Bar>,
}

#[derive(Debug, PartialEq, Serialize)]
struct Point {
    x: String,
    y: String,
    says: String,
}

#[derive(Debug, PartialEq, Serialize)]
struct Line {
    x1: String,
    y1: String,
    x2: String,
    y2: String,
}

#[derive(Debug, PartialEq, Serialize)]
struct Bar {
    x: String,
    width: String,
    y: String,
    height: String,
    says: String,
}

/// A plot's axes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Axes {
    time: TimeAxis,
    unit: Unit,
    /// The largest value that fits.
    top: f64,
}

/// How samples are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// Points alone.
    Points,
    /// Points, and lines between those that follow each other.
    Lines,
    /// Bars from nothing up.
    Bars,
}

impl Axes {
    /// Axes on which these values fit.
    pub(super) fn new(time: TimeAxis, unit: Unit, values: impl Iterator<Item = f64>) -> Self {
        Self { time, unit, top: unit.round_up(values.fold(0.0, f64::max)) }
    }

    /// The largest value that fits, its half, and nothing, in words.
    pub(super) fn scale(&self) -> [String; 3] {
        self.unit.scale(self.top)
    }

    /// Samples as they are drawn.
    pub(super) fn series(&self, shape: Shape, class: &'static str, name: &'static str, samples: &[Sample]) -> Series {
        let mut series = Series { class, name, points: Vec::new(), lines: Vec::new(), bars: Vec::new() };
        let shown: Vec<&Sample> = samples.iter().filter(|sample| self.time.has(sample.from)).collect();
        if shape == Shape::Bars {
            series.bars = shown.iter().map(|sample| self.bar(sample)).collect();
            return series;
        }
        series.points = shown
            .iter()
            .map(|sample| Point { x: self.x(sample), y: self.y(sample), says: sample.says.clone() })
            .collect();
        if shape == Shape::Lines {
            let follow = shown.windows(2).filter(|pair| pair[0].from + pair[0].length == pair[1].from);
            let line = |one: &Sample, next: &Sample| Line {
                x1: self.x(one),
                y1: self.y(one),
                x2: self.x(next),
                y2: self.y(next),
            };
            series.lines = follow.map(|pair| line(pair[0], pair[1])).collect();
        }
        series
    }

    fn x(&self, sample: &Sample) -> String {
        percent(self.time.share(sample.from + sample.length / 2))
    }

    fn down(&self, value: f64) -> f64 {
        // What is no number lies at the bottom.
        let share = if value > 0.0 { (value / self.top).min(1.0) } else { 0.0 };
        HEAD + HEIGHT * (1.0 - share)
    }

    fn y(&self, sample: &Sample) -> String {
        format!("{:.1}", self.down(sample.value))
    }

    fn bar(&self, sample: &Sample) -> Bar {
        let (from, until) = (self.time.share(sample.from), self.time.share(sample.from + sample.length));
        Bar {
            x: percent(from),
            width: percent((until - from) * 0.85),
            y: self.y(sample),
            height: format!("{:.1}", HEAD + HEIGHT - self.down(sample.value)),
            says: sample.says.clone(),
        }
    }
}

/// A change point of a plot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Change {
    /// Seconds since 1970.
    pub(super) time: u64,
    pub(super) kind: Kind,
    /// What is said of it.
    pub(super) says: String,
    /// Where it is described.
    pub(super) address: String,
}

/// One or several change points, drawn as one line.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Mark {
    x: String,
    class: &'static str,
    text: String,
    says: String,
    address: String,
}

/// The marks of a plot: those of a wide screen, and those of a phone.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Marks {
    wide: Vec<Mark>,
    narrow: Vec<Mark>,
}

/// How a kind of change is drawn: its class and its mark.
pub(super) fn look(kind: Kind) -> (&'static str, &'static str) {
    match kind {
        Kind::Broke => ("broke", "✕"),
        Kind::Fixed => ("fixed", "✓"),
        Kind::Flaky => ("flaky", "~"),
        Kind::Expected => ("expected", "="),
    }
}

/// The marks of change points that are given newest first. Those that lie near each other have one mark, which tells how
/// many they are.
pub(super) fn marks(time: TimeAxis, changes: &[Change]) -> Marks {
    Marks { wide: marks_apart(time, changes, NEAR), narrow: marks_apart(time, changes, NEAR_ON_PHONES) }
}

/// Marks that lie at least so far apart, percent of the width.
fn marks_apart(time: TimeAxis, changes: &[Change], near: f64) -> Vec<Mark> {
    let shown: Vec<&Change> = changes.iter().filter(|change| time.has(change.time)).collect();
    let mut groups: Vec<Vec<&Change>> = Vec::new();
    for change in shown {
        match groups.last_mut() {
            Some(group) if time.share(group[0].time) - time.share(change.time) < near => group.push(change),
            _ => groups.push(vec![change]),
        }
    }
    groups.iter().filter_map(|group| mark(time, group)).collect()
}

fn mark(time: TimeAxis, group: &[&Change]) -> Option<Mark> {
    let newest = group.first()?;
    let (class, symbol) = look(newest.kind);
    let is_one_kind = group.iter().all(|change| change.kind == newest.kind);
    let says: Vec<&str> = group.iter().map(|change| change.says.as_str()).collect();
    Some(Mark {
        x: percent(time.share(newest.time)),
        class: if is_one_kind { class } else { "mixed" },
        text: if group.len() == 1 { symbol.to_owned() } else { group.len().to_string() },
        says: says.join("\n"),
        address: newest.address.clone(),
    })
}

fn percent(share: f64) -> String {
    format!("{share:.2}%")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use schema::seconds::{DAY, WEEK};

    /// 2026-11-23, a Monday.
    const MONDAY: u64 = 1_795_392_000;

    fn axis(weeks: u64) -> TimeAxis {
        TimeAxis::new(MONDAY + 3 * DAY, MONDAY + 3 * DAY + weeks * WEEK)
    }

    fn sample(week: u64, value: f64) -> Sample {
        Sample { from: MONDAY + week * WEEK, length: WEEK, value, says: format!("week {week}") }
    }

    #[test]
    fn a_line_has_a_gap_where_a_week_is_missing() {
        let samples = [sample(0, 1.0), sample(1, 2.0), sample(3, 0.0), sample(9, 1.0)];
        let axes = Axes::new(axis(3), Unit::Count, samples.iter().map(|one| one.value));
        let series = axes.series(Shape::Lines, "one", "tests", &samples);
        // The last sample lies outside of the axis.
        assert_eq!((series.points.len(), series.lines.len()), (3, 1));
        let line = &series.lines[0];
        assert_eq!((&*line.x1, &*line.y1, &*line.x2, &*line.y2), ("12.50%", "93.0", "37.50%", "18.0"));
    }

    #[test]
    fn change_points_near_each_other_have_one_mark() {
        let change = |time: u64, kind| Change { time, kind, says: format!("at {time}"), address: format!("/{time}") };
        let at = MONDAY + WEEK;
        let changes = [
            change(at + 3 * WEEK, Kind::Fixed),
            change(at + 600, Kind::Broke),
            change(at, Kind::Flaky),
            change(MONDAY - 1, Kind::Broke),
        ];
        let Marks { wide, narrow } = marks(axis(4), &changes);
        let drawn: Vec<(&str, &str, &str)> =
            wide.iter().map(|mark| (mark.class, mark.text.as_str(), mark.address.as_str())).collect();
        let newest = format!("/{}", at + 600);
        assert_eq!(drawn, [("fixed", "✓", format!("/{}", at + 3 * WEEK).as_str()), ("mixed", "2", newest.as_str())]);
        assert_eq!(wide[1].says, format!("at {}\nat {at}", at + 600));
        assert_eq!(narrow, wide);
        // A day is not quite three percent of five weeks.
        let days: Vec<Change> = (0..8).rev().map(|day| change(at + day * DAY, Kind::Broke)).collect();
        let Marks { wide, narrow } = marks(axis(4), &days);
        assert_eq!((wide.len(), narrow.len()), (4, 3));
    }

    proptest! {
        #[test]
        fn everything_lies_inside_of_its_plot(
            weeks in 1_u64..53,
            values in prop::collection::vec(prop_oneof![Just(0.0), 0.0..1.0, 0.0..1e9, Just(f64::NAN)], 0..60),
            unit in prop::sample::select(vec![Unit::Count, Unit::Share, Unit::Time]),
        ) {
            let values: Vec<f64> = values.iter().map(|value| if unit == Unit::Share { value.min(1.0) } else { *value }).collect();
            let axes = Axes::new(axis(weeks), unit, values.iter().copied());
            prop_assert!(values.iter().all(|value| value.is_nan() || *value <= axes.top));
            let samples: Vec<Sample> = (0..).zip(&values).map(|(week, value)| sample(week, *value)).collect();
            let inside = |text: &str, least: f64, most: f64| {
                let place: f64 = text.trim_end_matches('%').parse().unwrap();
                (least..=most).contains(&place)
            };
            for point in axes.series(Shape::Lines, "one", "tests", &samples).points {
                prop_assert!(inside(&point.x, 0.0, 100.0) && inside(&point.y, HEAD, HEAD + HEIGHT), "{point:?}");
            }
            for bar in axes.series(Shape::Bars, "one", "tests", &samples).bars {
                prop_assert!(inside(&bar.x, 0.0, 100.0) && inside(&bar.height, 0.0, HEIGHT), "{bar:?}");
            }
        }
    }
}
