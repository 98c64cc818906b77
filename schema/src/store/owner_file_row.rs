//! The row of a file of owners.

use clickhouse::Row;
use serde::{Deserialize, Serialize};

/// The file that says who owns the tests of a suite.
#[derive(Debug, Clone, PartialEq, Row, Serialize, Deserialize)]
pub struct OwnerFileRow {
    /// Name of the suite.
    pub suite: String,
    /// The text of the file; empty once it was taken back.
    pub content: String,
    /// The folder of the checkout in which the tests lie; empty where their names are paths in the checkout.
    pub folder: String,
    /// When the intake took the file, seconds since 1970.
    pub recorded_at: u32,
    /// Time half of the id of the event (its milliseconds since 1970 in the upper 48 bits); of rows with one key the
    /// largest version counts.
    pub version: u64,
}
