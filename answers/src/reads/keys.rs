//! Reads keys, for people.

use clickhouse::Row;
use serde::Deserialize;

use super::statement::Fragment;
use crate::error::AnswerError;
use crate::store::Store;

/// The most keys that a list has.
const MAX_KEYS: u64 = 10_000;

/// A key as lists show it.
#[derive(Debug, Clone, Row, Deserialize)]
pub struct ListedKey {
    /// The beginning of the digest.
    pub id: String,
    /// What it is for.
    pub name: String,
    /// Texts of its scopes.
    pub scopes: Vec<String>,
    /// When it was made, seconds since 1970.
    pub created_at: u32,
    /// From when on it counts no more, seconds since 1970; 0 for never.
    pub expires_at: u32,
    /// When somebody ended it, seconds since 1970; 0 if nobody did.
    pub ends_at: u32,
    /// When it was last used, to half a minute, seconds since 1970; 0 for never.
    pub used_at: u32,
}

/// All keys, the youngest first.
pub(crate) async fn all(store: &Store) -> Result<Vec<ListedKey>, AnswerError> {
    Fragment::new(
        "SELECT id, name, scopes, created_at, expires_at, ends_at, used_at FROM access_keys \
         LEFT JOIN (SELECT id, min(ends_at) AS ends_at FROM access_key_ends GROUP BY id) AS ends USING (id) \
         LEFT JOIN (SELECT id, max(used_at) AS used_at FROM access_key_uses GROUP BY id) AS uses USING (id) \
         ORDER BY created_at DESC, id LIMIT {limit}",
    )
    .value("limit", MAX_KEYS)
    .all(&store.client)
    .await
}
