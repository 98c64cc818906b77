//! What both hosts tell of a repository, as git knows it.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::git::{git, succeeds};

/// A repository on disk.
pub(super) struct Repository(pub(super) PathBuf);

/// What lies at a path.
pub(super) enum Entry {
    Folder,
    File(Vec<u8>),
}

/// A commit of the history.
pub(super) struct Commit {
    pub(super) hash: String,
    pub(super) parents: Vec<String>,
    /// When it was committed, in ISO 8601.
    pub(super) time: String,
    pub(super) message: String,
}

impl Repository {
    /// What git prints.
    pub(super) fn git(&self, arguments: &[&str]) -> String {
        git(self.path(), 0, arguments)
    }

    /// Whether there is such a commit.
    pub(super) fn has(&self, revision: &str) -> bool {
        succeeds(self.path(), &["rev-parse", "--verify", "--quiet", &format!("{revision}^{{commit}}")])
    }

    /// How many commits lead up to a revision, itself included.
    pub(super) fn count(&self, revision: &str) -> u64 {
        self.git(&["rev-list", "--count", revision]).parse().unwrap()
    }

    /// One page of the history from a revision on, newest first; pages count from 1.
    pub(super) fn log(&self, from: &str, page_size: u64, page: u64) -> Vec<Commit> {
        let (size, skip) = (format!("-n{page_size}"), format!("--skip={}", page_size * (page - 1)));
        let text = self.git(&["log", "--format=%H%x1f%P%x1f%cI%x1f%B%x1e", &size, &skip, from]);
        text.split('\x1e').filter(|commit| !commit.trim().is_empty()).map(commit).collect()
    }

    /// The commit of a revision.
    pub(super) fn commit(&self, revision: &str) -> Commit {
        self.log(revision, 1, 1).remove(0)
    }

    /// What a revision has at a path, if anything.
    pub(super) fn entry(&self, revision: &str, path: &str) -> Option<Entry> {
        let name = format!("{revision}:{path}");
        if !succeeds(self.path(), &["cat-file", "-e", &name]) {
            return None;
        }
        if self.git(&["cat-file", "-t", &name]) == "tree" {
            return Some(Entry::Folder);
        }
        let output = Command::new("git").arg("-C").arg(self.path()).args(["cat-file", "blob", &name]).output().unwrap();
        Some(Entry::File(output.stdout))
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

/// A commit of the format above.
fn commit(text: &str) -> Commit {
    let members: Vec<&str> = text.trim_start().split('\x1f').collect();
    Commit {
        hash: members[0].to_owned(),
        parents: members[1].split_whitespace().map(str::to_owned).collect(),
        time: members[2].to_owned(),
        message: members[3].trim_end().to_owned(),
    }
}
