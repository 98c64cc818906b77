//! Reads the outcomes of whole runs: their surprises, and the rosters of their tests.

use std::collections::BTreeSet;

use clickhouse::Row;
use schema::ids::{CommitKey, ConfigId};
use schema::outcomes::roster::RosterId;
use serde::Deserialize;

use super::newest_uploads::Upload;
use super::selection::Selection;
use super::statement::Fragment;
use crate::error::AnswerError;
use crate::store::Store;

/// Rosters or commits that one statement names; each takes up to 40 bytes of its address.
const MAX_NAMED: usize = 4000;
/// Runs of which one statement reads outcomes. Whoever asks sees that one is missing.
const MAX_RUNS: u64 = 1_000_000;

/// What was not as usual in a run.
#[derive(Debug, Row, Deserialize)]
pub(crate) struct RunSurprises {
    config_id: ConfigId,
    uuid: CommitKey,
    version: u64,
    /// The bytes of them.
    #[serde(with = "serde_bytes")]
    pub(crate) surprises: Vec<u8>,
}

impl RunSurprises {
    /// The upload that they are of.
    pub(crate) fn upload(&self) -> Upload {
        Upload { config_id: self.config_id, uuid: self.uuid, version: self.version }
    }
}

/// The surprises of the selected runs of some commits.
pub(crate) async fn surprises(
    store: &Store,
    suite: &str,
    selection: &Selection,
    commits: &BTreeSet<CommitKey>,
) -> Result<Vec<RunSurprises>, AnswerError> {
    let statement = Fragment::new("SELECT ?fields FROM runs WHERE suite = {suite} AND {selected}")
        .part("selected", &selection.condition_of(suite))
        .value("suite", suite);
    of_commits(statement, Some(commits)).all(&store.client).await
}

/// What the failing tests of a run said.
#[derive(Debug, Row, Deserialize)]
pub(crate) struct RunMessages {
    pub(crate) config_id: ConfigId,
    pub(crate) uuid: CommitKey,
    /// Start of the run, seconds since 1970.
    pub(crate) start_time: u32,
    /// The list of its tests; none in rows of earlier versions, which have no messages either.
    pub(crate) roster: RosterId,
    /// The bytes of them.
    #[serde(with = "serde_bytes")]
    pub(crate) messages: Vec<u8>,
}

/// What was said in the selected runs, of some commits where these are given.
pub(crate) async fn messages(
    store: &Store,
    suite: &str,
    selection: &Selection,
    commits: Option<&BTreeSet<CommitKey>>,
) -> Result<Vec<RunMessages>, AnswerError> {
    let statement = Fragment::new("SELECT ?fields FROM runs WHERE suite = {suite} AND {selected}")
        .part("selected", &selection.condition_of_runs(suite))
        .value("suite", suite);
    of_commits(statement, commits).all(&store.client).await
}

/// The same of these commits alone, where they are not too many to be named, and bounded.
pub(super) fn of_commits(statement: Fragment, commits: Option<&BTreeSet<CommitKey>>) -> Fragment {
    let statement = match commits {
        Some(commits) if commits.len() <= MAX_NAMED => {
            statement.and("uuid IN {commits}").list("commits", commits.iter().copied())
        }
        _ => statement,
    };
    statement.limit(MAX_RUNS)
}

/// The content of a roster, or of a part of one.
#[derive(Debug, Row, Deserialize)]
pub(crate) struct RosterContent {
    pub(crate) id: RosterId,
    #[serde(with = "serde_bytes")]
    pub(crate) content: Vec<u8>,
}

/// The contents of some rosters or parts, in no order; what the store has not is left out.
pub(crate) async fn rosters(store: &Store, ids: &[RosterId]) -> Result<Vec<RosterContent>, AnswerError> {
    let mut found = Vec::with_capacity(ids.len());
    for some in ids.chunks(MAX_NAMED) {
        let statement = Fragment::new("SELECT id, content FROM rosters WHERE id IN {ids}");
        let statement = statement.list("ids", some.iter().copied()).limit(MAX_NAMED as u64);
        found.extend(statement.all::<RosterContent>(&store.client).await?);
    }
    Ok(found)
}
