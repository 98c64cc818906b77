//! Reads the keys that are stored again and again, and writes which were used.

use std::sync::Arc;
use std::time::Duration;

use clickhouse::{Client, Row};
use schema::store::rows::AccessKeyUseRow;
use serde::Deserialize;
use tokio::sync::watch;

use crate::door::Door;
use crate::keyring::KeyRecord;
use crate::scope::Scopes;
use crate::secret::Digest;

/// How often keys are read: a key that is revoked counts no longer than this, and the time of the views, on any service.
const EVERY: Duration = Duration::from_millis(400);
/// How often is written which keys were used, in readings.
const USES_EVERY: u32 = 60;
/// The most keys that are read.
const MAX_KEYS: u64 = 100_000;

/// What a door needs of a stored key.
#[derive(Debug, Row, Deserialize)]
struct StoredKey {
    id: String,
    name: String,
    digest: String,
    scopes: Vec<String>,
    /// Seconds since 1970; 0 for never.
    expires_at: u32,
    /// Seconds since 1970; 0 if nobody ended it.
    ends_at: u32,
}

/// Reads the keys that are stored into a door.
///
/// # Errors
/// The store is away.
pub async fn load(door: &Door, client: &Client) -> clickhouse::error::Result<()> {
    if !door.is_open() {
        let sql = "SELECT id, name, digest, scopes, expires_at, ends_at FROM access_keys LEFT JOIN \
                   (SELECT id, min(ends_at) AS ends_at FROM access_key_ends GROUP BY id) AS ends USING (id) LIMIT ?";
        let keys: Vec<StoredKey> = client.query(sql).bind(MAX_KEYS).fetch_all().await?;
        door.replace_stored(keys.iter().filter_map(record).collect());
    }
    Ok(())
}

/// The key of a row; none of one that this version cannot read, which allows nothing.
fn record(row: &StoredKey) -> Option<KeyRecord> {
    let is_some = |seconds: u32| (seconds > 0).then_some(i64::from(seconds));
    Some(KeyRecord {
        id: row.id.clone(),
        name: row.name.clone(),
        digest: Digest::parse(&row.digest)?,
        scopes: Arc::new(Scopes::parse(row.scopes.iter().map(String::as_str)).ok()?),
        expires_at: is_some(row.expires_at),
        ended_at: is_some(row.ends_at),
    })
}

/// Keeps a door's keys as they are stored until `stop` turns true. While the store is away, the keys that are known go on to
/// count.
pub async fn watch(door: Door, client: Client, mut stop: watch::Receiver<bool>) {
    if door.is_open() {
        return;
    }
    let (mut readings, mut is_away) = (0u32, false);
    loop {
        let loaded = load(&door, &client).await;
        if let Err(error) = &loaded
            && !is_away
        {
            tracing::warn!(%error, "the keys cannot be read; those that are known go on to count");
        }
        is_away = loaded.is_err();
        readings = readings.wrapping_add(1);
        if readings.is_multiple_of(USES_EVERY) {
            write_uses(&door, &client).await;
        }
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            _ = stop.wait_for(|stop| *stop) => break,
        }
    }
    write_uses(&door, &client).await;
}

/// Writes which keys were used. What cannot be written is forgotten: the next use of the key says more.
async fn write_uses(door: &Door, client: &Client) {
    let used = door.take_used();
    if used.is_empty() {
        return;
    }
    let written = async {
        let mut insert = client.insert::<AccessKeyUseRow>("access_key_uses").await?;
        for (id, at) in used {
            insert.write(&AccessKeyUseRow { id, used_at: u32::try_from(at).unwrap_or(0) }).await?;
        }
        insert.end().await
    };
    if let Err(error) = written.await {
        tracing::warn!(%error, "the last use of keys could not be written");
    }
}
