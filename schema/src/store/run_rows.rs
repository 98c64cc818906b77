//! Rows of runs, and of the lists of their tests.

use clickhouse::Row;
use serde::{Deserialize, Serialize};

use crate::outcomes::roster::RosterId;

/// The summary of one run under one branch key.
#[derive(Debug, Clone, PartialEq, Row, Serialize, Deserialize)]
pub struct RunRow {
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
    /// Tests that passed and failed within the run.
    pub flaky: u32,
    /// All tests of the run, those that did not run included, as the reference counts them.
    pub tests_run: u32,
    /// Tests of the run that did not run: skipped, not run, or with an outcome that nobody knows.
    pub tests_not_run: u32,
    /// Tests of the run with an outcome that nobody knows, whatever else is known of them.
    pub tests_unknown: u32,
    /// Tests whose worst unexpected state is a failure or worse.
    pub tests_unexpected_failed: u32,
    /// The list of its tests; none in rows of earlier versions.
    pub roster: RosterId,
    /// The outcomes that are not the usual ones ([`crate::outcomes::surprises`]).
    #[serde(with = "serde_bytes")]
    pub surprises: Vec<u8>,
    /// What its failing tests said ([`crate::outcomes::messages`]).
    #[serde(with = "serde_bytes")]
    pub messages: Vec<u8>,
    /// The list of who owns its tests ([`crate::outcomes::owners`]); none if its upload names nobody.
    pub owners: RosterId,
    /// When the intake took it, seconds since 1970; 0 in rows of earlier versions.
    pub received_at: u32,
    /// JSON text of the run's statistics: what the uploader gave, and counts of its results.
    pub stats: String,
    /// JSON text of the list of commits.
    pub commits: String,
    /// JSON text of the uploader's details; empty for none.
    pub details: String,
    /// Offset of the event in its partition plus one; of rows with one key the largest version counts.
    pub version: u64,
}

/// A list of tests ([`crate::outcomes::roster`]) or of their owners ([`crate::outcomes::owners`]), or a part of one.
#[derive(Debug, Clone, PartialEq, Row, Serialize, Deserialize)]
pub struct RosterRow {
    /// Digest of the content.
    pub id: RosterId,
    /// The content.
    #[serde(with = "serde_bytes")]
    pub content: Vec<u8>,
    /// Beginning of the week of the last upload, seconds since 1970; of rows with one key the largest counts.
    pub last_upload: u32,
}
