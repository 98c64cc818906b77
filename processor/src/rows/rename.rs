//! The row of a rename of a test.

use schema::rename::TestRename;
use schema::store::rows::RenameRow;

use super::columns::seconds;

/// The row of a rename that was received at a time, seconds since 1970.
pub(super) fn row(rename: TestRename, received_at: i64, version: u64) -> RenameRow {
    let TestRename { suite, from, to, at, is_open } = rename;
    RenameRow {
        suite,
        from_test: from,
        to_test: to,
        renamed_at: seconds(at),
        is_open: u8::from(is_open),
        recorded_at: seconds(received_at),
        version,
    }
}
