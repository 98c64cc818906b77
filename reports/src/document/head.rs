//! What a document says beside its tests.

use serde::Serialize;
use serde_json::{Map, Value};

use super::RUN_TEST;

/// What the reports of a run do not know.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Head {
    /// The suite.
    pub suite: String,
    /// Members of the configuration.
    pub configuration: Map<String, Value>,
    /// The commits, each complete or a reference, as an upload has them.
    pub commits: Vec<Value>,
    /// Start of the run, seconds since 1970; what the reports say where there is none.
    pub timestamp: Option<i64>,
    /// End of the run, seconds since 1970; what the reports say where there is none.
    pub ended: Option<i64>,
    /// Where the run is in the CI.
    pub details: Map<String, Value>,
    /// What ran the tests.
    pub run: RunOrigin,
    /// Which part of a run this is.
    pub shard: Option<Shard>,
    /// Names of the tests that the run is to have.
    pub expects: Vec<String>,
    /// The change under review that the run belongs to.
    pub change: Option<Change>,
}

/// What ran the tests.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct RunOrigin {
    /// Its id in the CI.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Its page in the CI.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// What the test command ended with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// The runner.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool: Option<String>,
}

/// One of several parts of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Shard {
    /// Which, from 1.
    pub index: u32,
    /// Of how many.
    pub count: u32,
    /// The run that all of them are parts of, as the CI names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub of: Option<String>,
}

/// A change under review.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Change {
    /// Its number, as the reviewing system names it.
    pub id: String,
    /// Names or e-mail addresses of its authors.
    pub authors: Vec<String>,
    /// The commit that it is based on, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base: Option<String>,
}

impl Change {
    /// The branch that runs of the change are uploaded to, so that they are never taken for runs of the branch it is for.
    #[must_use]
    pub fn branch(&self) -> String {
        format!("change/{}", self.id)
    }
}

#[derive(Serialize)]
struct Members<'h> {
    version: u32,
    suite: &'h str,
    configuration: &'h Map<String, Value>,
    commits: &'h [Value],
    timestamp: Option<i64>,
    #[serde(skip_serializing_if = "is_unknown")]
    run: &'h RunOrigin,
    #[serde(skip_serializing_if = "Option::is_none")]
    shard: Option<&'h Shard>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    expects: &'h [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    change: Option<&'h Change>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    problems: &'h [String],
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands on a reference to the member")]
fn is_unknown(run: &&RunOrigin) -> bool {
    **run == RunOrigin::default()
}

impl Head {
    /// The name of the result that stands for the run itself, or for this part of it.
    #[must_use]
    pub fn run_test(&self) -> String {
        match &self.shard {
            None => RUN_TEST.to_owned(),
            Some(shard) => format!("{RUN_TEST}/shard {}", shard.index),
        }
    }

    /// The members of the document beside its results.
    pub(super) fn members<'h>(&'h self, problems: &'h [String]) -> impl Serialize + 'h {
        let Self { suite, configuration, commits, timestamp, run, shard, expects, change, .. } = self;
        Members {
            version: 0,
            suite,
            configuration,
            commits,
            timestamp: *timestamp,
            run,
            shard: shard.as_ref(),
            expects,
            change: change.as_ref(),
            problems,
        }
    }
}
