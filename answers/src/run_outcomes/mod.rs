//! The outcomes of whole runs, kept in memory once they were read: what an upload said of its tests never changes.
//!
//! Data flow: the runs that count in the sessions of a suite → those that are not remembered are read, with the rosters that
//! no other run had → [`RunOutcomes`] of each. A question about the same weeks reads only what came since.

mod rosters;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use moka::sync::Cache;
use schema::ids::{CommitKey, TestId};
use schema::outcomes::roster::{RosterId, WholeRoster};
use schema::outcomes::{Outcome, Surprise, surprises};
use schema::state::State;

use crate::error::AnswerError;
use crate::reads::newest_uploads::Upload;
use crate::reads::run_outcomes;
use crate::reads::selection::Selection;
use crate::store::Store;
pub(crate) use rosters::RosterCache;

/// Bytes of surprises that are remembered.
const MAX_BYTES: u64 = 64 << 20;
/// Failures that the runs of a question may have together.
const MAX_FAILURES: u64 = 4_000_000;
/// About what an entry takes beside its surprises.
const ENTRY_BYTES: usize = 200;

/// What the tests of a run did.
#[derive(Debug)]
pub(crate) struct RunOutcomes {
    /// Who ran.
    pub(crate) roster: Arc<WholeRoster>,
    /// The bytes of its surprises, by test.
    surprises: Box<[u8]>,
}

impl RunOutcomes {
    /// What was not as usual, by test.
    pub(crate) fn surprises(&self) -> impl Iterator<Item = Surprise> + '_ {
        surprises(&self.surprises)
    }

    /// What was not as usual of a test.
    pub(crate) fn surprise(&self, test: TestId) -> Option<Outcome> {
        let found = surprises(&self.surprises).find(|surprise| surprise.test >= test);
        found.filter(|surprise| surprise.test == test).map(|surprise| surprise.outcome)
    }

    /// The tests that failed, by id, each with its worst state; where only what was unexpected counts, its worst unexpected
    /// one.
    pub(crate) fn failing(&self, unexpected: bool) -> Vec<(TestId, State)> {
        let state = |outcome: &Outcome| match unexpected {
            true => outcome.worst_unexpected(),
            false => outcome.actual.worst_state(),
        };
        let failed = |(test, state): &(TestId, State)| state.is_failure().then_some((*test, *state));
        let mut surprising = self.surprises().map(|one| (one.test, state(&one.outcome))).peekable();
        if unexpected {
            return surprising.filter_map(|one| failed(&one)).collect();
        }
        let mut failing = Vec::new();
        for (test, expected) in self.roster.expectations.iter().flat_map(|part| part.iter()) {
            let test = TestId(*test);
            while let Some(before) = surprising.next_if(|(other, _)| *other < test) {
                failing.extend(failed(&before));
            }
            let usual = (test, state(&Outcome::usual(*expected)));
            failing.extend(failed(&surprising.next_if(|(other, _)| *other == test).unwrap_or(usual)));
        }
        failing.extend(surprising.filter_map(|one| failed(&one)));
        failing
    }

    /// What a test did that was no surprise; none if it did not run.
    pub(crate) fn usual(&self, test: TestId) -> Option<Outcome> {
        self.roster.expected(test).map(Outcome::usual)
    }
}

/// An upload among those of all suites and branches.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    suite: Arc<str>,
    branch: Arc<str>,
    upload: Upload,
}

/// The outcomes of runs that were asked for.
#[derive(Clone)]
pub(crate) struct OutcomesCache(Cache<Key, Arc<RunOutcomes>>);

impl OutcomesCache {
    pub(crate) fn new() -> Self {
        let weight =
            |_: &Key, of: &Arc<RunOutcomes>| u32::try_from(of.surprises.len() + ENTRY_BYTES).unwrap_or(u32::MAX);
        Self(Cache::builder().max_capacity(MAX_BYTES).weigher(weight).build())
    }
}

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
