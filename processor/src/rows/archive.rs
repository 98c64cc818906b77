//! The rows of an archive: files of a run, which lie in the blob store.

use schema::expiry::Expiry;
use schema::store::results::Run;
use schema::store::rows::ArchiveRow;

use super::event_rows::EventRows;

/// Adds an archive of runs: `digest` names its contents in the blob store, `size` is their length in bytes. An archive
/// whose time was over when it was received is not stored.
pub(super) fn add(rows: &mut EventRows, runs: Vec<Run>, digest: &str, size: u64, received_at: i64) {
    let is_kept = |run: &Run| Expiry::of_archive(i64::from(run.start_time), received_at).is_none();
    rows.archives.extend(runs.into_iter().filter(is_kept).map(|run| row(run, digest, size)));
}

fn row(run: Run, digest: &str, size: u64) -> ArchiveRow {
    let Run { suite, branch, config_id, uuid, sdk, start_time, version } = run;
    ArchiveRow { suite, branch, config_id, uuid, sdk, start_time, digest: digest.to_owned(), size, version }
}
