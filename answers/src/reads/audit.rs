//! Reads what people changed by hand.

use clickhouse::Row;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::statement::Fragment;
use crate::error::AnswerError;
use crate::store::Store;

/// One change by hand.
#[derive(Debug, Row, Serialize, Deserialize, JsonSchema)]
pub struct AuditEntry {
    /// When it was done, seconds since 1970.
    pub done_at: u32,
    /// Who did it; empty on a server that asks nobody.
    pub actor: String,
    /// What was done, in a few words.
    pub action: String,
    /// What it was done to.
    pub subject: String,
    /// Id of its event.
    pub event_id: String,
}

/// What was done last, the newest first.
pub(crate) async fn newest(store: &Store, limit: u64) -> Result<Vec<AuditEntry>, AnswerError> {
    Fragment::new(
        "SELECT done_at, actor, toString(action) AS action, subject, event_id FROM audit \
         ORDER BY done_at DESC, event_id DESC LIMIT {limit}",
    )
    .value("limit", limit)
    .all(&store.client)
    .await
}
