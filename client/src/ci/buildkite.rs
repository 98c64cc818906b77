//! Buildkite.

use super::{CiRun, change, repository_name, shard};
use crate::environment::Environment;

pub(super) fn detect(environment: &Environment) -> Option<CiRun> {
    environment.is_true("BUILDKITE").then(|| {
        let authors = [environment.get("BUILDKITE_BUILD_AUTHOR"), environment.get("BUILDKITE_BUILD_AUTHOR_EMAIL")];
        let job = environment.get("BUILDKITE_JOB_ID").map(|job| format!("#{job}")).unwrap_or_default();
        // Parts are counted from 0.
        let index = environment.number("BUILDKITE_PARALLEL_JOB").map(|index| index.saturating_add(1));
        CiRun {
            name: "Buildkite",
            // A build that was started for the tip of a branch says HEAD until its commit is resolved.
            commit: environment.text("BUILDKITE_COMMIT").filter(|commit| commit != "HEAD"),
            branch: environment.text("BUILDKITE_BRANCH"),
            change: change(environment.get("BUILDKITE_PULL_REQUEST"), &authors),
            base: None,
            repository: environment.get("BUILDKITE_REPO").and_then(repository_name),
            link: environment.get("BUILDKITE_BUILD_URL").map(|url| format!("{url}{job}")),
            id: environment.text("BUILDKITE_BUILD_ID"),
            shard: shard(index, environment.number("BUILDKITE_PARALLEL_JOB_COUNT")),
            details: Vec::new(),
        }
    })
}
