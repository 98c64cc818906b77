//! What is remembered of which branches runs name: what an upload said of its commits never changes.

use std::sync::Arc;

use moka::sync::Cache;

use crate::run_outcomes::cache::Key;

/// Runs that are remembered; each takes some 200 bytes.
const MAX_RUNS: u64 = 200_000;

/// Branches of repositories, each as repository and branch. Most runs of a suite share a list.
pub(super) type Named = Arc<[(String, String)]>;

/// The branches that runs name.
#[derive(Clone)]
pub(crate) struct NamedBranches(Cache<Key, Named>);

impl NamedBranches {
    pub(crate) fn new() -> Self {
        Self(Cache::new(MAX_RUNS))
    }

    /// Those of a run, if they are remembered.
    pub(super) fn get(&self, run: &Key) -> Option<Named> {
        self.0.get(run)
    }

    /// Remembers those of a run.
    pub(super) fn insert(&self, run: Key, named: Named) {
        self.0.insert(run, named);
    }
}
