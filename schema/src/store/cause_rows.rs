//! The rows of what failing tests said, and of what the messages have in common.

use clickhouse::Row;
use serde::{Deserialize, Serialize};

use crate::cause::CauseId;

/// What a failing test of one run said, under one branch key.
#[derive(Debug, Clone, PartialEq, Row, Serialize, Deserialize)]
pub struct FailureMessageRow {
    /// Name of the suite.
    pub suite: String,
    /// Branch key: `default` for a default branch, else the name of the branch.
    pub branch: String,
    /// The version of the rule that made the pattern ([`crate::cause::RULE`]).
    pub rule: u16,
    /// The pattern.
    pub cause: CauseId,
    /// Identity of the configuration without its SDK ([`crate::configuration::Configuration::id`]).
    pub config_id: u64,
    /// Place of the run's newest commit in time: 100 × its commit time in seconds since 1970 + its order within that
    /// second.
    pub uuid: u64,
    /// SDK that the run was built with; empty for none.
    pub sdk: String,
    /// Start of the run, seconds since 1970.
    pub start_time: u32,
    /// Hash of the suite and the test ([`crate::configuration::stable_hash`]).
    pub test_id: u64,
    /// Position of the worst state.
    pub worst: u8,
    /// Position of the worst unexpected state.
    pub worst_unexpected: u8,
    /// The beginning of the log.
    pub message: String,
    /// Offset of the event in its partition plus one; of rows with one key the largest version counts.
    pub version: u64,
}

/// A pattern that a rule made of messages of a suite.
#[derive(Debug, Clone, PartialEq, Row, Serialize, Deserialize)]
pub struct CauseRow {
    /// Name of the suite.
    pub suite: String,
    /// The version of the rule ([`crate::cause::RULE`]).
    pub rule: u16,
    /// The pattern's name.
    pub cause: CauseId,
    /// Its text.
    pub pattern: String,
    /// Beginning of the week of the last upload, seconds since 1970; of rows with one key the largest counts.
    pub last_upload: u32,
}
