//! Tells results of the newest upload of each run from those that it replaced.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use schema::ids::CommitKey;
use schema::seconds::{WEEK, monday};

use super::newest_uploads::{Upload, Week};
use super::statement::Fragment;
use crate::error::AnswerError;
use crate::store::Store;

/// Whether each of these uploads is the newest of its run.
pub(crate) async fn are_newest(
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
        match store.newest_uploads.get(&key(*week)).await {
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
        store.newest_uploads.insert(key(week), newest).await;
    }
    Ok(all)
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
