//! Reads results of changes under review.

use clickhouse::Row;
use schema::ids::{CommitKey, ConfigId};
use serde::Deserialize;

use super::statement::Fragment;
use super::test_names::of_prefixes;
use crate::ask::StartTimes;
use crate::error::AnswerError;
use crate::store::Store;

/// A stored result of a change under review; `result` and `details` are JSON, empty texts stand for nothing.
#[derive(Debug, Row, Deserialize)]
pub(crate) struct StoredEwsResult {
    pub(crate) test: String,
    pub(crate) config_id: ConfigId,
    pub(crate) uuid: CommitKey,
    pub(crate) sdk: String,
    pub(crate) start_time: u32,
    pub(crate) result: String,
    pub(crate) details: String,
    pub(crate) flaky_type: String,
}

/// Which of them are asked for.
pub(crate) struct EwsRows<'a> {
    pub(crate) flaky: bool,
    pub(crate) suite: &'a str,
    pub(crate) tests: &'a [String],
    pub(crate) branch: &'a str,
    pub(crate) started: StartTimes,
    pub(crate) sdks: &'a [String],
    pub(crate) limit: u64,
}

/// The newest results, at most `limit` of each test and configuration.
pub(crate) async fn newest(
    store: &Store,
    asked: &EwsRows<'_>,
    configurations: impl IntoIterator<Item = ConfigId>,
) -> Result<Vec<StoredEwsResult>, AnswerError> {
    let statement = Fragment::new(
        "SELECT ?fields FROM ews_results WHERE flaky = {flaky} AND suite = {suite} AND test IN {tests} \
         AND branch = {branch} AND config_id IN {config_ids} AND start_time BETWEEN {after} AND {before}{of_sdk} \
         ORDER BY start_time DESC, uuid LIMIT {limit} BY (test, config_id)",
    )
    .value("flaky", asked.flaky)
    .value("suite", asked.suite)
    .list("tests", asked.tests)
    .value("branch", asked.branch)
    .list("config_ids", configurations)
    .value("after", asked.started.after.unwrap_or(0))
    .value("before", asked.started.before.unwrap_or(u32::MAX))
    .value("limit", asked.limit);
    let statement = if asked.sdks.is_empty() {
        statement.text("of_sdk", "")
    } else {
        statement.text("of_sdk", " AND sdk IN {sdks}").list("sdks", asked.sdks)
    };
    statement.all(&store.client).await
}

/// Names of tests that have such results and begin with one of the prefixes, sorted, at most `limit` over all prefixes.
pub(crate) async fn test_names(
    store: &Store,
    flaky: bool,
    suite: &str,
    prefixes: &[String],
    limit: u64,
) -> Result<Vec<String>, AnswerError> {
    let names = Fragment::new(
        "SELECT DISTINCT test FROM ews_results WHERE flaky = {flaky} AND suite = {suite} \
         AND startsWith(test, {prefix}) ORDER BY test LIMIT {limit}",
    );
    of_prefixes(store, &names.value("flaky", flaky).value("suite", suite), prefixes, limit).await
}
