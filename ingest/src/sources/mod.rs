//! Where commits that nobody registered are looked up: a local git clone, or the REST API of GitHub or GitLab.
//!
//! Each kind of host answers five plain questions ([`Host`]); what a commit is called follows from the answers here, the
//! same way for all: `N@branch`, where N counts the commits from the root of the default branch, or `P.N@branch` for the
//! N-th commit after the branch point P (as WebKit counts). Calls block; run them on a thread that may.

mod git;
mod github;
mod gitlab;
mod rest;

use std::path::PathBuf;

use schema::commit::{Author, Commit};
use serde::Deserialize;

/// Commits of one second that are told apart; a uuid has no room for more.
const MAX_ORDER: usize = 99;
/// Commits that are asked for at one time, the most that GitHub and GitLab answer.
const PAGE: u32 = 100;
/// Shorter hashes name too many commits to be worth a question.
const MIN_HASH: usize = 7;

/// Where a repository's commits are looked up.
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

/// Why a source has no answer.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// There is no such commit.
    #[error("'{0}' is not a commit that {1} knows")]
    Unknown(String, String),
    /// The source cannot be asked, or answers what nobody understands.
    #[error("{place} did not answer: {cause}")]
    Failed {
        /// The folder or address.
        place: String,
        /// What went wrong.
        cause: String,
    },
}

type Result<T> = std::result::Result<T, SourceError>;

/// A commit as every host tells it.
#[derive(Debug, Clone)]
struct Listed {
    hash: String,
    parents: Vec<String>,
    /// Commit time, seconds since the Unix epoch.
    timestamp: i64,
    author: String,
    email: String,
    message: String,
}

/// Whence a list of commits begins.
#[derive(Debug, Clone, Copy)]
enum Start<'a> {
    Branch(&'a str),
    Hash(&'a str),
}

/// What is asked of a host.
trait Host {
    /// Its folder or address, for errors.
    fn place(&self) -> String;
    /// The full hash that a prefix of it names.
    fn resolve(&self, hash: &str) -> Result<String>;
    /// Commits, each before its parents; `page` counts from 1.
    fn list(&self, from: Start<'_>, size: u32, page: u32) -> Result<Vec<Listed>>;
    /// How many commits there are, the first and all its ancestors.
    fn count(&self, from: Start<'_>) -> Result<u64>;
    /// The branch that holds a commit: the default one if it does.
    fn branch_of(&self, hash: &str, default_branch: &str) -> Result<Option<String>>;
    /// The commit at which a branch left the default branch.
    fn branch_point(&self, hash: &str, default_branch: &str) -> Result<String>;
}

impl Source {
    /// The commit that a hash (7 digits or more) or an identifier names.
    pub fn find(&self, repository_id: &str, default_branch: &str, reference: &str) -> Result<Commit> {
        let host = self.host()?;
        let unknown = || SourceError::Unknown(reference.to_owned(), host.place());
        let asked = Asked { host: host.as_ref(), repository_id, default_branch };
        let is_hash = (MIN_HASH..=40).contains(&reference.len()) && reference.bytes().all(|it| it.is_ascii_hexdigit());
        if is_hash {
            let prefix = reference.to_lowercase();
            let hash = host.resolve(&prefix)?;
            // Some hosts take names of branches and tags, too.
            return if hash.starts_with(&prefix) { asked.by_hash(&hash) } else { Err(unknown()) };
        }
        let (number, branch) = reference.split_once('@').filter(|(_, branch)| is_name(branch)).ok_or_else(unknown)?;
        let number: u64 = number.rsplit('.').next().and_then(|it| it.parse().ok()).ok_or_else(unknown)?;
        let tip = asked.chain(branch)?;
        let skip = tip.number.checked_sub(number).and_then(|skip| u32::try_from(skip).ok()).ok_or_else(unknown)?;
        let listed = host.list(Start::Branch(branch), 1, skip + 1)?.into_iter().next().ok_or_else(unknown)?;
        // With merges the list holds commits that the branch's numbers do not count.
        Some(asked.by_hash(&listed.hash)?).filter(|it| it.identifier.as_deref() == Some(reference)).ok_or_else(unknown)
    }

    /// Every commit of a branch down to its root or branch point, newest first, as a host lists them; merged-in commits
    /// are not on the branch. Stops at the first error of `each`.
    pub fn walk<E: From<SourceError>>(
        &self,
        repository_id: &str,
        default_branch: &str,
        branch: &str,
        mut each: impl FnMut(Commit) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        let host = self.host()?;
        let asked = Asked { host: host.as_ref(), repository_id, default_branch };
        let mut at = asked.chain(branch)?;
        // Commits of one second, whose order is known once an older one is seen.
        let mut second: Vec<(Listed, String)> = Vec::new();
        let mut page = 0;
        while at.number > 0 {
            page += 1;
            let listed = host.list(Start::Branch(branch), PAGE, page)?;
            if listed.is_empty() {
                break;
            }
            for commit in listed {
                if at.next.as_ref().is_some_and(|next| *next != commit.hash) || at.number == 0 {
                    continue;
                }
                if second.first().is_some_and(|(newer, _)| newer.timestamp != commit.timestamp) {
                    asked.emit(&mut second, branch, &mut each)?;
                }
                let identifier = at.identifier(branch);
                at = asked.before(&at, &commit)?;
                second.push((commit, identifier));
            }
        }
        asked.emit(&mut second, branch, &mut each)
    }

    fn host(&self) -> Result<Box<dyn Host>> {
        Ok(match self.clone() {
            Self::Git { path } => Box::new(git::Clone::new(path)),
            Self::Github { url, repository, token_file } => {
                Box::new(github::Github::new(&url, &repository, token_file)?)
            }
            Self::Gitlab { url, project, token_file } => Box::new(gitlab::Gitlab::new(&url, &project, token_file)?),
        })
    }
}

/// A commit's place on a branch.
struct Place {
    /// The commit's hash; none means the tip of the branch.
    next: Option<String>,
    /// Number of the commit at the branch point; none on the default branch.
    base: Option<u64>,
    /// How many commits there are from the root or branch point up to here.
    number: u64,
}

impl Place {
    fn identifier(&self, branch: &str) -> String {
        match self.base {
            None => format!("{}@{branch}", self.number),
            Some(base) => format!("{base}.{}@{branch}", self.number),
        }
    }
}

struct Asked<'a> {
    host: &'a dyn Host,
    repository_id: &'a str,
    default_branch: &'a str,
}

impl Asked<'_> {
    fn base(&self, branch: &str, hash: &str) -> Result<Option<u64>> {
        if branch == self.default_branch {
            return Ok(None);
        }
        let point = self.host.branch_point(hash, self.default_branch)?;
        self.host.count(Start::Hash(&point)).map(Some)
    }

    /// The tip of a branch.
    fn chain(&self, branch: &str) -> Result<Place> {
        let unknown = || SourceError::Unknown(branch.to_owned(), self.host.place());
        let tip = self.host.list(Start::Branch(branch), 1, 1)?.into_iter().next().ok_or_else(unknown)?;
        let base = self.base(branch, &tip.hash)?;
        let number = self.host.count(Start::Hash(&tip.hash))? - base.unwrap_or(0);
        Ok(Place { next: Some(tip.hash), base, number })
    }

    /// The place of a commit's first parent.
    fn before(&self, place: &Place, commit: &Listed) -> Result<Place> {
        let number = match commit.parents.as_slice() {
            [] => 0,
            [_] => place.number - 1,
            [first, ..] => self.host.count(Start::Hash(first))?.saturating_sub(place.base.unwrap_or(0)),
        };
        Ok(Place { next: commit.parents.first().cloned(), base: place.base, number })
    }

    fn by_hash(&self, hash: &str) -> Result<Commit> {
        let unknown = || SourceError::Unknown(hash.to_owned(), self.host.place());
        let listed = self.host.list(Start::Hash(hash), PAGE, 1)?;
        let commit = listed.first().filter(|commit| commit.hash == hash).ok_or_else(unknown)?;
        let branch = self.host.branch_of(hash, self.default_branch)?.ok_or_else(unknown)?;
        let base = self.base(&branch, hash)?;
        let number = self.host.count(Start::Hash(hash))?.saturating_sub(base.unwrap_or(0));
        let place = Place { next: None, base, number };
        let mut order = 0;
        let mut parent = commit.parents.first();
        for older in &listed[1..] {
            if parent == Some(&older.hash) {
                if older.timestamp != commit.timestamp {
                    break;
                }
                order += 1;
                parent = older.parents.first();
            }
        }
        Ok(self.commit(commit.clone(), place.identifier(&branch), &branch, order))
    }

    fn emit<E>(
        &self,
        second: &mut Vec<(Listed, String)>,
        branch: &str,
        each: &mut impl FnMut(Commit) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        let older = second.len();
        for (index, (commit, identifier)) in second.drain(..).enumerate() {
            each(self.commit(commit, identifier, branch, older - index - 1))?;
        }
        Ok(())
    }

    fn commit(&self, listed: Listed, identifier: String, branch: &str, order: usize) -> Commit {
        let name = if listed.author.is_empty() { listed.email.clone() } else { listed.author };
        let emails = if listed.email.is_empty() { Vec::new() } else { vec![listed.email] };
        Commit {
            repository_id: self.repository_id.to_owned(),
            branch: branch.to_owned(),
            timestamp: listed.timestamp,
            order: order.min(MAX_ORDER) as i64,
            hash: Some(listed.hash),
            revision: None,
            identifier: Some(identifier),
            message: Some(listed.message.trim_end().to_owned()).filter(|message| !message.is_empty()),
            author: Some(Author { name, emails }).filter(|author| !author.name.is_empty()),
        }
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
