//! Remembers who owns the tests of suites, until somebody says something else.

use std::sync::Arc;

use moka::future::Cache;
use schema::outcomes::owners::OwnedTests;
use schema::outcomes::roster::RosterId;

use super::index::{AskedFile, OwnerIndex};
use crate::renames::index::Renames;

/// Suites that are remembered.
const MAX_SUITES: u64 = 200;
/// Bytes of parts of lists that are remembered.
const MAX_BYTES: u64 = 16 << 20;

/// Owners of suites as they were read last.
#[derive(Clone)]
pub(crate) struct OwnersCache {
    pub(super) suites: Cache<String, Remembered>,
    pub(super) parts: Cache<RosterId, Arc<Vec<OwnedTests>>>,
}

/// Owners of a suite, and what they were made of.
#[derive(Clone)]
pub(super) struct Remembered {
    pub(super) watermark: Option<u64>,
    /// The lists of its newest runs, in their order.
    pub(super) lists: Vec<RosterId>,
    /// The version of its file, and what that says.
    pub(super) file: (Option<u64>, Arc<AskedFile>),
    pub(super) renames: Arc<Renames>,
    pub(super) index: Arc<OwnerIndex>,
}

impl OwnersCache {
    pub(crate) fn new() -> Self {
        let weight = |_: &RosterId, part: &Arc<Vec<OwnedTests>>| {
            let bytes = part.iter().map(|(owners, tests)| {
                owners.iter().map(|owner| owner.len() + size_of::<String>()).sum::<usize>() + size_of_val(&**tests)
            });
            u32::try_from(bytes.sum::<usize>() + 64).unwrap_or(u32::MAX)
        };
        Self {
            suites: Cache::builder().max_capacity(MAX_SUITES).build(),
            parts: Cache::builder().max_capacity(MAX_BYTES).weigher(weight).build(),
        }
    }
}
