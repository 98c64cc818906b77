//! Tests under more than one name: which results belong to which test, as somebody said to the intake.
//!
//! Data flow: whoever asks about tests reads the open renames of a suite once, as [`Renames`], and asks that which test a
//! result belongs to, or under which names, and when, the results of a test are found ([`Tenure`]).
//!
//! A rename gives what the former name did in runs that started before it to the new name. From one rename to the next,
//! time only goes forward: what a name was given up for later does not lead back, so that names may be swapped, used
//! again, and returned to, and every chain ends.

pub(crate) mod cache;
pub(crate) mod index;

use std::sync::Arc;

use schema::ids::TestId;
use schema::store::rows::RenameRow;
use schemars::JsonSchema;
use serde::Serialize;

use crate::error::AnswerError;
use crate::reads::renames;
use crate::store::Store;
use cache::{Remembered, TableState};
pub use index::OtherNames;
pub(crate) use index::{Renames, Tenure};

/// Renames of one suite that are looked at, the newest first.
pub const MAX_RENAMES: u64 = 100_000;

/// A rename as the API answers it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ListedRename {
    /// The suite.
    pub suite: String,
    /// The name that the test had.
    pub from: String,
    /// The name that it has now.
    pub to: String,
    /// When it was renamed, seconds since 1970: results of `from` in runs that started before belong to `to`.
    pub at: u32,
    /// When somebody said so, seconds since 1970.
    pub recorded_at: u32,
}

/// The open renames, those that were said last first: of a suite, or of all suites.
pub async fn find(store: &Store, suite: Option<&str>, limit: u64) -> Result<Vec<ListedRename>, AnswerError> {
    let rows = renames::open(store, suite, limit.min(MAX_RENAMES)).await?;
    let listed = |row: RenameRow| {
        let RenameRow { suite, from_test: from, to_test: to, renamed_at: at, recorded_at, .. } = row;
        ListedRename { suite, from, to, at, recorded_at }
    };
    Ok(rows.into_iter().map(listed).collect())
}

/// The other names of a test.
pub async fn other_names(store: &Store, suite: &str, test: &str) -> Result<OtherNames, AnswerError> {
    Ok(of_suite(store, suite).await?.other_names(test))
}

/// The open renames of a suite. Whatever else is uploaded, they are read again only when one was added.
pub(crate) async fn of_suite(store: &Store, suite: &str) -> Result<Arc<Renames>, AnswerError> {
    let watermark = store.watermark.known();
    let known = store.renames.get(suite).await;
    if let Some(known) = known.as_ref().filter(|known| watermark.is_some() && known.watermark == watermark) {
        return Ok(Arc::clone(&known.renames));
    }
    // The state is older than the rows, so that what is added in between is seen the next time.
    let state = renames::state(store, suite).await?;
    let renames = match known {
        Some(known) if known.state == state => known.renames,
        _ if state == TableState::default() => Arc::default(),
        _ => Arc::new(Renames::new(suite, &renames::open(store, Some(suite), MAX_RENAMES).await?)),
    };
    let read = Remembered { watermark, state, renames: Arc::clone(&renames) };
    store.renames.insert(suite, read).await;
    Ok(renames)
}

/// The times in which results belong to a test, under its own name and others.
pub(crate) async fn tenures(store: &Store, suite: &str, test: &str) -> Result<Vec<Tenure>, AnswerError> {
    Ok(of_suite(store, suite).await?.tenures(TestId::of(suite, test)))
}
