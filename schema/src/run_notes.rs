//! What an upload says of its run beside the results: where it comes from, which part of a run it is, what it should hold,
//! and what is wrong with it.

use serde::{Deserialize, Serialize};

/// Runs of changes under review are on branches that begin so, which nobody takes for the trunk.
pub const CHANGE_BRANCHES: &str = "change/";
/// The most parts that a run can have.
pub const MAX_SHARDS: u32 = 1000;

/// What an upload says of its run. Members that the uploader does not know are left out of JSON.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunNotes {
    /// Where the run comes from.
    #[serde(default, skip_serializing_if = "is_default")]
    pub run: RunOrigin,
    /// Which part of a run the upload is; the whole of it if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<Shard>,
    /// Names of the tests that the run, with all its parts, should have.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub expects: Vec<String>,
    /// What is wrong with the run that no test shows, a sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<String>,
    /// The change under review that the run tested.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<Change>,
}

/// Where a run comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunOrigin {
    /// Its id in the CI.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Its page in the CI.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// What the test command ended with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// The test runner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool: Option<String>,
}

/// One of several parts of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shard {
    /// Which one, from 1.
    pub index: u32,
    /// How many there are, at most [`MAX_SHARDS`].
    pub count: u32,
    /// The run that all of them are parts of, as its CI names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<String>,
}

/// A change under review.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Its number in the reviewing system.
    pub id: String,
    /// Names or e-mail addresses of its authors.
    #[serde(default)]
    pub authors: Vec<String>,
    /// The commit that it is based on: identifier, revision or hash.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<String>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Shard {
    /// The start that this part of a run is stored under, seconds since 1970. Runs of one configuration and commit that
    /// start in the same second replace each other, and parts of a run often do. The last digits of the time, counted by
    /// the number of parts, therefore say which part it is: no two parts of a run have one start, and none is moved by more
    /// seconds than there are parts.
    pub fn start(&self, timestamp: i64) -> i64 {
        let count = i64::from(self.count.max(1));
        timestamp - timestamp.rem_euclid(count) + i64::from(self.index.saturating_sub(1)).min(count - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_not_known_is_left_out() {
        assert_eq!(serde_json::to_string(&RunNotes::default()).ok().as_deref(), Some("{}"));
        assert_eq!(serde_json::from_str::<RunNotes>("{}").ok(), Some(RunNotes::default()));
    }

    proptest! {
        #[test]
        fn parts_of_a_run_never_share_a_start(
            count in 1..=MAX_SHARDS, one in 0..1000u32, other in 0..1000u32, at in 1_000_000..4_000_000_000i64, later in 0..5000i64
        ) {
            let shard = |index: u32| Shard { index: index % count + 1, count, of: None };
            let (one, other) = (shard(one), shard(other));
            prop_assert_eq!(one.start(at) == other.start(at), one == other);
            prop_assert!(one == other || one.start(at) != other.start(at + later));
            prop_assert!((one.start(at) - at).abs() < i64::from(count));
        }
    }
}
