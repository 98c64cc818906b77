//! Reads when runs were received.

use std::collections::BTreeSet;

use clickhouse::Row;
use schema::ids::{CommitKey, ConfigId};
use serde::Deserialize;

use super::selection::Selection;
use super::statement::Fragment;
use crate::error::AnswerError;
use crate::store::Store;

/// Runs that one question looks at.
const MAX_RUNS: u64 = 200_000;

/// When a run was received.
#[derive(Debug, Clone, Copy, Row, Deserialize)]
pub(crate) struct ReceivedRun {
    pub(crate) config_id: ConfigId,
    pub(crate) uuid: CommitKey,
    /// Start of the run, seconds since 1970.
    pub(crate) start_time: u32,
    /// Seconds since 1970; 0 where that is not known.
    pub(crate) received: u32,
}

/// When the selected runs of a suite on some commits were received, in no order.
pub(crate) async fn runs(
    store: &Store,
    suite: &str,
    selection: &Selection,
    commits: &BTreeSet<CommitKey>,
) -> Result<Vec<ReceivedRun>, AnswerError> {
    if commits.is_empty() {
        return Ok(Vec::new());
    }
    Fragment::new(
        "SELECT config_id, uuid, start_time, min(received_at) AS received FROM runs \
         WHERE suite = {suite} AND uuid IN {commits} AND {selected} GROUP BY config_id, uuid, start_time LIMIT {most}",
    )
    .list("commits", commits.iter().copied())
    .part("selected", &selection.condition_of_runs(suite))
    .value("suite", suite)
    .value("most", MAX_RUNS)
    .all(&store.client)
    .await
}
