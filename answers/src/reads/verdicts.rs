//! Reads and keeps verdicts that were given, in the table `verdicts`, which no event fills and no rebuild touches.

use clickhouse::Row;
use serde::{Deserialize, Serialize};

use super::statement::Fragment;
use crate::error::AnswerError;
use crate::store::Store;

/// Verdicts that are graded at once.
const MOST: u64 = 100_000;

/// A verdict that was given.
#[derive(Debug, Clone, Row, Serialize, Deserialize)]
pub(crate) struct GivenVerdict {
    pub(crate) suite: String,
    /// When it was asked for, seconds since 1970.
    pub(crate) asked_at: u32,
    /// Branch key.
    pub(crate) branch: String,
    /// The change that asked; empty if it named none.
    pub(crate) change: String,
    pub(crate) test: String,
    /// Name of the verdict.
    pub(crate) verdict: String,
    /// The observed state, a position in [`schema::state::NAMES`].
    pub(crate) state: u8,
    /// Version of the rule.
    pub(crate) rule: String,
}

/// Keeps verdicts.
pub(crate) async fn keep(store: &Store, given: impl Iterator<Item = GivenVerdict>) -> Result<(), AnswerError> {
    let mut insert = store.client.insert::<GivenVerdict>("verdicts").await?;
    for one in given {
        insert.write(&one).await?;
    }
    Ok(insert.end().await?)
}

/// The verdicts given since a time, seconds since 1970, of one suite or of all; the newest of them where there are too many,
/// and whether there are.
pub(crate) async fn since(
    store: &Store,
    suite: Option<&str>,
    time: u64,
) -> Result<(Vec<GivenVerdict>, bool), AnswerError> {
    let statement = Fragment::new(
        "SELECT ?fields FROM verdicts WHERE {of_suite}asked_at >= {since} ORDER BY asked_at DESC LIMIT {most}",
    );
    let statement = statement.of_suite(suite).value("since", time).value("most", MOST + 1);
    let mut given: Vec<GivenVerdict> = statement.all(&store.client).await?;
    let are_more = given.len() as u64 > MOST;
    given.truncate(MOST as usize);
    Ok((given, are_more))
}
