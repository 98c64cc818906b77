//! What is said of a failure of a change: the heading under which pages and comments have it, and what it counts as.

use schema::incomplete::IN_INCOMPLETE_RUN;
use schema::markdown::counted;

use super::{Now, ReviewedFailure};
use crate::verdicts::Verdict;

/// What is said of a failure, the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FailureGroup {
    /// The trunk does not fail so.
    New,
    /// It failed in a run that has too few tests to be compared.
    Incomplete,
    /// It was not asked about, because there are too many.
    Unjudged,
    /// Too few runs of the trunk have the test.
    Unknown,
    /// It came and went in the change, and the trunk does not excuse it.
    Flaky,
    /// It failed on a commit before, and did not run on the newest.
    NotRun,
    /// The trunk excuses it.
    Known(Verdict),
    /// It failed on a commit before, and does not any more.
    Mended,
}

impl FailureGroup {
    /// The group of a failure.
    pub fn of(failure: &ReviewedFailure) -> Self {
        match (failure.now, failure.verdict) {
            (Now::Mended, _) => Self::Mended,
            (_, None) => Self::Unjudged,
            (_, Some(verdict)) if verdict.is_known() => Self::Known(verdict),
            (Now::Flaky, _) => Self::Flaky,
            (Now::NotRun, _) => Self::NotRun,
            (Now::Failing, Some(Verdict::Unknown)) => Self::Unknown,
            (Now::Failing, Some(Verdict::Incomplete)) => Self::Incomplete,
            (Now::Failing, Some(_)) => Self::New,
        }
    }

    /// Whether it fails a change.
    pub(super) fn is_own(self) -> bool {
        matches!(self, Self::New | Self::Incomplete | Self::Unjudged)
    }

    /// Whether nobody can say what it means for a change.
    pub(super) fn is_open(self) -> bool {
        matches!(self, Self::Unknown | Self::Flaky | Self::NotRun)
    }

    /// In words, for a heading.
    pub fn words(self) -> String {
        match self {
            Self::New => "new".to_owned(),
            Self::Incomplete => IN_INCOMPLETE_RUN.to_owned(),
            Self::Unjudged => "not judged".to_owned(),
            Self::Unknown => "unknown".to_owned(),
            Self::Flaky => "flaky in this change".to_owned(),
            Self::NotRun => "not run again".to_owned(),
            Self::Known(verdict) => verdict.name().replace('-', " "),
            Self::Mended => "mended by a later commit".to_owned(),
        }
    }

    /// So many tests of the group, in a few words.
    pub(super) fn counted(self, count: usize) -> String {
        match self {
            Self::New => counted(count as u64, "new failure"),
            _ => format!("{count} {}", self.words()),
        }
    }
}
