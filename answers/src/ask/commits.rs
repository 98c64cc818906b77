//! Which commits a question names.

use schema::ids::CommitKey;

/// Commits that a question names, in one of four ways.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommitSelector {
    /// By hash, the beginning of one, revision or identifier.
    Names {
        /// Repositories to look in; all of them if empty.
        repositories: Vec<String>,
        /// The spellings.
        names: Vec<String>,
    },
    /// By their keys.
    Keys(Vec<CommitKey>),
    /// By their times, seconds since 1970.
    Times(Vec<u64>),
    /// The newest of each repository.
    Newest {
        /// The repositories.
        repositories: Vec<String>,
        /// The branch; the repository's default branch if none is named.
        branch: Option<String>,
    },
}

/// The commits that bound a question: one point, or a range with one or both ends. Nothing means everything until now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CommitRange {
    /// One point; excludes the ends.
    pub at: Option<CommitSelector>,
    /// The oldest end, inclusive.
    pub after: Option<CommitSelector>,
    /// The newest end, inclusive.
    pub before: Option<CommitSelector>,
}

impl CommitRange {
    /// A range between two keys, both inclusive.
    pub fn between(after: CommitKey, before: CommitKey) -> Self {
        let end = |key| Some(CommitSelector::Keys(vec![key]));
        Self { at: None, after: end(after), before: end(before) }
    }

    /// Exactly the commits of one key.
    pub fn exactly(key: CommitKey) -> Self {
        Self { at: Some(CommitSelector::Keys(vec![key])), after: None, before: None }
    }
}
