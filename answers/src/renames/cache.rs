//! Remembers the renames of suites, until a row is added.

use std::sync::Arc;

use clickhouse::Row;
use moka::future::Cache;
use serde::Deserialize;

use super::index::Renames;

/// Renames that are remembered over all suites.
const MAX_REMEMBERED: u64 = 1_000_000;

/// What changes with every row that is added to the renames of a suite; zeros if there is none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Row, Deserialize)]
pub(crate) struct TableState {
    rows: u64,
    /// Sum of the versions, modulo 2^64.
    versions: u64,
}

/// Renames of suites as they were read last.
#[derive(Clone)]
pub(crate) struct RenamesCache(Cache<String, Remembered>);

/// Renames of a suite, and of what state of the views they are.
#[derive(Clone)]
pub(crate) struct Remembered {
    pub(crate) watermark: Option<u64>,
    pub(crate) state: TableState,
    pub(crate) renames: Arc<Renames>,
}

impl RenamesCache {
    pub(crate) fn new() -> Self {
        let weight = |_: &String, of: &Remembered| u32::try_from(of.renames.len()).unwrap_or(u32::MAX).max(1);
        Self(Cache::builder().max_capacity(MAX_REMEMBERED).weigher(weight).build())
    }

    /// What is remembered of a suite.
    pub(crate) async fn get(&self, suite: &str) -> Option<Remembered> {
        self.0.get(suite).await
    }

    /// Remembers the renames of a suite.
    pub(crate) async fn insert(&self, suite: &str, read: Remembered) {
        self.0.insert(suite.to_owned(), read).await;
    }
}
