//! Reads what was said of failures that do not count.

use schema::store::rows::QuarantineRow;

use super::statement::Fragment;
use crate::error::AnswerError;
use crate::store::Store;

/// What was last said of each, of a suite, of all suites if none is named; what was said last first.
pub(crate) async fn all(store: &Store, suite: Option<&str>, limit: u64) -> Result<Vec<QuarantineRow>, AnswerError> {
    let statement = Fragment::new(
        "SELECT ?fields FROM quarantine WHERE {of_suite}true \
         ORDER BY version DESC, suite, test, configuration, failure LIMIT {limit}",
    );
    statement.value("limit", limit).of_suite(suite).all(&store.client).await
}

/// Those that are in force at a time, seconds since 1970.
pub(crate) async fn in_force(
    store: &Store,
    suite: Option<&str>,
    now: u64,
    limit: u64,
) -> Result<Vec<QuarantineRow>, AnswerError> {
    let statement = Fragment::new(
        "SELECT ?fields FROM quarantine WHERE {of_suite}(released_at = 0 OR released_at > {known_until}) AND until > {now} \
         AND since <= {known_until} \
         ORDER BY version DESC, suite, test, configuration, failure LIMIT {limit}",
    );
    let statement = statement.value("known_until", store.known_until.unwrap_or(u32::MAX));
    statement.value("limit", limit).value("now", now).of_suite(suite).all(&store.client).await
}
