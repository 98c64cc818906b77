//! Files of the repository that tests read.

use std::path::{Path, PathBuf};

/// A file or folder of the repository, by its path from the root.
pub fn path(relative: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(relative)
}

/// An example configuration by its file name; `webkit.toml` mirrors the server that the contract was recorded from.
pub fn example(name: &str) -> PathBuf {
    path("examples").join(name)
}
