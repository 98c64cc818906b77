//! Who owns tests: patterns of the configuration, files that somebody sent to the intake, and what uploads say.
//!
//! Data flow: whoever lists tests asks for the [`OwnerIndex`] of a suite once, and asks that for each test. The index is made
//! of the lists that the newest runs on the default branch name and of the file, and is made anew only when one of them is
//! another.

pub(crate) mod cache;
pub(crate) mod index;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use schema::ids::CommitKey;
use schema::outcomes::owners::{OwnedTests, owned_tests, parts_of};
use schema::outcomes::roster::RosterId;
use schema::owners::OwnersFile;
use schema::seconds::WEEK;

use crate::error::AnswerError;
use crate::reads::owners as reads;
use crate::reads::run_outcomes::{self, RosterContent};
use crate::renames;
use crate::store::Store;
use cache::Remembered;
use index::{AskedFile, SaidList};
pub use index::{OwnerIndex, OwnerPattern};

/// Weeks of commits whose runs say who owns tests: a test that did not run on a later one is owned by nobody.
const WEEKS: u64 = 8;

/// Who owns the tests of a suite.
pub async fn of_suite(store: &Store, suite: &str) -> Result<Arc<OwnerIndex>, AnswerError> {
    let watermark = store.watermark.known();
    let known = store.owners.suites.get(suite).await;
    if let Some(known) = known.as_ref().filter(|known| watermark.is_some() && known.watermark == watermark) {
        return Ok(Arc::clone(&known.index));
    }
    let since = CommitKey::start_of(store.clock.now().saturating_sub(WEEKS * WEEK));
    let (lists, version, renames) = tokio::try_join!(
        reads::lists(store, suite, since),
        reads::file_version(store, suite),
        renames::of_suite(store, suite)
    )?;
    let ids: Vec<RosterId> = lists.iter().map(|list| list.owners).collect();
    let is_same =
        |known: &&Remembered| known.lists == ids && known.file.0 == version && Arc::ptr_eq(&known.renames, &renames);
    let made = match known.as_ref().filter(is_same) {
        Some(known) => Remembered { watermark, ..known.clone() },
        None => {
            let file = match known.filter(|known| known.file.0 == version) {
                Some(known) => known.file,
                None => (version, file(store, suite, version).await?),
            };
            let parts = parts(store, &ids).await?;
            let said = lists.iter().zip(parts).map(|(list, parts)| SaidList { newest: list.newest, parts });
            let said: Vec<SaidList> = said.collect();
            let index = OwnerIndex::new(suite, &store.owner_patterns, Arc::clone(&file.1), &said, &renames);
            Remembered { watermark, lists: ids, file, renames, index: Arc::new(index) }
        }
    };
    let index = Arc::clone(&made.index);
    store.owners.suites.insert(suite.to_owned(), made).await;
    Ok(index)
}

/// The file of a suite, which says nothing if there is none.
async fn file(store: &Store, suite: &str, version: Option<u64>) -> Result<Arc<AskedFile>, AnswerError> {
    if version.is_none() {
        return Ok(Arc::default());
    }
    let stored = reads::file(store, suite).await?;
    let asked = stored.map(|stored| AskedFile { rules: OwnersFile::parse(&stored.content), folder: stored.folder });
    Ok(Arc::new(asked.unwrap_or_default()))
}

/// The parts of some lists, list by list. What the store has not says nothing.
async fn parts(store: &Store, lists: &[RosterId]) -> Result<Vec<Vec<Arc<Vec<OwnedTests>>>>, AnswerError> {
    if lists.is_empty() {
        return Ok(Vec::new());
    }
    let roots: HashMap<RosterId, Vec<RosterId>> = run_outcomes::rosters(store, lists)
        .await?
        .into_iter()
        .filter_map(|RosterContent { id, content }| Some((id, parts_of(&content)?)))
        .collect();
    let ids: BTreeSet<RosterId> = roots.values().flatten().copied().collect();
    let mut known: HashMap<RosterId, Arc<Vec<OwnedTests>>> = HashMap::with_capacity(ids.len());
    let mut missing = Vec::new();
    for id in ids {
        match store.owners.parts.get(&id).await {
            Some(part) => drop(known.insert(id, part)),
            None => missing.push(id),
        }
    }
    for RosterContent { id, content } in run_outcomes::rosters(store, &missing).await? {
        let part = Arc::new(owned_tests(&content).unwrap_or_default());
        store.owners.parts.insert(id, Arc::clone(&part)).await;
        known.insert(id, part);
    }
    let of_list = |list: &RosterId| {
        let parts = roots.get(list).into_iter().flatten();
        parts.filter_map(|part| known.get(part).cloned()).collect()
    };
    Ok(lists.iter().map(of_list).collect())
}
