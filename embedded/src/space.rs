//! Space on the disk of a folder.

use std::path::Path;

/// With less than this left, bytes, whatever the engine fails with is taken for a disk that is full: it says what it
/// missed afterwards, and not why.
const FULL: u64 = 16 << 20;

/// How many bytes are left; none where the file system does not say.
pub(crate) fn free(folder: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(folder).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// How many MiB are left on a disk that is full; none on any other.
pub(crate) fn left_on_full(folder: &Path) -> Option<u64> {
    left(free(folder)?)
}

fn left(free: u64) -> Option<u64> {
    (free < FULL).then_some(free >> 20)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_is_full_before_the_last_byte_is_taken() {
        assert_eq!([left(0), left(FULL - 1), left(FULL)], [Some(0), Some(15), None]);
        assert!(free(&std::env::temp_dir()).is_some() && free(Path::new("/no/such/folder")).is_none());
    }
}
