//! Renames of tests: what somebody says of two names, so that one history has the results of both.

use serde::{Deserialize, Serialize};

/// That a test has a new name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestRename {
    /// The suite.
    pub suite: String,
    /// The name that the test had.
    pub from: String,
    /// The name that it has now.
    pub to: String,
    /// When it was renamed, seconds since 1970: the results of `from` in runs that started before belong to `to`.
    pub at: i64,
    /// False takes an earlier rename back.
    pub is_open: bool,
}
