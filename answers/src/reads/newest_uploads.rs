//! Remembers which upload of each run is the newest, a week of commits at a time: results of other uploads were replaced.
//!
//! A statement that looks this up itself takes half as long again, and almost no run is uploaded twice.

use std::collections::HashSet;
use std::sync::Arc;

use clickhouse::Row;
use moka::future::Cache;
use schema::ids::{CommitKey, ConfigId};
use serde::Deserialize;

/// Uploads that are remembered; each takes some 40 bytes.
const MAX_UPLOADS: u64 = 1_000_000;

/// An upload within a suite and a branch, as [`super::selection::UPLOAD`] names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Row, Deserialize)]
pub(crate) struct Upload {
    /// The configuration without its SDK.
    pub(crate) config_id: ConfigId,
    /// The commit.
    pub(crate) uuid: CommitKey,
    /// The event's place in the log.
    pub(crate) version: u64,
}

pub(crate) type Uploads = Arc<HashSet<Upload>>;

/// A week of commits of a suite and a branch, as it was at a watermark.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Week {
    pub(crate) suite: String,
    pub(crate) branch: String,
    /// Seconds since 1970 at which it begins.
    pub(crate) begin: u64,
    pub(crate) watermark: u64,
}

/// The newest uploads of weeks.
#[derive(Clone)]
pub(crate) struct NewestUploads(Cache<Week, Uploads>);

impl NewestUploads {
    pub(crate) fn new() -> Self {
        let weight = |_: &Week, uploads: &Uploads| u32::try_from(uploads.len()).unwrap_or(u32::MAX).max(1);
        Self(Cache::builder().max_capacity(MAX_UPLOADS).weigher(weight).build())
    }

    /// What is remembered of a week.
    pub(crate) async fn get(&self, week: &Week) -> Option<Uploads> {
        self.0.get(week).await
    }

    /// Remembers the newest uploads of a week.
    pub(crate) async fn insert(&self, week: Week, newest: HashSet<Upload>) {
        self.0.insert(week, Arc::new(newest)).await;
    }
}
