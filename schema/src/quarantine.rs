//! Quarantine: what somebody says of a test's failures, so that for a time they are shown and do not count.

use serde::{Deserialize, Serialize};

use crate::configuration::Configuration;

/// That failures of a test do not count for a time, or no longer. Of several entries about the same suite, test,
/// configuration and failure the last one holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuarantineEntry {
    /// The suite.
    pub suite: String,
    /// The test, or those whose names a pattern with `*` describes.
    pub test: String,
    /// It is about failures only where the configuration has the members that this one has.
    #[serde(default)]
    pub configuration: Configuration,
    /// The one failing state that it is about, by its name; every failure if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// Why, in a line.
    pub reason: String,
    /// Who is to mend the test; may be empty.
    #[serde(default)]
    pub owner: String,
    /// Address of the bug about it; may be empty.
    #[serde(default)]
    pub bug: String,
    /// Who parked the test; empty where the server asks nobody and nobody said so.
    #[serde(default)]
    pub by: String,
    /// Since when the test is parked, seconds since 1970. An entry that is prolonged keeps it.
    pub since: i64,
    /// When it ends by itself, seconds since 1970: from then on failures count.
    pub until: i64,
    /// Set by what takes it back before its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<Release>,
}

/// That an entry was taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// Who did it; empty where the server asks nobody and nobody said so.
    #[serde(default)]
    pub by: String,
}
