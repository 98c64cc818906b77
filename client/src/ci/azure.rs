//! Azure Pipelines.

use super::{CiRun, change, repository_name, shard};
use crate::environment::Environment;

pub(super) fn detect(environment: &Environment) -> Option<CiRun> {
    environment.is_true("TF_BUILD").then(|| {
        let branch = environment.first(&["SYSTEM_PULLREQUEST_SOURCEBRANCH", "BUILD_SOURCEBRANCH"]);
        // The number is GitHub's, where the code lies there; the id is Azure's own.
        let number = environment.get("SYSTEM_PULLREQUEST_PULLREQUESTNUMBER");
        let number = number.or(environment.get("SYSTEM_PULLREQUEST_PULLREQUESTID"));
        let authors = [environment.get("BUILD_REQUESTEDFOR"), environment.get("BUILD_REQUESTEDFOREMAIL")];
        let link = || {
            let collection = environment.get("SYSTEM_COLLECTIONURI")?.trim_end_matches('/');
            let project = environment.get("SYSTEM_TEAMPROJECT")?.replace('%', "%25").replace(' ', "%20");
            Some(format!("{collection}/{project}/_build/results?buildId={}", environment.get("BUILD_BUILDID")?))
        };
        CiRun {
            name: "Azure Pipelines",
            commit: environment.text("BUILD_SOURCEVERSION"),
            branch: branch.map(|branch| branch.strip_prefix("refs/heads/").unwrap_or(&branch).to_owned()),
            change: change(number, &authors),
            base: None,
            repository: environment.get("BUILD_REPOSITORY_NAME").and_then(repository_name),
            link: link(),
            id: environment.text("BUILD_BUILDID"),
            shard: shard(
                environment.number("SYSTEM_JOBPOSITIONINPHASE"),
                environment.number("SYSTEM_TOTALJOBSINPHASE"),
            ),
            details: Vec::new(),
        }
    })
}
