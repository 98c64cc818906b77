//! What the processor counted of a run.

use schema::state::State;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Members of a run's statistics that count tests. Those that timed out or crashed are among the failed, those that
/// crashed among the timed out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct RunCounts {
    /// Tests that ran.
    pub tests_run: u64,
    /// Tests that failed.
    pub tests_failed: u64,
    /// Tests that timed out, or worse.
    pub tests_timedout: u64,
    /// Tests that crashed.
    pub tests_crashed: u64,
    /// Tests that failed unexpectedly.
    pub tests_unexpected_failed: u64,
    /// Tests that timed out unexpectedly, or worse.
    pub tests_unexpected_timedout: u64,
    /// Tests that crashed unexpectedly.
    pub tests_unexpected_crashed: u64,
}

impl RunCounts {
    /// From the JSON that is stored with a run; what is not there, or no number, counts as none.
    pub fn of(stored: &str) -> Self {
        let stored: serde_json::Value = serde_json::from_str(stored).unwrap_or_default();
        let count = |name: &str| stored.get(name).and_then(serde_json::Value::as_u64).unwrap_or(0);
        Self {
            tests_run: count("tests_run"),
            tests_failed: count("tests_failed"),
            tests_timedout: count("tests_timedout"),
            tests_crashed: count("tests_crashed"),
            tests_unexpected_failed: count("tests_unexpected_failed"),
            tests_unexpected_timedout: count("tests_unexpected_timedout"),
            tests_unexpected_crashed: count("tests_unexpected_crashed"),
        }
    }

    /// The worst state of the run.
    pub fn worst(&self) -> State {
        worst(self.tests_failed, self.tests_timedout, self.tests_crashed)
    }

    /// The worst state that was not expected.
    pub fn worst_unexpected(&self) -> State {
        worst(self.tests_unexpected_failed, self.tests_unexpected_timedout, self.tests_unexpected_crashed)
    }
}

/// The worst state of some counts; a failure of no other kind is an ERROR.
pub fn worst(failed: u64, timed_out: u64, crashed: u64) -> State {
    if crashed > 0 {
        State::CRASH
    } else if timed_out > 0 {
        State::TIMEOUT
    } else if failed > 0 {
        State::ERROR
    } else {
        State::PASS
    }
}
