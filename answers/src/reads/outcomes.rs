//! Reads outcomes without details, for overviews of timelines: how many of which kind, by commit and by configuration.

use clickhouse::Row;
use schema::ids::{CommitKey, ConfigId};
use serde::Deserialize;

use super::selection::{Selection, Sources};
use crate::error::AnswerError;
use crate::renames::Tenure;
use crate::store::Store;

/// Rows of one timeline that are read at most.
const MAX_ROWS: u64 = 1_000_000;

/// A run's state is unexpected if a test failed unexpectedly: in the bits of results, 1 is CRASH and 256 PASS.
const ROWS: Sources = Sources {
    runs: "SELECT uuid, config_id, sdk, if(tests_unexpected_failed > 0, 1, 256) AS actual, 256 AS expected FROM runs",
    results: "SELECT uuid, config_id, sdk, actual, expected FROM results",
};

/// How many runs of a commit had these states.
#[derive(Debug, Row, Deserialize)]
pub(crate) struct CommitOutcomes {
    pub(crate) uuid: CommitKey,
    pub(crate) actual: u16,
    pub(crate) expected: u16,
    pub(crate) runs: u64,
}

/// How many runs of a configuration had these states.
#[derive(Debug, Row, Deserialize)]
pub(crate) struct ConfigurationOutcomes {
    pub(crate) config_id: ConfigId,
    pub(crate) sdk: String,
    pub(crate) newest: CommitKey,
    pub(crate) actual: u16,
    pub(crate) expected: u16,
    pub(crate) runs: u64,
}

/// By commit, newest first.
pub(crate) async fn by_commit(
    store: &Store,
    suite: &str,
    test: Option<&[Tenure]>,
    selection: &Selection,
) -> Result<Vec<CommitOutcomes>, AnswerError> {
    let fields = "uuid, toUInt16(actual) AS actual, toUInt16(expected) AS expected, count() AS runs";
    let tail = "GROUP BY uuid, actual, expected ORDER BY uuid DESC LIMIT {most}";
    selection.over(store, suite, test, ROWS, fields, tail).value("most", MAX_ROWS).all(&store.client).await
}

/// By configuration and SDK.
pub(crate) async fn by_configuration(
    store: &Store,
    suite: &str,
    test: Option<&[Tenure]>,
    selection: &Selection,
) -> Result<Vec<ConfigurationOutcomes>, AnswerError> {
    let fields = "config_id, sdk, max(uuid) AS newest, toUInt16(actual) AS actual, toUInt16(expected) AS expected, \
                  count() AS runs";
    let tail = "GROUP BY config_id, sdk, actual, expected";
    selection.over(store, suite, test, ROWS, fields, tail).all(&store.client).await
}
