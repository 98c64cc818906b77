//! Where commits that nobody registered are looked up, and files of owners are read: a local git clone, or the REST API of
//! GitHub or GitLab.
//!
//! Each kind of host answers the same plain questions (`host`). The identifier of a commit follows from the answers in one
//! way for all (`numbers`): `N@branch`, where N counts the commits from the root of the default branch, or `P.N@branch` for the
//! N-th commit after the branch point P (as WebKit counts). Calls block; run them on a thread that may.

mod git;
mod github;
mod gitlab;
mod host;
mod numbers;
mod rest;

use std::path::PathBuf;

use outbound::Outbound;
use schema::commit::Commit;
use serde::Deserialize;

pub use host::SourceError;
use host::{Host, ListStart, ListedCommit, Result};
use numbers::{BranchNumbers, PAGE};

/// Shorter hashes name too many commits to be worth a question.
const MIN_HASH: usize = 7;

/// Where a repository's commits are looked up and its files are read. Hosts are asked within what the given [`Outbound`] allows.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Source {
    /// A clone on this machine, bare or not; whoever keeps it fetches into it.
    Git {
        /// Its folder.
        path: PathBuf,
    },
    /// GitHub, or a server of one's own that speaks its REST API (version 2022-11-28).
    Github {
        /// Base address of the API.
        #[serde(default = "github::url")]
        url: String,
        /// `owner/name`.
        repository: String,
        /// A file that holds a token.
        token_file: Option<PathBuf>,
    },
    /// GitLab 16.9 or later (REST API version 4).
    Gitlab {
        /// Base address of the API.
        #[serde(default = "gitlab::url")]
        url: String,
        /// `group/name` or a number.
        project: String,
        /// A file that holds a token.
        token_file: Option<PathBuf>,
    },
}

impl Source {
    /// The commit that a hash (7 digits or more) or an identifier names.
    pub fn find(
        &self,
        outbound: &Outbound,
        repository_id: &str,
        default_branch: &str,
        reference: &str,
    ) -> Result<Commit> {
        let host = self.host(outbound)?;
        let unknown = || SourceError::Unknown(reference.to_owned(), host.place());
        let numbers = BranchNumbers { host: host.as_ref(), repository_id, default_branch };
        let is_hash = (MIN_HASH..=40).contains(&reference.len()) && reference.bytes().all(|it| it.is_ascii_hexdigit());
        if is_hash {
            let prefix = reference.to_lowercase();
            let hash = host.resolve(&prefix)?;
            // Some hosts take names of branches and tags, too.
            return if hash.starts_with(&prefix) { numbers.by_hash(&hash) } else { Err(unknown()) };
        }
        let (number, branch) = reference.split_once('@').filter(|(_, branch)| is_name(branch)).ok_or_else(unknown)?;
        let number: u64 = number.rsplit('.').next().and_then(|it| it.parse().ok()).ok_or_else(unknown)?;
        let tip = numbers.tip(branch)?;
        let skip = tip.number.checked_sub(number).and_then(|skip| u32::try_from(skip).ok()).ok_or_else(unknown)?;
        let listed = host.list(ListStart::Branch(branch), 1, skip + 1)?.into_iter().next().ok_or_else(unknown)?;
        // With merges the list holds commits that the branch's numbers do not count.
        Some(numbers.by_hash(&listed.hash)?)
            .filter(|it| it.identifier.as_deref() == Some(reference))
            .ok_or_else(unknown)
    }

    /// Every commit of a branch down to its root or branch point, newest first, as a host lists them; merged-in commits
    /// are not on the branch. Stops at the first error of `each`.
    pub fn walk<E: From<SourceError>>(
        &self,
        outbound: &Outbound,
        repository_id: &str,
        default_branch: &str,
        branch: &str,
        mut each: impl FnMut(Commit) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        let host = self.host(outbound)?;
        let numbers = BranchNumbers { host: host.as_ref(), repository_id, default_branch };
        let mut at = numbers.tip(branch)?;
        // Commits of one second, whose order is known once an older one is seen.
        let mut same_second: Vec<(ListedCommit, String)> = Vec::new();
        let mut page = 0;
        while at.number > 0 {
            page += 1;
            let listed = host.list(ListStart::Branch(branch), PAGE, page)?;
            if listed.is_empty() {
                break;
            }
            for commit in listed {
                if at.next.as_ref().is_some_and(|next| *next != commit.hash) || at.number == 0 {
                    continue;
                }
                if same_second.first().is_some_and(|(newer, _)| newer.timestamp != commit.timestamp) {
                    numbers.hand_out(&mut same_second, branch, &mut each)?;
                }
                let identifier = at.identifier(branch);
                at = numbers.before(&at, &commit)?;
                same_second.push((commit, identifier));
            }
        }
        numbers.hand_out(&mut same_second, branch, &mut each)
    }

    /// The text of the file at a path, as the tip of a branch has it; none if it has no such file.
    ///
    /// # Errors
    /// The host has no such branch or does not answer, or what is there is no text of
    /// [`MAX_FILE_BYTES`](schema::owners::MAX_FILE_BYTES) at most.
    pub fn file(&self, outbound: &Outbound, branch: &str, path: &str) -> Result<Option<String>> {
        self.host(outbound)?.file(branch, path)
    }

    fn host(&self, outbound: &Outbound) -> Result<Box<dyn Host>> {
        Ok(match self.clone() {
            Self::Git { path } => Box::new(git::Clone::new(path)),
            Self::Github { url, repository, token_file } => {
                Box::new(github::Github::new(outbound, &url, &repository, token_file)?)
            }
            Self::Gitlab { url, project, token_file } => {
                Box::new(gitlab::Gitlab::new(outbound, &url, &project, token_file)?)
            }
        })
    }
}

/// Whether a text can be the name of a branch, and is safe to hand to git.
fn is_name(branch: &str) -> bool {
    let refused = |it: char| it.is_control() || " ~^:?*[\\".contains(it);
    !branch.is_empty()
        && !branch.starts_with('-')
        && !branch.contains("..")
        && !branch.contains("@{")
        && !branch.contains(refused)
}
