//! Rows of keys.

use schema::access_key::{AccessKey, KeyEnd};
use schema::store::rows::{AccessKeyEndRow, AccessKeyRow};

use super::columns::seconds;

/// The row of a key.
pub(super) fn key(key: AccessKey, version: u64) -> AccessKeyRow {
    let AccessKey { id, name, digest, scopes, created_at, expires_at } = key;
    let expires_at = expires_at.map_or(0, seconds);
    AccessKeyRow { id, name, digest, scopes, created_at: seconds(created_at), expires_at, version }
}

/// The row of an end of a key.
pub(super) fn end(end: KeyEnd) -> AccessKeyEndRow {
    AccessKeyEndRow { id: end.id, ends_at: seconds(end.at) }
}
