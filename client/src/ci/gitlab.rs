//! GitLab CI.

use super::{CiRun, author_parts, change, shard};
use crate::environment::Environment;

pub(super) fn detect(environment: &Environment) -> Option<CiRun> {
    environment.get("GITLAB_CI").map(|_| {
        let [name, email] = author_parts(environment.get("CI_COMMIT_AUTHOR"));
        CiRun {
            name: "GitLab",
            commit: environment.text("CI_COMMIT_SHA"),
            branch: environment.first(&[
                "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME",
                "CI_COMMIT_BRANCH",
                "CI_COMMIT_REF_NAME",
            ]),
            change: change(environment.get("CI_MERGE_REQUEST_IID"), &[name, email]),
            base: environment.first(&["CI_MERGE_REQUEST_TARGET_BRANCH_SHA", "CI_MERGE_REQUEST_DIFF_BASE_SHA"]),
            repository: environment.text("CI_PROJECT_NAME"),
            link: environment.text("CI_JOB_URL"),
            id: environment.text("CI_PIPELINE_ID"),
            shard: shard(environment.number("CI_NODE_INDEX"), environment.number("CI_NODE_TOTAL")),
            details: Vec::new(),
        }
    })
}
