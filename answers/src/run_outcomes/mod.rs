//! The outcomes of whole runs, kept in memory once they were read: what an upload said of its tests never changes.
//!
//! Data flow: the runs that count in the sessions of a suite → those that are not remembered are read, with the rosters that
//! no other run had → [`RunOutcomes`] of each. A question about the same weeks reads only what came since.

pub(crate) mod cache;
mod rosters;

pub(crate) use rosters::whole as rosters;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use schema::ids::CommitKey;
use schema::outcomes::roster::RosterId;

use crate::error::AnswerError;
use crate::reads::newest_uploads::Upload;
use crate::reads::run_outcomes;
use crate::reads::selection::Selection;
use crate::store::Store;
use cache::Key;
pub(crate) use cache::RunOutcomes;

/// Failures that the runs of a question may have together.
const MAX_FAILURES: u64 = 4_000_000;

/// An upload of which the outcomes are asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WantedRun {
    pub(crate) upload: Upload,
    /// The list of its tests, if that is known.
    pub(crate) roster: RosterId,
    /// How many tests failed unexpectedly.
    pub(crate) failed: u32,
}

/// What some uploads of a suite say, in their order. None if that is not known of one of them, which came before rosters were
/// kept, or if they have more failures than should be in memory at once.
pub(crate) async fn of_uploads(
    store: &Store,
    suite: &str,
    selection: &Selection,
    wanted: &[WantedRun],
) -> Result<Option<Vec<Arc<RunOutcomes>>>, AnswerError> {
    let failures: u64 = wanted.iter().map(|run| u64::from(run.failed)).sum();
    if failures > MAX_FAILURES || wanted.iter().any(|run| run.roster == RosterId::NONE) {
        return Ok(None);
    }
    let (suite_name, branch) = (Arc::<str>::from(suite), Arc::<str>::from(selection.branch.as_str()));
    let key = |upload: Upload| Key { suite: Arc::clone(&suite_name), branch: Arc::clone(&branch), upload };
    let known: Vec<Option<Arc<RunOutcomes>>> =
        wanted.iter().map(|run| store.outcomes.0.get(&key(run.upload))).collect();
    let missing = wanted.iter().zip(&known).filter(|(_, known)| known.is_none()).map(|(run, _)| run);
    let commits: BTreeSet<CommitKey> = missing.clone().map(|run| run.upload.uuid).collect();
    let ids: BTreeSet<RosterId> = missing.map(|run| run.roster).collect();
    let read = async {
        match commits.is_empty() {
            true => Ok(Vec::new()),
            false => run_outcomes::surprises(store, suite, selection, &commits).await,
        }
    };
    let (read, rosters) = tokio::try_join!(read, rosters::whole(store, &ids))?;
    let mut read: HashMap<Upload, Vec<u8>> =
        read.into_iter().map(|mut of| (of.upload(), std::mem::take(&mut of.surprises))).collect();
    let mut outcomes = Vec::with_capacity(wanted.len());
    for (WantedRun { upload, roster, .. }, known) in wanted.iter().zip(known) {
        let of_run = match known {
            Some(known) => known,
            None => {
                let Some(roster) = rosters.get(roster) else { return Ok(None) };
                // One that was replaced a moment ago is not there any more.
                let Some(surprises) = read.remove(upload) else { return Ok(None) };
                let of_run =
                    Arc::new(RunOutcomes { roster: Arc::clone(roster), surprises: surprises.into_boxed_slice() });
                store.outcomes.0.insert(key(*upload), Arc::clone(&of_run));
                of_run
            }
        };
        outcomes.push(of_run);
    }
    Ok(Some(outcomes))
}
