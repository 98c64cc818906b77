//! Keys of senders and readers, as events tell of them: a key's secret is never in an event, only its digest.

use serde::{Deserialize, Serialize};

/// A key that somebody made. It is never changed: what ends it before it expires is a [`KeyEnd`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessKey {
    /// The beginning of the digest, by which people name the key.
    pub id: String,
    /// What it is for, in a line.
    pub name: String,
    /// SHA-256 of the whole key, in hexadecimal digits.
    pub digest: String,
    /// What it allows, each scope as its text.
    pub scopes: Vec<String>,
    /// When it was made, seconds since 1970.
    pub created_at: i64,
    /// From when on it counts no more, seconds since 1970; never if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<i64>,
}

/// That a key counts no more from a time on, because it was revoked, or replaced by another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyEnd {
    /// The key's id.
    pub id: String,
    /// Seconds since 1970; of several ends of a key the earliest counts.
    pub at: i64,
}
