//! What a test did on a commit, in all attempts of all its runs there.

use std::borrow::Cow;

use schema::state::{PASS, State, States};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

use crate::history::Outcome;

/// What a test that did not run is said to have done.
const NOT_RUN: &str = "NOTRUN";

/// All attempts of one test on one commit and one configuration: shards, reruns, and retries inside a run. Nothing at all
/// is a test that did not run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Attempts {
    /// States that count as failures, one bit each, the worst in bit 0.
    failed: u16,
    /// The other states: passes, warnings, and failures that were expected.
    other: u16,
}

impl Attempts {
    /// Adds the states that one run has of the test. A failure that was expected counts only `with_expected`.
    pub fn add(&mut self, actual: States, expected: States, with_expected: bool) {
        for position in (0..=PASS).filter(|position| actual.bits() & 1 << position != 0) {
            let bit = 1 << position;
            let alone = States::from_bits(bit);
            let counted = if with_expected { alone.worst_state() } else { alone.unexpected_state(expected) };
            *(if counted.is_failure() { &mut self.failed } else { &mut self.other }) |= bit;
        }
    }

    /// Adds the attempts of another configuration.
    pub fn join(&mut self, other: Self) {
        self.failed |= other.failed;
        self.other |= other.other;
    }

    /// Whether the test ran. A result whose states all say that it did not is none.
    pub fn ran(&self) -> bool {
        self.failed | self.other != 0
    }

    /// What they say together; none if the test did not run.
    pub fn outcome(&self) -> Option<Outcome> {
        match (self.failed, self.other) {
            (0, 0) => None,
            (0, other) if States::from_bits(other).worst_state().is_failure() => Some(Outcome::Expected),
            (0, _) => Some(Outcome::Good),
            (_, 0) => Some(Outcome::Bad),
            _ => Some(Outcome::BothWays),
        }
    }

    /// The worst state that counts as a failure; where there is none, the worst of all.
    pub fn state(&self) -> ComparedState {
        match (self.failed, self.other) {
            (0, 0) => ComparedState::NotRun,
            (0, other) => ComparedState::Ran(States::from_bits(other).worst_state()),
            (failed, _) => ComparedState::Ran(States::from_bits(failed).worst_state()),
        }
    }

    /// The names of all states, the worst first, separated by spaces; NOTRUN if the test did not run.
    pub fn names(&self) -> String {
        match self.failed | self.other {
            0 => NOT_RUN.to_owned(),
            all => States::from_bits(all).to_string(),
        }
    }
}

/// The state of a test on one side of a comparison: the worst first, and last what did not run. Answered by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ComparedState {
    /// The test ran.
    Ran(State),
    /// It did not run, so that nothing was measured.
    NotRun,
}

impl ComparedState {
    /// Its name: that of the state, or NOTRUN.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ran(state) => state.name(),
            Self::NotRun => NOT_RUN,
        }
    }
}

impl Serialize for ComparedState {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl JsonSchema for ComparedState {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "ComparedState".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let names: Vec<&str> = (0..=PASS).map(|position| State::at(position).name()).chain([NOT_RUN]).collect();
        json_schema!({ "type": "string", "enum": names })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn attempts(runs: &[(&str, &str)], with_expected: bool) -> Attempts {
        let mut joined = Attempts::default();
        for (actual, expected) in runs {
            joined.add(States::parse(actual), States::parse(expected), with_expected);
        }
        joined
    }

    #[test]
    fn runs_of_a_commit_say_together_what_a_test_did() {
        let outcome = |runs: &[(&str, &str)]| {
            let joined = attempts(runs, false);
            (joined.outcome(), joined.state().name(), joined.names())
        };
        assert_eq!(outcome(&[]), (None, "NOTRUN", "NOTRUN".to_owned()));
        assert_eq!(outcome(&[("PASS", "PASS")]), (Some(Outcome::Good), "PASS", "PASS".to_owned()));
        assert_eq!(outcome(&[("WARNING", "PASS")]), (Some(Outcome::Good), "WARNING", "WARNING".to_owned()));
        assert_eq!(outcome(&[("TEXT", "PASS")]), (Some(Outcome::Bad), "TEXT", "TEXT".to_owned()));
        let both = (Some(Outcome::BothWays), "TEXT", "TEXT PASS".to_owned());
        assert_eq!(outcome(&[("TEXT", "PASS"), ("PASS", "PASS")]), both);
        assert_eq!(outcome(&[("TEXT PASS", "PASS")]), both);
        // A failure that was expected is none, and no pass either.
        assert_eq!(outcome(&[("TEXT", "FAIL")]), (Some(Outcome::Expected), "TEXT", "TEXT".to_owned()));
        let worse = (Some(Outcome::BothWays), "TIMEOUT", "TIMEOUT TEXT".to_owned());
        assert_eq!(outcome(&[("TEXT", "FAIL"), ("TIMEOUT", "FAIL")]), worse);
        assert_eq!(attempts(&[("TEXT", "FAIL")], true).outcome(), Some(Outcome::Bad));
    }

    proptest! {
        #[test]
        fn the_order_of_runs_does_not_matter(
            runs in prop::collection::vec((1u16..512, 1u16..512), 0..5), with_expected in any::<bool>(),
        ) {
            let joined = |runs: &[(u16, u16)]| {
                let mut joined = Attempts::default();
                for (actual, expected) in runs {
                    joined.add(States::from_bits(*actual), States::from_bits(*expected), with_expected);
                }
                joined
            };
            let backwards: Vec<(u16, u16)> = runs.iter().rev().copied().collect();
            prop_assert_eq!(joined(&runs), joined(&backwards));
            let (first, rest) = runs.split_at(runs.len() / 2);
            let mut halves = joined(first);
            halves.join(joined(rest));
            prop_assert_eq!(joined(&runs), halves);
        }

        /// The states that count are those of the rule of unexpected failures.
        #[test]
        fn a_run_fails_as_its_worst_unexpected_state_says(actual in 1u16..512, expected in 1u16..512) {
            let (actual, expected) = (States::from_bits(actual), States::from_bits(expected));
            let mut joined = Attempts::default();
            joined.add(actual, expected, false);
            let worst = actual.unexpected_state(expected);
            let failed = matches!(joined.outcome(), Some(Outcome::Bad | Outcome::BothWays));
            prop_assert_eq!(failed, worst.is_failure());
            prop_assert!(!failed || joined.state() == ComparedState::Ran(worst));
        }
    }
}
