//! How far an import is, in a file that the next call reads.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};

use super::ORDERS;

/// Runs of a commit come late: an import that is repeated after it was whole begins so far before its end. uuids.
const LATE: u64 = 14 * 24 * 3600 * ORDERS;

#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    from: String,
    to: String,
    /// Whether the last import came to its end.
    whole: bool,
    /// By partition, the uuid from which uploads are still to come.
    next: BTreeMap<String, u64>,
}

/// The file and what it holds.
#[derive(Debug)]
pub(super) struct State {
    path: PathBuf,
    kept: Kept,
}

impl State {
    /// Reads the file if it is there.
    ///
    /// # Errors
    /// It cannot be read, or belongs to other servers.
    pub(super) fn open(path: &Path, from: &str, to: &str) -> anyhow::Result<Self> {
        let mut kept = match fs::read(path) {
            Ok(text) => serde_json::from_slice(&text)
                .with_context(|| format!("{} is not what an import leaves; name another --state", path.display()))?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                Kept { from: from.to_owned(), to: to.to_owned(), whole: false, next: BTreeMap::new() }
            }
            Err(error) => return Err(error).with_context(|| format!("{} cannot be read", path.display())),
        };
        if kept.from != from || kept.to != to {
            bail!("{} is of an import from {} to {}; name another --state", path.display(), kept.from, kept.to);
        }
        if std::mem::take(&mut kept.whole) {
            kept.next.values_mut().for_each(|next| *next = next.saturating_sub(LATE));
        }
        let state = Self { path: path.to_owned(), kept };
        // A place that cannot be written is found before the work, not after it.
        state.write()?;
        Ok(state)
    }

    /// From which uuid on a partition's uploads are still to come; none if it was not begun.
    pub(super) fn next(&self, partition: &str) -> Option<u64> {
        self.kept.next.get(partition).copied()
    }

    /// Remembers it.
    pub(super) fn reached(&mut self, partition: &str, next: u64) -> anyhow::Result<()> {
        self.kept.next.insert(partition.to_owned(), next);
        self.write()
    }

    /// Remembers that all partitions came to their ends.
    pub(super) fn finish(&mut self) -> anyhow::Result<()> {
        self.kept.whole = true;
        self.write()
    }

    fn write(&self) -> anyhow::Result<()> {
        let failed = || format!("{} cannot be written", self.path.display());
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut file = tempfile::NamedTempFile::new_in(folder).with_context(failed)?;
        file.write_all(&serde_json::to_vec(&self.kept)?).with_context(failed)?;
        file.persist(&self.path).with_context(failed)?;
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_was_broken_off_goes_on_and_what_was_whole_looks_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.json");
        let open = || State::open(&path, "http://a", "http://b").unwrap();
        open().reached("p", LATE + 7).unwrap();
        let mut state = open();
        assert_eq!((state.next("p"), state.next("q")), (Some(LATE + 7), None));
        state.finish().unwrap();
        assert_eq!(open().next("p"), Some(7));
        assert_eq!(open().next("p"), Some(7), "it looks back once");
    }

    #[test]
    fn a_file_of_other_servers_or_of_something_else_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.json");
        State::open(&path, "http://a", "http://b").unwrap();
        let other = State::open(&path, "http://c", "http://b").unwrap_err().to_string();
        assert!(other.ends_with("of an import from http://a to http://b; name another --state"), "{other}");
        fs::write(&path, "{").unwrap();
        let broken = State::open(&path, "http://a", "http://b").unwrap_err().to_string();
        assert!(broken.contains("is not what an import leaves"), "{broken}");
        assert!(State::open(&folder.path().join("no/state"), "http://a", "http://b").is_err());
    }
}
