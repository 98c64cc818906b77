//! What changed in a suite, found once for the same histories: whoever asks for a part of it, whatever part, asks for what is
//! known already, until a run comes.
//!
//! Data flow: everything that [`analysis::changes`] looks at, or what that follows from → a fingerprint → the changes.

use std::hash::{BuildHasher, DefaultHasher, Hasher, RandomState};
use std::sync::Arc;

use analysis::changes::{Change, Member};
use moka::sync::Cache;
use schema::ids::CommitKey;

/// Bytes of changes that are remembered.
const MAX_BYTES: u64 = 32 << 20;
/// About what a change takes beside its members and its likely commits.
const CHANGE_BYTES: usize = 150;

/// What is remembered of changes.
#[derive(Clone)]
pub(crate) struct ChangeCache {
    changes: Cache<u64, Arc<Vec<Change>>>,
    /// The key of fingerprints, which nobody knows who could send runs that look like others.
    key: RandomState,
}

impl ChangeCache {
    pub(crate) fn new() -> Self {
        let weight = |_: &u64, of: &Arc<Vec<Change>>| u32::try_from(bytes(of)).unwrap_or(u32::MAX);
        let changes = Cache::builder().max_capacity(MAX_BYTES).weigher(weight).build();
        Self { changes, key: RandomState::new() }
    }

    /// The changes that are found in what is hashed.
    pub(crate) fn of(
        &self,
        hash: impl FnOnce(&mut DefaultHasher),
        find: impl FnOnce() -> Vec<Change>,
    ) -> Arc<Vec<Change>> {
        let mut hasher = self.key.build_hasher();
        hash(&mut hasher);
        self.changes.get_with(hasher.finish(), || Arc::new(find()))
    }
}

fn bytes(changes: &[Change]) -> usize {
    let of = |change: &Change| {
        CHANGE_BYTES + change.members.len() * size_of::<Member>() + change.likely.len() * size_of::<(CommitKey, f64)>()
    };
    changes.iter().map(of).sum()
}
