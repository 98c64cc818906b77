//! CircleCI.

use super::{CiRun, change, shard};
use crate::environment::Environment;

pub(super) fn detect(environment: &Environment) -> Option<CiRun> {
    environment.is_true("CIRCLECI").then(|| {
        // A pull request is named by its address; its number stands alone only where it comes from a fork.
        let number = environment.get("CIRCLE_PR_NUMBER");
        let number = number.or_else(|| environment.get("CIRCLE_PULL_REQUEST").and_then(|url| url.rsplit('/').next()));
        let author = environment.get("CIRCLE_PR_USERNAME").or(environment.get("CIRCLE_USERNAME"));
        // Parts are counted from 0.
        let index = environment.number("CIRCLE_NODE_INDEX").map(|index| index.saturating_add(1));
        CiRun {
            name: "CircleCI",
            commit: environment.text("CIRCLE_SHA1"),
            branch: environment.text("CIRCLE_BRANCH"),
            change: change(number, &[author]),
            base: None,
            repository: environment.text("CIRCLE_PROJECT_REPONAME"),
            link: environment.text("CIRCLE_BUILD_URL"),
            id: environment.first(&["CIRCLE_WORKFLOW_ID", "CIRCLE_BUILD_NUM"]),
            shard: shard(index, environment.number("CIRCLE_NODE_TOTAL")),
            details: Vec::new(),
        }
    })
}
