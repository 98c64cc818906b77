//! Reads who owns tests: which lists of owners the runs of a suite name, and the file that somebody sent.

use clickhouse::Row;
use schema::commit::branch_key;
use schema::ids::CommitKey;
use schema::outcomes::roster::RosterId;
use serde::Deserialize;

use super::statement::Fragment;
use crate::error::AnswerError;
use crate::store::Store;

/// Lists of owners that are looked at, those of the newest runs: parts of one run may each have their own.
const MAX_LISTS: u64 = 32;

/// A list of owners that runs name.
#[derive(Debug, Clone, PartialEq, Eq, Row, Deserialize)]
pub(crate) struct NamedList {
    /// The list.
    pub(crate) owners: RosterId,
    /// When the last of these runs started, seconds since 1970.
    pub(crate) newest: u32,
}

/// The lists of the runs on the default branch of a suite on commits since one, that of the newest run first.
pub(crate) async fn lists(store: &Store, suite: &str, since: CommitKey) -> Result<Vec<NamedList>, AnswerError> {
    // A run that was replaced is older than the one in its place, and says nothing about the order of others.
    let statement = Fragment::new(
        "SELECT owners, max(start_time) AS newest FROM runs \
         WHERE suite = {suite} AND branch = {branch} AND uuid >= {since} AND owners != 0 \
         GROUP BY owners ORDER BY max((start_time, version)) DESC, owners LIMIT {lists} SETTINGS final = 0",
    );
    let statement = statement.value("suite", suite).value("branch", branch_key(None)).value("since", since);
    statement.value("lists", MAX_LISTS).all(&store.client).await
}

/// The version of the file of a suite; none if there never was one.
pub(crate) async fn file_version(store: &Store, suite: &str) -> Result<Option<u64>, AnswerError> {
    let statement =
        Fragment::new("SELECT version FROM owner_files WHERE suite = {suite} ORDER BY version DESC LIMIT 1");
    statement.value("suite", suite).optional(&store.client).await
}

/// A file of owners.
#[derive(Debug, Clone, Row, Deserialize)]
pub(crate) struct StoredFile {
    /// Its text; empty once it was taken back.
    pub(crate) content: String,
    /// The folder in which the tests lie.
    pub(crate) folder: String,
}

/// The file of a suite.
pub(crate) async fn file(store: &Store, suite: &str) -> Result<Option<StoredFile>, AnswerError> {
    let statement =
        Fragment::new("SELECT content, folder FROM owner_files WHERE suite = {suite} ORDER BY version DESC LIMIT 1");
    statement.value("suite", suite).optional(&store.client).await
}
