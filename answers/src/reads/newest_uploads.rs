//! Remembers which upload of each run is the newest, a week of commits at a time: results of other uploads were replaced.
//!
//! A statement that looks this up itself takes half as long again, and almost no run is uploaded twice.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use clickhouse::Row;
use moka::future::Cache;
use schema::ids::{CommitKey, ConfigId};
use schema::seconds::{WEEK, monday};
use serde::Deserialize;

use super::statement::Fragment;
use crate::error::AnswerError;
use crate::store::Store;

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

type Uploads = Arc<HashSet<Upload>>;

/// A week of commits of a suite and a branch, as it was at a watermark.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Week {
    suite: String,
    branch: String,
    /// Seconds since 1970 at which it begins.
    begin: u64,
    watermark: u64,
}

/// The newest uploads of weeks.
#[derive(Clone)]
pub(crate) struct NewestUploads(Cache<Week, Uploads>);

impl NewestUploads {
    pub(crate) fn new() -> Self {
        let weight = |_: &Week, uploads: &Uploads| u32::try_from(uploads.len()).unwrap_or(u32::MAX).max(1);
        Self(Cache::builder().max_capacity(MAX_UPLOADS).weigher(weight).build())
    }

    /// Whether each of these uploads is the newest of its run.
    pub(crate) async fn are_all(
        &self,
        store: &Store,
        suite: &str,
        branch: &str,
        uploads: &[Upload],
    ) -> Result<bool, AnswerError> {
        let mut by_week: BTreeMap<u64, Vec<&Upload>> = BTreeMap::new();
        for upload in uploads {
            by_week.entry(week_of(upload.uuid)).or_default().push(upload);
        }
        let watermark = store.watermark.latest();
        let key = |begin| Week { suite: suite.to_owned(), branch: branch.to_owned(), begin, watermark };
        let mut unknown = BTreeSet::new();
        for (week, uploads) in &by_week {
            match self.0.get(&key(*week)).await {
                Some(newest) if uploads.iter().all(|upload| newest.contains(upload)) => {}
                Some(_) => return Ok(false),
                None => {
                    unknown.insert(*week);
                }
            }
        }
        let (Some(first), Some(last)) = (unknown.first(), unknown.last()) else { return Ok(true) };
        let mut read: BTreeMap<u64, HashSet<Upload>> = unknown.iter().map(|week| (*week, HashSet::new())).collect();
        for upload in load(store, suite, branch, *first, last + WEEK).await? {
            if let Some(of_week) = read.get_mut(&week_of(upload.uuid)) {
                of_week.insert(upload);
            }
        }
        let is_newest = |week: &u64, upload: &Upload| read.get(week).is_some_and(|newest| newest.contains(upload));
        let all = unknown.iter().all(|week| by_week[week].iter().all(|upload| is_newest(week, upload)));
        for (week, newest) in read {
            self.0.insert(key(week), Arc::new(newest)).await;
        }
        Ok(all)
    }
}

fn week_of(commit: CommitKey) -> u64 {
    monday(i64::try_from(commit.time()).unwrap_or(i64::MAX)).max(0) as u64
}

/// The newest uploads of commits from one time up to another, seconds since 1970.
async fn load(store: &Store, suite: &str, branch: &str, from: u64, until: u64) -> Result<Vec<Upload>, AnswerError> {
    Fragment::new(
        "SELECT ?fields FROM runs WHERE suite = {suite} AND branch = {branch} AND uuid BETWEEN {first} AND {last}",
    )
    .value("suite", suite)
    .value("branch", branch)
    .value("first", CommitKey::start_of(from))
    .value("last", CommitKey::start_of(until).previous())
    .all(&store.client)
    .await
}
