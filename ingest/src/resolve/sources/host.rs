//! What every host of a repository can be asked, and how it answers.

/// Why a source has no answer.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// There is no such commit.
    #[error("'{0}' is not a commit that {1} knows")]
    Unknown(String, String),
    /// The folder that the configuration names has no clone that git can read.
    #[error("no git clone lies at {place}: {cause}")]
    NoClone {
        /// The folder.
        place: String,
        /// What git says of it.
        cause: String,
    },
    /// The source cannot be asked, or answers what nobody understands.
    #[error("{place} did not answer: {cause}")]
    Failed {
        /// The folder or address.
        place: String,
        /// What went wrong.
        cause: String,
    },
    /// There is something of this name, which cannot be read as a text.
    #[error("{path} of {place} cannot be read: {cause}")]
    Unreadable {
        /// Its path in the repository.
        path: String,
        /// The folder or address.
        place: String,
        /// What is wrong with it.
        cause: String,
    },
}

pub(super) type Result<T> = std::result::Result<T, SourceError>;

/// A commit as every host describes it; texts are empty where it says nothing.
#[derive(Debug, Clone)]
pub(super) struct ListedCommit {
    pub(super) hash: String,
    /// Hashes; the first is the one on the same branch.
    pub(super) parents: Vec<String>,
    /// Commit time, seconds since the Unix epoch.
    pub(super) timestamp: i64,
    pub(super) author: String,
    pub(super) email: String,
    pub(super) message: String,
}

/// Where a list of commits begins.
#[derive(Debug, Clone, Copy)]
pub(super) enum ListStart<'a> {
    Branch(&'a str),
    Hash(&'a str),
}

/// A host of one repository.
pub(super) trait Host {
    /// Its folder or address, for errors.
    fn place(&self) -> String;
    /// The full hash that a prefix of it names.
    fn resolve(&self, hash: &str) -> Result<String>;
    /// Commits, each before its parents; `page` counts from 1.
    fn list(&self, from: ListStart<'_>, size: u32, page: u32) -> Result<Vec<ListedCommit>>;
    /// How many commits there are, the first and all its ancestors.
    fn count(&self, from: ListStart<'_>) -> Result<u64>;
    /// The branch that holds a commit: the default one if it does.
    fn branch_of(&self, hash: &str, default_branch: &str) -> Result<Option<String>>;
    /// The commit at which a branch left the default branch.
    fn branch_point(&self, hash: &str, default_branch: &str) -> Result<String>;
    /// The text of the file at a path, of [`MAX_FILE_BYTES`](schema::owners::MAX_FILE_BYTES) at most, as the tip of a branch
    /// has it; none if it has no such file.
    fn file(&self, branch: &str, path: &str) -> Result<Option<String>>;
}
