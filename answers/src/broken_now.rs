//! Configurations that are broken as a whole: the machine or the build is, and no test of its own.

use schema::configuration::Configuration;
use schema::ids::CommitKey;
use schemars::JsonSchema;
use serde::Serialize;

use crate::late_runs::LateRuns;

/// A configuration whose newest run broke as a whole: most of its tests fail unexpectedly.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct BrokenConfiguration {
    /// The configuration.
    pub configuration: Configuration,
    /// The first commit of the runs that are broken.
    pub since: CommitKey,
    /// How many runs are.
    pub runs: u64,
}

/// Those of a suite's newest runs.
pub(crate) fn of(late: &LateRuns<'_>) -> Vec<BrokenConfiguration> {
    let one =
        |(id, since, runs)| Some(BrokenConfiguration { configuration: late.configuration(id)?.clone(), since, runs });
    late.sessions.broken_now().filter_map(one).collect()
}
