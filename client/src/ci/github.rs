//! GitHub Actions.

use std::fs;

use serde_json::Value;

use super::{CiRun, change, repository_name};
use crate::environment::Environment;

pub(super) fn detect(environment: &Environment) -> Option<CiRun> {
    environment.is_true("GITHUB_ACTIONS").then(|| {
        let event = environment.get("GITHUB_EVENT_PATH").and_then(event).unwrap_or_default();
        let request = &event["pull_request"];
        let number = request["number"].as_u64().map(|number| number.to_string());
        // Of a pull request, the reference is refs/pull/7/merge.
        let from_reference = || environment.get("GITHUB_REF")?.strip_prefix("refs/pull/")?.split('/').next();
        let author = request["user"]["login"].as_str().or(environment.get("GITHUB_ACTOR"));
        let link = || {
            let server = environment.get("GITHUB_SERVER_URL").unwrap_or("https://github.com");
            let (repository, run) = (environment.get("GITHUB_REPOSITORY")?, environment.get("GITHUB_RUN_ID")?);
            let attempt = environment.get("GITHUB_RUN_ATTEMPT").filter(|attempt| *attempt != "1");
            let attempt = attempt.map(|attempt| format!("/attempts/{attempt}")).unwrap_or_default();
            Some(format!("{server}/{repository}/actions/runs/{run}{attempt}"))
        };
        CiRun {
            name: "GitHub Actions",
            // Of a pull request, the commit that joins it with its base, which is what is tested.
            commit: environment.text("GITHUB_SHA"),
            branch: environment.first(&["GITHUB_HEAD_REF", "GITHUB_REF_NAME"]),
            change: change(number.as_deref().or_else(from_reference), &[author]),
            base: request["base"]["sha"].as_str().map(str::to_owned),
            repository: environment.get("GITHUB_REPOSITORY").and_then(repository_name),
            link: link(),
            id: environment.text("GITHUB_RUN_ID"),
            shard: None,
            details: Vec::new(),
        }
    })
}

/// The event that started the workflow, as GitHub describes it in a file.
fn event(path: &str) -> Option<Value> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}
