//! The row of an entry of the quarantine.

use clickhouse::Row;
use serde::{Deserialize, Serialize};

/// What was last said of some failures of a test.
#[derive(Debug, Clone, PartialEq, Row, Serialize, Deserialize)]
pub struct QuarantineRow {
    /// Name of the suite.
    pub suite: String,
    /// Name of the test, or a pattern in which `*` stands for any text.
    pub test: String,
    /// JSON text of the members that a configuration must have.
    pub configuration: String,
    /// Name of the one failing state that it is about; empty for every failure.
    pub failure: String,
    /// Why.
    pub reason: String,
    /// Who is to mend the test; may be empty.
    pub owner: String,
    /// Address of the bug; may be empty.
    pub bug: String,
    /// Who parked the test; may be empty.
    pub parked_by: String,
    /// Since when, seconds since 1970.
    pub since: u32,
    /// When it ends by itself, seconds since 1970.
    pub until: u32,
    /// When it was taken back, seconds since 1970; 0 if it was not.
    pub released_at: u32,
    /// Who took it back; may be empty.
    pub released_by: String,
    /// When the intake took what was said, seconds since 1970.
    pub recorded_at: u32,
    /// Time half of the id of the event (its milliseconds since 1970 in the upper 48 bits); of rows with one key the
    /// largest version counts.
    pub version: u64,
}
