//! The row of a link between a bug and the failures that it explains.

use schema::bug::BugLink;
use schema::store::rows::BugRow;

use super::columns::{json, seconds};

/// The row of a link that was received at a time, seconds since 1970.
pub(super) fn row(link: BugLink, received_at: i64, version: u64) -> BugRow {
    let BugLink { suite, test, url, note, configuration, failure, message, is_open } = link;
    BugRow {
        suite,
        test,
        url,
        configuration: json(&configuration),
        failure: failure.unwrap_or_default(),
        message: message.unwrap_or_default(),
        note,
        is_open: u8::from(is_open),
        linked_at: seconds(received_at),
        version,
    }
}
