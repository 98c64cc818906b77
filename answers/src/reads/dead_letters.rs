//! Reads dead letters, uploads that had expired, and how far one partition of the log is in the views.

use clickhouse::Row;
use schema::event::DeadLetterId;
use schema::store::rows::{DeadLetterRow, ExpiredUploadRow};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::statement::Fragment;
use crate::error::AnswerError;
use crate::store::Store;

/// A dead letter without its event.
#[derive(Debug, Row, Serialize, Deserialize, JsonSchema)]
pub struct DeadLetterSummary {
    /// `<partition>-<offset>` of the event.
    pub id: String,
    /// Partition of the event.
    pub partition: u32,
    /// Offset of the event.
    pub offset: u64,
    /// When it was found, seconds since 1970.
    pub found_at: u32,
    /// Why it could not be processed.
    pub cause: String,
    /// What was done about it.
    #[schemars(extend("enum" = ["waiting", "replayed", "discarded"]))]
    pub state: String,
    /// Bytes of the event.
    pub size: u64,
}

/// The newest dead letters in some states.
pub(crate) async fn newest(store: &Store, states: &[&str], limit: u64) -> Result<Vec<DeadLetterSummary>, AnswerError> {
    Fragment::new(
        "SELECT concat(toString(partition), '-', toString(offset)) AS id, partition, offset, found_at, cause, \
         toString(state) AS state, length(event) AS size FROM dead_letters WHERE dead_letters.state IN {states} \
         ORDER BY found_at DESC, partition, offset DESC LIMIT {limit}",
    )
    .list("states", states.iter().copied())
    .value("limit", limit)
    .all(&store.client)
    .await
}

/// The dead letter of an event, if it is one.
pub(crate) async fn of_event(store: &Store, id: DeadLetterId) -> Result<Option<DeadLetterRow>, AnswerError> {
    Fragment::new("SELECT ?fields FROM dead_letters WHERE partition = {partition} AND offset = {offset}")
        .value("partition", id.partition)
        .value("offset", id.offset)
        .optional(&store.client)
        .await
}

/// The upload of an event, if its time was over when it came.
pub(crate) async fn expired(store: &Store, id: DeadLetterId) -> Result<Option<ExpiredUploadRow>, AnswerError> {
    Fragment::new("SELECT ?fields FROM expired_uploads WHERE partition = {partition} AND offset = {offset}")
        .value("partition", id.partition)
        .value("offset", id.offset)
        .optional(&store.client)
        .await
}

/// The next offset of a partition that the views wait for.
pub(crate) async fn watermark_of(store: &Store, partition: u32) -> Result<u64, AnswerError> {
    let found: Option<u64> = Fragment::new("SELECT max(next_offset) FROM watermarks WHERE partition = {partition}")
        .value("partition", partition)
        .optional(&store.client)
        .await?;
    Ok(found.unwrap_or(0))
}
