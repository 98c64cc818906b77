//! Reads which archives there are. Archives live eight weeks from the start of their run on, so that all of them are recent.

use clickhouse::Row;
use schema::ids::{CommitKey, ConfigId};
use serde::Deserialize;

use super::selection::{RunPlace, Selection};
use super::statement::Fragment;
use crate::error::AnswerError;
use crate::store::Store;

/// A stored archive.
#[derive(Debug, Row, Deserialize)]
pub(crate) struct StoredArchive {
    pub(crate) config_id: ConfigId,
    pub(crate) uuid: CommitKey,
    pub(crate) sdk: String,
    pub(crate) start_time: u32,
    /// What the blob store knows it by.
    pub(crate) digest: String,
    /// Bytes.
    pub(crate) size: u64,
}

impl StoredArchive {
    /// Where its run stands.
    pub(crate) fn place(&self) -> RunPlace {
        RunPlace { config_id: self.config_id, uuid: self.uuid, sdk: self.sdk.clone(), start_time: self.start_time }
    }
}

/// The newest archives of some suites, of all if none is named.
pub(crate) async fn newest(
    store: &Store,
    suites: &[&str],
    selection: &Selection,
) -> Result<Vec<StoredArchive>, AnswerError> {
    Fragment::new("SELECT ?fields FROM archives WHERE {selected} {newest}")
        .part("selected", &selection.of_archives(suites))
        .part("newest", &selection.newest_of_each("(config_id, suite)"))
        .all(&store.client)
        .await
}
