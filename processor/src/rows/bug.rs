//! The row of a link between a bug and the failures that it explains.

use schema::bug::BugLink;
use schema::store::rows::BugRow;

use super::columns::{json, seconds};

/// The row of a link that was received at a time, seconds since 1970.
pub(super) fn row(link: BugLink, received_at: i64, version: u64) -> BugRow {
    let BugLink { suite, test, url, note, configuration, failure, is_open } = link;
    let (configuration, failure) = (json(&configuration), failure.unwrap_or_default());
    let linked_at = seconds(received_at);
    BugRow { suite, test, url, configuration, failure, note, is_open: u8::from(is_open), linked_at, version }
}
