//! Woodpecker.

use super::{CiRun, change};
use crate::environment::Environment;

pub(super) fn detect(environment: &Environment) -> Option<CiRun> {
    let is_woodpecker = ["CI", "CI_SYSTEM_NAME"].iter().any(|name| environment.get(name) == Some("woodpecker"));
    is_woodpecker.then(|| {
        let authors = [environment.get("CI_COMMIT_AUTHOR"), environment.get("CI_COMMIT_AUTHOR_EMAIL")];
        CiRun {
            name: "Woodpecker",
            commit: environment.text("CI_COMMIT_SHA"),
            branch: environment.first(&["CI_COMMIT_SOURCE_BRANCH", "CI_COMMIT_BRANCH"]),
            change: change(environment.get("CI_COMMIT_PULL_REQUEST"), &authors),
            base: None,
            repository: environment.text("CI_REPO_NAME"),
            link: environment.first(&["CI_STEP_URL", "CI_PIPELINE_URL"]),
            id: environment.text("CI_PIPELINE_NUMBER"),
            shard: None,
            details: Vec::new(),
        }
    })
}
