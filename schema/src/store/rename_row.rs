//! The row of a rename of a test.

use clickhouse::Row;
use serde::{Deserialize, Serialize};

/// A rename of a test.
#[derive(Debug, Clone, PartialEq, Row, Serialize, Deserialize)]
pub struct RenameRow {
    /// Name of the suite.
    pub suite: String,
    /// Name that the test had.
    pub from_test: String,
    /// Name that the test has now.
    pub to_test: String,
    /// When the test was renamed, seconds since 1970: results of the former name in runs that started before are its own.
    pub renamed_at: u32,
    /// 1 while the rename holds, 0 once it was taken back.
    pub is_open: u8,
    /// When the intake took the rename, seconds since 1970.
    pub recorded_at: u32,
    /// Time half of the id of the event (its milliseconds since 1970 in the upper 48 bits); of rows with one key the
    /// largest version counts.
    pub version: u64,
}
