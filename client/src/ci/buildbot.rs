//! Buildbot. It sets no variables by itself: a step gives them, as in
//! `env={"BUILDBOT_BUILDERNAME": Interpolate("%(prop:buildername)s"), …}`.

use super::{CiRun, change, repository_name};
use crate::environment::Environment;

/// The members of `details` by which servers link to builds, each with its variable. They are given together or not at all.
const DETAILS: [(&str, &str); 4] = [
    ("buildbot-master", "BUILDBOT_MASTERNAME"),
    ("builder-name", "BUILDBOT_BUILDERNAME"),
    ("build-number", "BUILDBOT_BUILDNUMBER"),
    ("buildbot-worker", "BUILDBOT_WORKERNAME"),
];

pub(super) fn detect(environment: &Environment) -> Option<CiRun> {
    environment.get("BUILDBOT_BUILDERNAME").map(|builder| {
        let details = DETAILS.iter().map(|(member, variable)| Some((*member, environment.text(variable)?)));
        let number = environment.get("BUILDBOT_BUILDNUMBER");
        CiRun {
            name: "Buildbot",
            commit: environment.first(&["BUILDBOT_GOT_REVISION", "BUILDBOT_REVISION"]),
            branch: environment.text("BUILDBOT_BRANCH"),
            change: change(environment.get("BUILDBOT_CHANGE"), &[environment.get("BUILDBOT_OWNER")]),
            base: None,
            repository: environment.get("BUILDBOT_REPOSITORY").and_then(repository_name),
            link: environment.text("BUILDBOT_URL"),
            id: number.map(|number| format!("{builder}/{number}")),
            shard: None,
            details: details.collect::<Option<Vec<_>>>().unwrap_or_default(),
        }
    })
}
