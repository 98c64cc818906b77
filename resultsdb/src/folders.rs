//! Whether folders are there: what the system does not let this user see is not taken for what is not there.

use std::io::{Error, ErrorKind};
use std::path::Path;

/// Whether there is a folder at a path.
///
/// # Errors
/// The system does not say, because this user may not look, or because the disk fails.
pub(crate) fn is_there(path: &Path) -> Result<bool, Error> {
    match std::fs::metadata(path) {
        Ok(found) => Ok(found.is_dir()),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_looked_at_is_not_taken_for_missing() {
        let folder = tempfile::tempdir().unwrap();
        let (file, circle) = (folder.path().join("file"), folder.path().join("circle"));
        std::fs::write(&file, "").unwrap();
        std::os::unix::fs::symlink(&circle, &circle).unwrap();
        assert!(is_there(folder.path()).unwrap());
        assert!(
            [folder.path().join("none"), file.clone(), file.join("below")].iter().all(|path| !is_there(path).unwrap())
        );
        assert!(is_there(&circle).is_err());
    }
}
