//! Figures of the rule and of its peer, with floors for the rule.

use super::measure::{Measures, Share};

/// What a figure must be.
#[derive(Clone, Copy)]
enum Floor {
    AtLeast(f64),
    AtMost(f64),
}

impl Floor {
    fn holds(self, value: f64) -> bool {
        match self {
            Self::AtLeast(floor) => value >= floor,
            Self::AtMost(floor) => value <= floor,
        }
    }

    fn text(self) -> String {
        match self {
            Self::AtLeast(floor) => format!("≥ {floor}"),
            Self::AtMost(floor) => format!("≤ {floor}"),
        }
    }
}

/// A share, its name and its floor.
type ShareRow = (&'static str, fn(&Measures) -> Share, Floor);

/// Shares from 0 to 1.
const SHARES: [ShareRow; 9] = [
    ("precision of changes", |measures| measures.precision, Floor::AtLeast(0.99)),
    ("recall of changes", |measures| measures.recall, Floor::AtLeast(0.83)),
    ("recall of changes of one or two commits", |measures| measures.young_recall, Floor::AtLeast(0.5)),
    ("culprit named first", |measures| measures.first, Floor::AtLeast(0.45)),
    ("culprit among five", |measures| measures.among_five, Floor::AtLeast(0.65)),
    ("culprit of several histories named first", |measures| measures.shared_first, Floor::AtLeast(0.79)),
    ("changes claimed of tests that pass always", |measures| measures.false_alarms, Floor::AtMost(0.002)),
    ("precision of flaky tests", |measures| measures.flaky_precision, Floor::AtLeast(0.87)),
    ("recall of flaky tests", |measures| measures.flaky_recall, Floor::AtLeast(0.92)),
];

/// Widths of ranges, commits: which share of them is no wider, and the floor.
const WIDTHS: [(&str, usize, Floor); 2] = [
    ("width of ranges, median, commits", 50, Floor::AtMost(7.0)),
    ("width of ranges, 90 %, commits", 90, Floor::AtMost(47.0)),
];

/// Prints a table; whether every floor holds.
pub(super) fn print(rule: &Measures, peer: &Measures) -> bool {
    println!("| figure | of | measured | LUCI Analysis | floor |\n|---|---|---|---|---|");
    let mut holds = true;
    for (what, share, floor) in SHARES {
        let (ours, theirs) = (share(rule), share(peer));
        let missed = if floor.holds(ours.value()) { "" } else { " MISSED" };
        holds &= missed.is_empty();
        let text = floor.text();
        println!("| {what} | {} | {:.4} | {:.4} | {text}{missed} |", ours.whole(), ours.value(), theirs.value());
    }
    for (what, percent, floor) in WIDTHS {
        let (ours, theirs) = (rule.width(percent), peer.width(percent));
        let missed = if floor.holds(ours as f64) { "" } else { " MISSED" };
        holds &= missed.is_empty();
        println!("| {what} | | {ours} | {theirs} | {}{missed} |", floor.text());
    }
    holds
}
