//! The row of what an intake did with uploads.

use clickhouse::Row;
use serde::{Deserialize, Serialize};

/// What a process of the intake did with the uploads of some time.
#[derive(Debug, Clone, PartialEq, Row, Serialize, Deserialize)]
pub struct IntakeReportRow {
    /// When the time ended, seconds since 1970.
    pub until: u32,
    /// The process.
    pub intake: String,
    /// JSON text of the [`crate::intake_report::IntakeReport`].
    pub report: String,
    /// Offset of the event in its partition plus one; of rows with one key the largest version counts.
    pub version: u64,
}
