//! What a run belongs to: commit, branch, change and CI, from options, the CI and git, in this order.

use anyhow::{Context, bail};
use reports::document::{Change, Head, RunOrigin, Shard};
use serde_json::{Map, Value, json};

use crate::ci::{self, CiRun};
use crate::environment::Environment;
use crate::git::{self, GitCommit};
use crate::machine;
use crate::options::RunOptions;

/// A run without its reports.
#[derive(Debug)]
pub(crate) struct RunContext {
    pub(crate) head: Head,
    /// Hash of the commit that the change is based on, where the CI knows it.
    pub(crate) base: Option<String>,
}

impl RunContext {
    /// What is known of the run of this process.
    pub(crate) fn of(options: &RunOptions, environment: &Environment) -> anyhow::Result<Self> {
        let run = ci::detect(environment).unwrap_or_default();
        let suite = options.suite()?.to_owned();
        let change = change(options, &run).map(|change| Change { base: run.base.clone(), ..change });
        let commit = commit(options, &run, change.as_ref())?;
        let link = options.link.clone().or_else(|| run.link.clone());
        let mut details: Map<String, Value> =
            run.details.iter().map(|(name, value)| ((*name).to_owned(), value.as_str().into())).collect();
        details.extend(link.clone().map(|link| ("link".to_owned(), link.into())));
        let of = run.id.clone();
        let shard = options.shard.clone().map(|shard| Shard { of, ..shard }).or(run.shard);
        let head = Head {
            suite,
            configuration: machine::configuration(&options.configuration),
            commits: vec![commit],
            details,
            run: RunOrigin { id: run.id, link, ..RunOrigin::default() },
            shard,
            expects: options.expects()?,
            change,
            ..Head::default()
        };
        Ok(Self { head, base: run.base })
    }
}

fn change(options: &RunOptions, run: &CiRun) -> Option<Change> {
    let of_ci = run.change.clone();
    // A pipeline whose variable is not set gives an empty one, which is none.
    let given = options.change.clone().filter(|id| !id.is_empty());
    let id = given.or_else(|| of_ci.as_ref().map(|change| change.id.clone()))?;
    // The authors that the CI names are those of its own change.
    let authors = of_ci.filter(|change| change.id == id).map(|change| change.authors).unwrap_or_default();
    let authors = if options.author.is_empty() { authors } else { options.author.clone() };
    Some(Change { id, authors, base: None })
}

fn commit(options: &RunOptions, run: &CiRun, change: Option<&Change>) -> anyhow::Result<Value> {
    let named = options.commit.as_deref().or(run.commit.as_deref());
    let known = git::commit(named.unwrap_or("HEAD"));
    let hash = match (named, &known) {
        (_, Some(commit)) => commit.hash.clone(),
        (Some(name), None) => name.to_owned(),
        (None, None) => bail!("the commit is not known: give --commit, or call this in a checkout"),
    };
    let origin = || git::origin().as_deref().and_then(ci::repository_name);
    let folder = || git::top().and_then(|top| Some(top.file_name()?.to_string_lossy().into_owned()));
    let repository = options.repository.clone().or_else(|| run.repository.clone()).or_else(origin).or_else(folder);
    let repository = repository.context("the repository is not known: give --repository")?;
    let time = options.commit_time.or(known.as_ref().map(|commit| commit.timestamp));
    let branch = match change {
        Some(change) => change.branch(),
        None => {
            let branch = options.branch.clone().or_else(|| run.branch.clone()).or_else(git::branch);
            branch.context("the branch is not known, because a commit is checked out by itself: give --branch")?
        }
    };
    match time {
        Some(time) => Ok(complete(&repository, &branch, &hash, time, known.as_ref())),
        None if change.is_some() => {
            bail!("it is not known when commit {hash} was made, because it is not in this checkout: give --commit-time")
        }
        // The server may know the commit.
        None => Ok(json!({ "repository_id": repository, "branch": branch, "id": hash })),
    }
}

fn complete(repository: &str, branch: &str, hash: &str, time: i64, known: Option<&GitCommit>) -> Value {
    let mut commit = json!({ "repository_id": repository, "branch": branch, "hash": hash, "timestamp": time });
    if let Some(GitCommit { author, email, subject, .. }) = known {
        commit["message"] = subject.as_str().into();
        let name = if author.is_empty() { email } else { author };
        if !name.is_empty() {
            let emails: Vec<&str> = [email.as_str()].into_iter().filter(|email| !email.is_empty()).collect();
            commit["author"] = json!({ "name": name, "emails": emails });
        }
    }
    commit
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::typed;

    const SHA: &str = "9be1cfa0f5e4d3c2b1a09f8e7d6c5b4a39281706";

    fn context(arguments: &[&str], variables: &[(&str, &str)]) -> anyhow::Result<RunContext> {
        let options: RunOptions = typed::arguments(&[&["--suite", "s"], arguments].concat()).unwrap();
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        RunContext::of(&options, &variables.collect())
    }

    const GITLAB: [(&str, &str); 5] = [
        ("GITLAB_CI", "true"),
        ("CI_COMMIT_SHA", SHA),
        ("CI_COMMIT_BRANCH", "main"),
        ("CI_PROJECT_NAME", "widget"),
        ("CI_PIPELINE_ID", "88"),
    ];

    #[test]
    fn a_run_of_a_branch_is_on_it() {
        let head = context(&["--commit-time", "1700000000", "--shard", "2/3"], &GITLAB).unwrap().head;
        let commit = json!({ "repository_id": "widget", "branch": "main", "hash": SHA, "timestamp": 1_700_000_000 });
        assert_eq!(head.commits, [commit]);
        assert_eq!(head.shard, Some(Shard { index: 2, count: 3, of: Some("88".into()) }));
        let head = context(&["--branch", "stable", "--commit-time", "1700000000"], &GITLAB).unwrap().head;
        assert_eq!(head.commits[0]["branch"], "stable");
    }

    #[test]
    fn a_run_of_a_change_is_never_on_a_branch_of_the_repository() {
        let mut variables = GITLAB.to_vec();
        variables.extend([("CI_MERGE_REQUEST_IID", "5"), ("CI_COMMIT_AUTHOR", "Ada <a@b>")]);
        for arguments in [&["--commit-time", "1"][..], &["--commit-time", "1", "--branch", "main"]] {
            let head = context(arguments, &variables).unwrap().head;
            assert_eq!(head.commits[0]["branch"], "change/5");
            assert_eq!(head.change.unwrap().authors, ["Ada", "a@b"]);
        }
        let head = context(&["--commit-time", "1", "--change", "6"], &variables).unwrap().head;
        assert_eq!((head.commits[0]["branch"].as_str(), head.change.unwrap().authors.len()), (Some("change/6"), 0));
        // The server would find the commit on its own branch.
        let error = context(&[], &variables).unwrap_err().to_string();
        assert!(error.contains("--commit-time"), "{error}");
    }

    #[test]
    fn a_commit_without_a_time_is_looked_up_by_the_server() {
        let head = context(&[], &GITLAB).unwrap().head;
        assert_eq!(head.commits, [json!({ "repository_id": "widget", "branch": "main", "id": SHA })]);
    }

    #[test]
    fn links_and_details_come_from_the_ci() {
        let mut variables = GITLAB.to_vec();
        variables.push(("CI_JOB_URL", "https://ci/9"));
        let head = context(&["-c", "python=3.12"], &variables).unwrap().head;
        assert_eq!((&head.details["link"], head.run.link.as_deref()), (&json!("https://ci/9"), Some("https://ci/9")));
        assert_eq!((head.run.id.as_deref(), &head.configuration["python"]), (Some("88"), &json!("3.12")));
        let head = context(&["--link", "https://other"], &variables).unwrap().head;
        assert_eq!(head.details["link"], "https://other");
    }
}
