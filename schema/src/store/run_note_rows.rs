//! The rows of what uploads say of their runs beside the results.

use clickhouse::Row;
use serde::{Deserialize, Serialize};

/// What an upload says of its run, under one branch key.
#[derive(Debug, Clone, PartialEq, Row, Serialize, Deserialize)]
pub struct RunNoteRow {
    /// Name of the suite.
    pub suite: String,
    /// Branch key: `default` for a default branch, else the name of the branch.
    pub branch: String,
    /// Identity of the configuration without its SDK ([`crate::configuration::Configuration::id`]).
    pub config_id: u64,
    /// Place of the run's newest commit in time: 100 × its commit time in seconds since 1970 + its order within that
    /// second.
    pub uuid: u64,
    /// SDK that the run was built with; empty for none.
    pub sdk: String,
    /// Start of the run, seconds since 1970.
    pub start_time: u32,
    /// JSON text of the [`crate::run_notes::RunNotes`].
    pub notes: String,
    /// Offset of the event in its partition plus one; of rows with one key the largest version counts.
    pub version: u64,
}

/// A run and its page in the CI.
#[derive(Debug, Clone, PartialEq, Row, Serialize, Deserialize)]
pub struct LinkedRunRow {
    /// Address of the page.
    pub link: String,
    /// Name of the suite.
    pub suite: String,
    /// Branch key, as in [`RunNoteRow`].
    pub branch: String,
    /// Identity of the configuration, as in [`RunNoteRow`].
    pub config_id: u64,
    /// Place of the run's newest commit in time, as in [`RunNoteRow`].
    pub uuid: u64,
    /// SDK that the run was built with; empty for none.
    pub sdk: String,
    /// Start of the run, seconds since 1970.
    pub start_time: u32,
    /// Offset of the event in its partition plus one; of rows with one key the largest version counts.
    pub version: u64,
}
