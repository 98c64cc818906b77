//! Which runs a question is about.

use super::{CommitRange, ConfigurationFilter};

/// Which runs a question is about. The default is what a question that says nothing means: the default branch, on
/// configurations that ran within two weeks, of every commit until now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunFilter {
    /// The branch; none is the default branch.
    pub branch: Option<String>,
    /// Members that the configurations have.
    pub configurations: ConfigurationFilter,
    /// Whether configurations are left out that did not run within two weeks.
    pub recent: bool,
    /// SDKs; any if empty.
    pub sdks: Vec<String>,
    /// The commits.
    pub commits: CommitRange,
    /// When the runs started.
    pub started: StartTimes,
    /// Rows of each configuration; none is what the question usually takes.
    pub limit: Option<u64>,
}

/// Bounds of the start of a run, seconds since 1970, both inclusive.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StartTimes {
    /// The earliest.
    pub after: Option<u32>,
    /// The latest.
    pub before: Option<u32>,
}

impl Default for RunFilter {
    fn default() -> Self {
        Self {
            branch: None,
            configurations: ConfigurationFilter::default(),
            recent: true,
            sdks: Vec::new(),
            commits: CommitRange::default(),
            started: StartTimes::default(),
            limit: None,
        }
    }
}
