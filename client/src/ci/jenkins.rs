//! Jenkins, with its Git and branch source plugins.

use super::{CiRun, change, repository_name};
use crate::environment::Environment;

pub(super) fn detect(environment: &Environment) -> Option<CiRun> {
    environment.get("JENKINS_URL").map(|_| {
        let authors = [environment.get("CHANGE_AUTHOR"), environment.get("CHANGE_AUTHOR_EMAIL")];
        // The Git plugin names the branch with its remote.
        let branch =
            || environment.get("GIT_BRANCH").map(|branch| branch.strip_prefix("origin/").unwrap_or(branch).to_owned());
        CiRun {
            name: "Jenkins",
            commit: environment.text("GIT_COMMIT"),
            branch: environment.first(&["CHANGE_BRANCH", "BRANCH_NAME", "GIT_LOCAL_BRANCH"]).or_else(branch),
            change: change(environment.get("CHANGE_ID"), &authors),
            base: None,
            repository: environment.get("GIT_URL").and_then(repository_name),
            link: environment.text("BUILD_URL"),
            id: environment.text("BUILD_TAG"),
            shard: None,
            details: Vec::new(),
        }
    })
}
