//! Rows of keys, and of what was changed by hand.

use clickhouse::Row;
use serde::{Deserialize, Serialize};

/// A key of a sender or reader.
#[derive(Debug, Clone, PartialEq, Row, Serialize, Deserialize)]
pub struct AccessKeyRow {
    /// The beginning of the digest.
    pub id: String,
    /// What it is for.
    pub name: String,
    /// SHA-256 of the key, in hexadecimal digits.
    pub digest: String,
    /// Texts of its scopes.
    pub scopes: Vec<String>,
    /// When it was made, seconds since 1970.
    pub created_at: u32,
    /// From when on it counts no more, seconds since 1970; 0 for never.
    pub expires_at: u32,
    /// Time half of the id of the event; of rows with one id the largest version counts.
    pub version: u64,
}

/// That a key counts no more from a time on. A key may have several: the earliest counts.
#[derive(Debug, Clone, PartialEq, Row, Serialize, Deserialize)]
pub struct AccessKeyEndRow {
    /// The key's id.
    pub id: String,
    /// Seconds since 1970.
    pub ends_at: u32,
}

/// When a key was last used. No event makes these rows: a service writes one for a key now and then.
#[derive(Debug, Clone, PartialEq, Row, Serialize, Deserialize)]
pub struct AccessKeyUseRow {
    /// The key's id.
    pub id: String,
    /// Seconds since 1970.
    pub used_at: u32,
}

/// What somebody changed by hand.
#[derive(Debug, Clone, PartialEq, Row, Serialize, Deserialize)]
pub struct AuditRow {
    /// When the intake took it, seconds since 1970.
    pub done_at: u32,
    /// Id of the event.
    pub event_id: String,
    /// Who it was; empty on a server that asks nobody.
    pub actor: String,
    /// What was done, in a few words.
    pub action: String,
    /// What it was done to.
    pub subject: String,
    /// Time half of the id of the event.
    pub version: u64,
}
