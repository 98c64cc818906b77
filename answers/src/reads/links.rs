//! Reads links of runs to their CI, and of suites to the queues that run them.

use clickhouse::Row;
use schema::ids::{CommitKey, ConfigId};
use serde::Deserialize;

use super::selection::{RunPlace, RunRow, Selection};
use super::statement::Fragment;
use crate::error::AnswerError;
use crate::store::Store;

/// Places of runs that are looked up at once.
const MAX_PLACES: u64 = 20_000;

/// The links of one run; an empty text is no link.
#[derive(Debug, Row, Deserialize)]
pub(crate) struct StoredLinks {
    pub(crate) config_id: ConfigId,
    pub(crate) suite: String,
    pub(crate) uuid: CommitKey,
    pub(crate) sdk: String,
    pub(crate) start_time: u32,
    pub(crate) queue: String,
    pub(crate) build: String,
    pub(crate) worker: String,
}

impl StoredLinks {
    /// Where its run stands.
    pub(crate) fn place(&self) -> RunPlace {
        RunPlace { config_id: self.config_id, uuid: self.uuid, sdk: self.sdk.clone(), start_time: self.start_time }
    }
}

impl RunRow for StoredLinks {
    fn config_id(&self) -> ConfigId {
        self.config_id
    }

    fn suite(&self) -> Option<&str> {
        Some(&self.suite)
    }
}

/// The links of the newest runs of some suites, of all if none is named.
pub(crate) async fn newest(
    store: &Store,
    suites: &[&str],
    selection: &Selection,
) -> Result<Vec<StoredLinks>, AnswerError> {
    let ask = |selection: &Selection| {
        Fragment::new("SELECT ?fields FROM links WHERE {selected} {newest}")
            .part("selected", &selection.of_suites(suites))
            .part("newest", &selection.newest_of_each("(config_id, suite)"))
    };
    selection.newest(store, suites, ask).await
}

/// The queue that runs a suite.
#[derive(Debug, Row, Deserialize)]
pub(crate) struct StoredQueue {
    pub(crate) config_id: ConfigId,
    pub(crate) suite: String,
    pub(crate) sdk: String,
    pub(crate) queue: String,
}

/// The queues of some configurations, at most `limit` of each configuration and suite.
pub(crate) async fn queues(
    store: &Store,
    branch: &str,
    configurations: impl IntoIterator<Item = ConfigId>,
    limit: u64,
) -> Result<Vec<StoredQueue>, AnswerError> {
    Fragment::new(
        "SELECT ?fields FROM queues WHERE branch = {branch} AND config_id IN {config_ids} \
         ORDER BY suite, sdk LIMIT {limit} BY (config_id, suite)",
    )
    .value("branch", branch)
    .list("config_ids", configurations)
    .value("limit", limit)
    .all(&store.client)
    .await
}

/// The runs of a suite that have a link to their build.
pub(crate) async fn places_with_build(
    store: &Store,
    suite: &str,
    selection: &Selection,
) -> Result<Vec<RunPlace>, AnswerError> {
    places(store, "links", "build != ''", suite, selection).await
}

/// The runs of a suite that left an archive behind.
pub(crate) async fn places_with_archive(
    store: &Store,
    suite: &str,
    selection: &Selection,
) -> Result<Vec<RunPlace>, AnswerError> {
    places(store, "archives", "size > 0", suite, selection).await
}

async fn places(
    store: &Store,
    table: &str,
    condition: &str,
    suite: &str,
    selection: &Selection,
) -> Result<Vec<RunPlace>, AnswerError> {
    Fragment::new("SELECT ?fields FROM {table} WHERE suite = {suite} AND {condition} AND {selected} LIMIT {most}")
        .text("table", table)
        .text("condition", condition)
        .part("selected", &selection.condition_of(suite))
        .value("suite", suite)
        .value("most", MAX_PLACES)
        .all(&store.client)
        .await
}
