//! What hooks were told of, in the table `alerts`: the one table that no event fills and that no rebuild touches.

use std::collections::BTreeSet;

use clickhouse::Row;
use serde::Serialize;

use crate::error::AnswerError;
use crate::reads::told;
use crate::store::Store;

/// That a hook was told of something.
#[derive(Debug, Row, Serialize)]
struct ToldRow {
    hook: String,
    /// Id of the finding.
    subject: String,
    /// Seconds since 1970.
    told_at: u32,
}

/// Those of some findings that a hook was told of already.
pub async fn known(store: &Store, hook: &str, ids: &[&str]) -> Result<BTreeSet<String>, AnswerError> {
    if ids.is_empty() {
        return Ok(BTreeSet::new());
    }
    told::known(store, hook, ids).await
}

/// Remembers that a hook was told of some findings.
pub async fn remember(store: &Store, hook: &str, ids: Vec<String>) -> Result<(), AnswerError> {
    let told_at = store.clock.now().try_into().unwrap_or(u32::MAX);
    let mut insert = store.client.insert::<ToldRow>("alerts").await?;
    for subject in ids {
        insert.write(&ToldRow { hook: hook.to_owned(), subject, told_at }).await?;
    }
    Ok(insert.end().await?)
}
