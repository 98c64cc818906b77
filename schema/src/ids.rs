//! Identities that the store and every part above it agree on.

use serde::{Deserialize, Serialize};

use crate::configuration::stable_hash;
use crate::seconds::WEEK;

/// Identity of a test in the store: a hash of its suite and its name ([`stable_hash`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TestId(pub u64);

impl TestId {
    /// The identity of a test of a suite.
    pub fn of(suite: &str, test: &str) -> Self {
        Self(stable_hash(&[suite.as_bytes(), test.as_bytes()]))
    }
}

/// Identity of a configuration without its SDK ([`crate::configuration::Configuration::id`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ConfigId(pub u64);

/// Place of a commit in time, which the API calls `uuid`: 100 times the commit's time in seconds since 1970, plus its
/// order within that second (0 to 99).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CommitKey(pub u64);

impl CommitKey {
    /// Before every commit.
    pub const FIRST: Self = Self(0);
    /// Keys of real commits have more digits than any revision.
    pub const SMALLEST: u64 = 10_000_000_000;
    /// After every commit.
    pub const LAST: Self = Self(u64::MAX);

    /// The first commit that a second can have.
    pub fn start_of(seconds: u64) -> Self {
        Self(seconds.saturating_mul(100))
    }

    /// The last commit that a second can have.
    pub fn end_of(seconds: u64) -> Self {
        Self(seconds.saturating_mul(100).saturating_add(99))
    }

    /// The commit's time, seconds since 1970.
    pub fn time(self) -> u64 {
        self.0 / 100
    }

    /// The place so many seconds earlier.
    pub fn earlier(self, seconds: u64) -> Self {
        Self(self.0.saturating_sub(seconds.saturating_mul(100)))
    }

    /// The place so many weeks earlier.
    pub fn weeks_earlier(self, weeks: u64) -> Self {
        self.earlier(weeks.saturating_mul(WEEK))
    }

    /// The place right before.
    pub fn previous(self) -> Self {
        Self(self.0.saturating_sub(1))
    }

    /// The place right after.
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl std::fmt::Display for CommitKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_second_holds_its_hundred_places(seconds in 2 * WEEK..10_000_000_000) {
            let (start, end) = (CommitKey::start_of(seconds), CommitKey::end_of(seconds));
            prop_assert_eq!((start.time(), end.time(), end.0 - start.0), (seconds, seconds, 99));
            prop_assert_eq!((start.previous().time(), end.next().time()), (seconds.saturating_sub(1), seconds + 1));
            prop_assert_eq!(end.weeks_earlier(2).time(), seconds.saturating_sub(2 * WEEK));
        }

        #[test]
        fn names_do_not_run_into_each_other(suite in "[ab]{0,3}", test in "[ab]{0,3}") {
            let joined = format!("{suite}{test}");
            prop_assert_eq!(TestId::of(&suite, &test) == TestId::of(&joined, ""), test.is_empty());
        }
    }
}
