//! How states look: the one table that templates and scripts read.

use std::collections::BTreeMap;

use answers::statistics::{RunCounts, worst};
use schema::state::State;
use serde::Serialize;

/// How a state looks in a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) struct Look {
    /// The class of the cell's style.
    pub(super) class: &'static str,
    /// The character in it, for who does not see colours.
    pub(super) symbol: &'static str,
}

/// Looks by the position of the state.
const LOOKS: [Look; 12] = [
    Look { class: "crash", symbol: "!" },
    Look { class: "timeout", symbol: "T" },
    Look { class: "image", symbol: "I" },
    FAIL,
    FAIL,
    FAIL,
    FAIL,
    Look { class: "warning", symbol: "?" },
    Look { class: "pass", symbol: "✓" },
    Look { class: "none", symbol: "–" },
    Look { class: "none", symbol: "" },
    Look { class: "none", symbol: "?" },
];
const FAIL: Look = Look { class: "fail", symbol: "✕" };

/// How a state looks.
pub(super) fn look(state: State) -> Look {
    LOOKS.get(usize::from(state.position())).copied().unwrap_or(FAIL)
}

/// What scripts call a state: its name in lower case, in words.
fn in_words(state: State) -> String {
    match state {
        State::SKIP => "skipped".to_owned(),
        State::NOT_RUN => "not run".to_owned(),
        State::UNKNOWN => "unknown outcome".to_owned(),
        state => state.name().to_lowercase(),
    }
}

/// The table as a module for scripts, by the digit of a state: `STATES[digit]` is a list of class and symbol,
/// `NAMES[digit]` the state in words, and digits below `FAILING` are failures.
pub(super) fn module() -> String {
    let states = || (0..).map(State::at).take(LOOKS.len());
    let look = |state: State| (state.digit().to_string(), [look(state).class, look(state).symbol]);
    let table: BTreeMap<String, [&str; 2]> = states().map(look).collect();
    let names: BTreeMap<String, String> = states().map(|state| (state.digit().to_string(), in_words(state))).collect();
    let (table, names) = (serde_json::to_string(&table), serde_json::to_string(&names));
    let failing = State::failures().count();
    format!(
        "// States by their digits, the worst first: class and symbol of a cell, name, and how many are failures.\n\
         export const STATES = {};\nexport const NAMES = {};\nexport const FAILING = {failing};\n",
        table.unwrap_or_default(),
        names.unwrap_or_default()
    )
}

/// What a run's statistics say: passed, failed as expected and failed unexpectedly add up to the tests that ran.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(super) struct Counts {
    pub(super) run: u64,
    pub(super) passed: u64,
    /// Failures of both kinds.
    pub(super) failed: u64,
    pub(super) expected: u64,
    pub(super) unexpected: u64,
    crashed: u64,
    timed_out: u64,
}

impl Counts {
    /// A crash counts as a time-out and a failure too in the stored statistics; here every test counts once.
    pub(super) fn of(stats: &str) -> Self {
        let counts = RunCounts::of(stats);
        let run = counts.tests_run;
        let failed = counts.tests_failed.min(run);
        let unexpected = counts.tests_unexpected_failed.min(failed);
        let crashed = counts.tests_unexpected_crashed.min(unexpected);
        Self {
            run,
            passed: run - failed,
            failed,
            expected: failed - unexpected,
            unexpected,
            crashed,
            timed_out: counts.tests_unexpected_timedout.min(unexpected).saturating_sub(crashed),
        }
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.run += other.run;
        self.passed += other.passed;
        self.failed += other.failed;
        self.expected += other.expected;
        self.unexpected += other.unexpected;
        self.crashed += other.crashed;
        self.timed_out += other.timed_out;
    }

    /// How a cell looks, by the worst that was not expected.
    pub(super) fn look(&self) -> Look {
        look(worst(self.unexpected, self.timed_out, self.crashed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_add_up_whatever_the_statistics_say() {
        for stats in [
            r#"{"tests_run":300,"tests_failed":6,"tests_unexpected_failed":4,"tests_unexpected_timedout":2,"tests_unexpected_crashed":1}"#,
            r#"{"tests_run":3,"tests_failed":60,"tests_unexpected_failed":400}"#,
            "{}",
            "[]",
        ] {
            let counts = Counts::of(stats);
            assert_eq!(counts.run, counts.passed + counts.expected + counts.unexpected, "{stats}");
            assert_eq!(counts.failed, counts.expected + counts.unexpected, "{stats}");
            assert!(counts.crashed + counts.timed_out <= counts.unexpected, "{stats}");
        }
    }

    #[test]
    fn scripts_and_templates_read_one_table() {
        let module = module();
        for position in 0..12 {
            let Look { class, symbol } = look(State::at(position));
            assert!(module.contains(&format!("[\"{class}\",\"{symbol}\"]")), "{module}");
        }
    }
}
