//! What the processor counted of a run.

use schema::state::{CRASH, ERROR, PASS, TIMEOUT};
use serde_json::Value;

/// How many tests ran, and how many of them failed in which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Statistics {
    pub(crate) run: u64,
    pub(crate) all: Kinds,
    /// Only what was not expected.
    pub(crate) unexpected: Kinds,
}

/// Failures: those that timed out or crashed are among the failed, those that crashed among the timed out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kinds {
    pub(crate) failed: u64,
    pub(crate) timed_out: u64,
    pub(crate) crashed: u64,
}

impl Statistics {
    /// From the JSON that is stored with a run; what is not there counts as none.
    pub(crate) fn of(stored: &str) -> Self {
        let stored: Value = serde_json::from_str(stored).unwrap_or_default();
        let count = |name: &str| stored.get(name).and_then(Value::as_u64).unwrap_or(0);
        let kinds = |prefix: &str| Kinds {
            failed: count(&format!("{prefix}failed")),
            timed_out: count(&format!("{prefix}timedout")),
            crashed: count(&format!("{prefix}crashed")),
        };
        Self { run: count("tests_run"), all: kinds("tests_"), unexpected: kinds("tests_unexpected_") }
    }
}

impl Kinds {
    /// Position of the worst state; a failure of no other kind is an ERROR.
    pub(crate) fn worst(self) -> u8 {
        if self.crashed > 0 {
            CRASH
        } else if self.timed_out > 0 {
            TIMEOUT
        } else if self.failed > 0 {
            ERROR
        } else {
            PASS
        }
    }
}
