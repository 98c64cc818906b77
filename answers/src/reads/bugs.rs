//! Reads the open links of bugs to tests.

use schema::store::rows::BugRow;

use super::statement::Fragment;
use crate::error::AnswerError;
use crate::store::Store;

/// The open links of a suite, of all suites if none is named; the newest first.
pub(crate) async fn open(store: &Store, suite: Option<&str>, limit: u64) -> Result<Vec<BugRow>, AnswerError> {
    let statement = Fragment::new(
        "SELECT ?fields FROM bugs WHERE {of_suite}is_open = 1 AND linked_at <= {known_until} \
         ORDER BY version DESC, test, url LIMIT {limit}",
    )
    .value("known_until", store.known_until.unwrap_or(u32::MAX))
    .value("limit", limit);
    statement.of_suite(suite).all(&store.client).await
}
