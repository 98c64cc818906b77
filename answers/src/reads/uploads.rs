//! Reads uploads as they came.

use clickhouse::Row;
use schema::ids::{CommitKey, ConfigId};
use serde::Deserialize;

use super::selection::{RunPlace, RunRow, Selection};
use super::statement::Fragment;
use crate::error::AnswerError;
use crate::store::Store;

/// A stored upload.
#[derive(Debug, Row, Deserialize)]
pub(crate) struct StoredUpload {
    pub(crate) config_id: ConfigId,
    pub(crate) uuid: CommitKey,
    pub(crate) sdk: String,
    pub(crate) start_time: u32,
    /// The commits as JSON.
    pub(crate) commits: String,
    /// The document of the results as JSON.
    pub(crate) test_results: String,
}

impl RunRow for StoredUpload {
    fn config_id(&self) -> ConfigId {
        self.config_id
    }
}

/// The document of one run; none if it is not stored any more. A run's branch is not known here; its configuration,
/// commit and start tell it from others.
pub(crate) async fn document(store: &Store, suite: &str, run: &RunPlace) -> Result<Option<String>, AnswerError> {
    Fragment::new(
        "SELECT test_results FROM uploads WHERE suite = {suite} AND config_id = {config_id} AND uuid = {key} \
         AND sdk = {sdk} AND start_time = {start_time} LIMIT 1",
    )
    .value("suite", suite)
    .value("config_id", run.config_id)
    .value("key", run.uuid)
    .value("sdk", &run.sdk)
    .value("start_time", run.start_time)
    .optional(&store.client)
    .await
}

/// The newest uploads of a suite.
pub(crate) async fn newest(
    store: &Store,
    suite: &str,
    selection: &Selection,
) -> Result<Vec<StoredUpload>, AnswerError> {
    let ask = |selection: &Selection| {
        // Which they are is found without the documents, of which the store would otherwise sort far too many. Those found
        // are sorted again, for what does not fit beside newer weeks is cut from the end.
        Fragment::new(
            "SELECT ?fields FROM uploads WHERE suite = {suite} AND {selected} AND (config_id, uuid, sdk, start_time) IN \
             (SELECT config_id, uuid, sdk, start_time FROM uploads WHERE suite = {suite} AND {selected} {newest}) {newest}",
        )
        .part("selected", &selection.condition_of(suite))
        .part("newest", &selection.newest_of_each("config_id"))
        .value("suite", suite)
    };
    selection.newest(store, &[suite], ask).await
}

impl StoredUpload {
    /// Where its run stands.
    pub(crate) fn place(&self) -> RunPlace {
        RunPlace { config_id: self.config_id, uuid: self.uuid, sdk: self.sdk.clone(), start_time: self.start_time }
    }
}
