//! Commits: how they are written on the wire, checked, identified, and joined from several registrations ([`Commit::merged`]).

mod input;
mod merge;

use serde::{Deserialize, Serialize};

use crate::ids::CommitKey;

pub use input::{CommitError, CommitInput};
pub use merge::position_of;

/// A commit of one repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commit {
    /// The repository's id.
    pub repository_id: String,
    /// The branch it is on.
    pub branch: String,
    /// Commit time, seconds since the Unix epoch.
    pub timestamp: i64,
    /// Separates commits of one second, 0 to 99.
    #[serde(default)]
    pub order: i64,
    /// Up to 40 hexadecimal digits, lower case.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub hash: Option<String>,
    /// Revision number of the repository.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub revision: Option<i64>,
    /// `N@branch`, or `P.N@branch` for the N-th commit after branch point P.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub identifier: Option<String>,
    /// The commit's message.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub message: Option<String>,
    /// Who wrote it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub author: Option<Author>,
}

/// Who wrote a commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Author {
    /// Name, or the e-mail address if no name is known.
    pub name: String,
    /// Known e-mail addresses.
    pub emails: Vec<String>,
}

/// Branches that all mean a repository's default branch.
pub const DEFAULT_BRANCHES: [&str; 3] = ["main", "master", "trunk"];

/// Orders that a second has: commits of one second have different ones, from 0 on.
pub const ORDERS: i64 = 100;

impl Commit {
    /// `timestamp·100 + order`. The intake takes no time that this is too small for; an event from elsewhere may have one.
    pub fn uuid(&self) -> u64 {
        self.timestamp.saturating_mul(ORDERS).saturating_add(self.order).max(0) as u64
    }

    /// The commit's place in time.
    pub fn key(&self) -> CommitKey {
        CommitKey(self.uuid())
    }

    /// Identifier, else `r<revision>`, else the first 12 digits of the hash.
    pub fn short_name(&self) -> String {
        self.identifier
            .clone()
            .or_else(|| self.revision.map(|revision| format!("r{revision}")))
            .or_else(|| self.hash.as_ref().map(|hash| hash.chars().take(12).collect()))
            .unwrap_or_default()
    }

    /// Every spelling it can be looked up by, in lower case: hash, `r<revision>`, identifier.
    pub fn names(&self) -> impl Iterator<Item = String> {
        let revision = self.revision.map(|revision| format!("r{revision}"));
        [self.hash.clone(), revision, self.identifier.as_ref().map(|identifier| identifier.to_lowercase())]
            .into_iter()
            .flatten()
    }

    /// Whether a reference, in lower case, names it: a revision if it is digits alone; else a spelling S with
    /// reference ≤ S ≤ reference+`g` bytewise, which is any prefix of a hash.
    pub fn is_named_by(&self, reference: &str) -> bool {
        if reference.bytes().all(|byte| byte.is_ascii_digit()) {
            return reference.parse() == Ok(self.revision.unwrap_or_default());
        }
        let end = format!("{reference}{AFTER_HEX}");
        self.names().any(|name| name.as_str() >= reference && name <= end)
    }
}

/// The bytewise end of a prefix match over hashes, revisions and identifiers.
pub const AFTER_HEX: char = 'g';

/// What the runs of a default branch are stored under.
pub const DEFAULT_BRANCH_KEY: &str = "default";

/// The key under which runs of a branch are stored: one key for a default branch, whatever it is called.
pub fn branch_key(branch: Option<&str>) -> &str {
    match branch {
        None => DEFAULT_BRANCH_KEY,
        Some(branch) if DEFAULT_BRANCHES.contains(&branch) => DEFAULT_BRANCH_KEY,
        Some(branch) => branch,
    }
}

/// Where a run stands among the commits that it ran on: at the newest. 0 if it names none.
pub fn run_uuid(commits: &[Commit]) -> u64 {
    commits.iter().map(Commit::uuid).max().unwrap_or_default()
}

/// The branch key of a run: its commits' branches other than the default ones, or `default`.
pub fn branch_keys(commits: &[Commit]) -> Vec<String> {
    let mut keys: Vec<String> = commits
        .iter()
        .map(|commit| commit.branch.clone())
        .filter(|branch| !DEFAULT_BRANCHES.contains(&branch.as_str()))
        .collect();
    keys.sort();
    keys.dedup();
    if keys.is_empty() {
        keys.push(DEFAULT_BRANCH_KEY.to_owned());
    }
    keys
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_time_that_is_too_large_is_the_last_place() {
        let text = r#"{"repository_id":"w","branch":"main","timestamp":9223372036854775807,"order":99}"#;
        let commit: Commit = serde_json::from_str(text).unwrap();
        assert_eq!(commit.uuid(), i64::MAX as u64);
    }

    #[test]
    fn branch_keys_leave_default_branches_out() {
        let on = |branch: &str| Commit {
            repository_id: "w".into(),
            branch: branch.into(),
            timestamp: 1,
            order: 0,
            hash: None,
            revision: Some(1),
            identifier: None,
            message: None,
            author: None,
        };
        assert_eq!(branch_keys(&[on("main")]), ["default"]);
        assert_eq!(branch_keys(&[on("main"), on("b"), on("a")]), ["a", "b"]);
    }
}
