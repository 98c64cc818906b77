//! The row of what was said of some failures of a test.

use schema::quarantine::QuarantineEntry;
use schema::store::rows::QuarantineRow;

use super::columns::{json, seconds};

/// The row of an entry that was received at a time, seconds since 1970.
pub(super) fn row(entry: QuarantineEntry, received_at: i64, version: u64) -> QuarantineRow {
    let QuarantineEntry { suite, test, configuration, failure, reason, owner, bug, by, since, until, release } = entry;
    let recorded_at = seconds(received_at);
    QuarantineRow {
        suite,
        test,
        configuration: json(&configuration),
        failure: failure.unwrap_or_default(),
        reason,
        owner,
        bug,
        parked_by: by,
        since: seconds(since),
        until: seconds(until),
        released_at: if release.is_some() { recorded_at } else { 0 },
        released_by: release.map(|release| release.by).unwrap_or_default(),
        recorded_at,
        version,
    }
}
