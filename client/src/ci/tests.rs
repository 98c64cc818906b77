#![allow(clippy::unwrap_used)]

use super::*;

fn environment(variables: &[(&str, &str)]) -> Environment {
    variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn detected(variables: &[(&str, &str)]) -> CiRun {
    detect(&environment(variables)).unwrap()
}

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn of_change(id: &str, authors: &[&str]) -> Option<Change> {
    let authors = authors.iter().map(|author| (*author).to_owned()).collect();
    Some(Change { id: id.to_owned(), authors, base: None })
}

const SHA: &str = "9be1cfa0f5e4d3c2b1a09f8e7d6c5b4a39281706";

#[test]
fn nothing_is_detected_outside_a_ci() {
    assert_eq!(detect(&environment(&[("CI", "true"), ("HOME", "/somewhere"), ("GITHUB_ACTIONS", "")])), None);
}

#[test]
fn github_actions() {
    let push = [
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_SHA", SHA),
        ("GITHUB_REF", "refs/heads/main"),
        ("GITHUB_REF_NAME", "main"),
        ("GITHUB_HEAD_REF", ""),
        ("GITHUB_REPOSITORY", "octo/widget"),
        ("GITHUB_SERVER_URL", "https://github.com"),
        ("GITHUB_RUN_ID", "4711"),
        ("GITHUB_RUN_ATTEMPT", "1"),
        ("GITHUB_ACTOR", "ada"),
    ];
    let expected = CiRun {
        name: "GitHub Actions",
        commit: text(SHA),
        branch: text("main"),
        repository: text("widget"),
        link: text("https://github.com/octo/widget/actions/runs/4711"),
        id: text("4711"),
        ..CiRun::default()
    };
    assert_eq!(detected(&push), expected);

    let file = tempfile::NamedTempFile::new().unwrap();
    let event = r#"{"pull_request":{"number":7,"user":{"login":"grace"},"base":{"sha":"b45e"}}}"#;
    std::fs::write(file.path(), event).unwrap();
    let path = file.path().to_str().unwrap();
    let request = [("GITHUB_HEAD_REF", "main"), ("GITHUB_REF", "refs/pull/7/merge"), ("GITHUB_RUN_ATTEMPT", "2")];
    let mut variables = push.to_vec();
    variables.extend(request);
    let without_event = detected(&variables);
    assert_eq!((&without_event.change, &without_event.base), (&of_change("7", &["ada"]), &None));
    variables.push(("GITHUB_EVENT_PATH", path));
    let run = detected(&variables);
    assert_eq!((run.change, run.base), (of_change("7", &["grace"]), text("b45e")));
    assert_eq!(run.link, text("https://github.com/octo/widget/actions/runs/4711/attempts/2"));
}

#[test]
fn gitlab() {
    let push = [
        ("GITLAB_CI", "true"),
        ("CI_COMMIT_SHA", SHA),
        ("CI_COMMIT_BRANCH", "main"),
        ("CI_COMMIT_REF_NAME", "main"),
        ("CI_COMMIT_AUTHOR", "Ada <ada@example.org>"),
        ("CI_PROJECT_NAME", "widget"),
        ("CI_JOB_URL", "https://gitlab.example.org/g/widget/-/jobs/9"),
        ("CI_PIPELINE_ID", "88"),
        ("CI_NODE_INDEX", "2"),
        ("CI_NODE_TOTAL", "3"),
    ];
    let expected = CiRun {
        name: "GitLab",
        commit: text(SHA),
        branch: text("main"),
        repository: text("widget"),
        link: text("https://gitlab.example.org/g/widget/-/jobs/9"),
        id: text("88"),
        shard: Some(Shard { index: 2, count: 3, of: text("88") }),
        ..CiRun::default()
    };
    assert_eq!(detected(&push), expected);
    let request = [
        ("GITLAB_CI", "true"),
        ("CI_COMMIT_REF_NAME", "refs/merge-requests/5/head"),
        ("CI_MERGE_REQUEST_IID", "5"),
        ("CI_MERGE_REQUEST_SOURCE_BRANCH_NAME", "fix"),
        ("CI_MERGE_REQUEST_DIFF_BASE_SHA", "b45e"),
        ("CI_COMMIT_AUTHOR", "Ada <ada@example.org>"),
    ];
    let run = detected(&request);
    assert_eq!((run.branch, run.change), (text("fix"), of_change("5", &["Ada", "ada@example.org"])));
    assert_eq!((run.base, run.shard), (text("b45e"), None));
}

#[test]
fn buildkite() {
    let variables = [
        ("BUILDKITE", "true"),
        ("BUILDKITE_COMMIT", SHA),
        ("BUILDKITE_BRANCH", "main"),
        ("BUILDKITE_PULL_REQUEST", "false"),
        ("BUILDKITE_REPO", "git@github.com:octo/widget.git"),
        ("BUILDKITE_BUILD_URL", "https://buildkite.com/octo/widget/builds/3"),
        ("BUILDKITE_JOB_ID", "0190"),
        ("BUILDKITE_BUILD_ID", "abc"),
        ("BUILDKITE_PARALLEL_JOB", "0"),
        ("BUILDKITE_PARALLEL_JOB_COUNT", "4"),
    ];
    let expected = CiRun {
        name: "Buildkite",
        commit: text(SHA),
        branch: text("main"),
        repository: text("widget"),
        link: text("https://buildkite.com/octo/widget/builds/3#0190"),
        id: text("abc"),
        shard: Some(Shard { index: 1, count: 4, of: text("abc") }),
        ..CiRun::default()
    };
    assert_eq!(detected(&variables), expected);
    let request = [
        ("BUILDKITE", "true"),
        ("BUILDKITE_COMMIT", "HEAD"),
        ("BUILDKITE_PULL_REQUEST", "12"),
        ("BUILDKITE_BUILD_AUTHOR", "Ada"),
        ("BUILDKITE_BUILD_AUTHOR_EMAIL", "ada@example.org"),
    ];
    let run = detected(&request);
    assert_eq!((run.commit, run.change), (None, of_change("12", &["Ada", "ada@example.org"])));
}

#[test]
fn jenkins() {
    let variables = [
        ("JENKINS_URL", "https://jenkins.example.org/"),
        ("GIT_COMMIT", SHA),
        ("GIT_BRANCH", "origin/main"),
        ("GIT_URL", "https://git.example.org/octo/widget.git"),
        ("BUILD_URL", "https://jenkins.example.org/job/widget/5/"),
        ("BUILD_TAG", "jenkins-widget-5"),
    ];
    let expected = CiRun {
        name: "Jenkins",
        commit: text(SHA),
        branch: text("main"),
        repository: text("widget"),
        link: text("https://jenkins.example.org/job/widget/5/"),
        id: text("jenkins-widget-5"),
        ..CiRun::default()
    };
    assert_eq!(detected(&variables), expected);
    let request = [
        ("JENKINS_URL", "https://jenkins.example.org/"),
        ("BRANCH_NAME", "PR-9"),
        ("CHANGE_ID", "9"),
        ("CHANGE_BRANCH", "fix"),
        ("CHANGE_AUTHOR", "ada"),
    ];
    let run = detected(&request);
    assert_eq!((run.branch, run.change), (text("fix"), of_change("9", &["ada"])));
}

#[test]
fn circleci() {
    let variables = [
        ("CIRCLECI", "true"),
        ("CIRCLE_SHA1", SHA),
        ("CIRCLE_BRANCH", "fix"),
        ("CIRCLE_PULL_REQUEST", "https://github.com/octo/widget/pull/31"),
        ("CIRCLE_USERNAME", "ada"),
        ("CIRCLE_PROJECT_REPONAME", "widget"),
        ("CIRCLE_BUILD_URL", "https://circleci.com/gh/octo/widget/8"),
        ("CIRCLE_WORKFLOW_ID", "w-1"),
        ("CIRCLE_NODE_INDEX", "0"),
        ("CIRCLE_NODE_TOTAL", "1"),
    ];
    let expected = CiRun {
        name: "CircleCI",
        commit: text(SHA),
        branch: text("fix"),
        change: of_change("31", &["ada"]),
        repository: text("widget"),
        link: text("https://circleci.com/gh/octo/widget/8"),
        id: text("w-1"),
        ..CiRun::default()
    };
    assert_eq!(detected(&variables), expected);
}

#[test]
fn azure() {
    let variables = [
        ("TF_BUILD", "True"),
        ("BUILD_SOURCEVERSION", SHA),
        ("BUILD_SOURCEBRANCH", "refs/heads/main"),
        ("BUILD_REPOSITORY_NAME", "octo/widget"),
        ("SYSTEM_COLLECTIONURI", "https://dev.azure.com/octo/"),
        ("SYSTEM_TEAMPROJECT", "My Widget"),
        ("BUILD_BUILDID", "66"),
        ("SYSTEM_JOBPOSITIONINPHASE", "2"),
        ("SYSTEM_TOTALJOBSINPHASE", "2"),
    ];
    let expected = CiRun {
        name: "Azure Pipelines",
        commit: text(SHA),
        branch: text("main"),
        repository: text("widget"),
        link: text("https://dev.azure.com/octo/My%20Widget/_build/results?buildId=66"),
        id: text("66"),
        shard: Some(Shard { index: 2, count: 2, of: text("66") }),
        ..CiRun::default()
    };
    assert_eq!(detected(&variables), expected);
    let request = [
        ("TF_BUILD", "True"),
        ("BUILD_SOURCEBRANCH", "refs/pull/4/merge"),
        ("SYSTEM_PULLREQUEST_SOURCEBRANCH", "refs/heads/fix"),
        ("SYSTEM_PULLREQUEST_PULLREQUESTID", "900"),
        ("SYSTEM_PULLREQUEST_PULLREQUESTNUMBER", "4"),
        ("BUILD_REQUESTEDFOREMAIL", "ada@example.org"),
    ];
    let run = detected(&request);
    assert_eq!((run.branch, run.change), (text("fix"), of_change("4", &["ada@example.org"])));
}

#[test]
fn buildbot() {
    let variables = [
        ("BUILDBOT_MASTERNAME", "build.example.org"),
        ("BUILDBOT_BUILDERNAME", "linux-release"),
        ("BUILDBOT_BUILDNUMBER", "12"),
        ("BUILDBOT_WORKERNAME", "w3"),
        ("BUILDBOT_GOT_REVISION", SHA),
        ("BUILDBOT_BRANCH", "main"),
        ("BUILDBOT_REPOSITORY", "https://git.example.org/widget.git"),
        ("BUILDBOT_URL", "https://build.example.org/#/builders/1/builds/12"),
    ];
    let run = detected(&variables);
    let details = [
        ("buildbot-master", "build.example.org"),
        ("builder-name", "linux-release"),
        ("build-number", "12"),
        ("buildbot-worker", "w3"),
    ];
    assert!(run.details.iter().map(|(name, value)| (*name, value.as_str())).eq(details), "{run:?}");
    assert_eq!((run.id, run.commit, run.repository), (text("linux-release/12"), text(SHA), text("widget")));
    let some = detected(&variables[..3]);
    assert_eq!((some.name, some.details), ("Buildbot", Vec::new()));
}

#[test]
fn woodpecker() {
    let variables = [
        ("CI", "woodpecker"),
        ("CI_COMMIT_SHA", SHA),
        ("CI_COMMIT_BRANCH", "main"),
        ("CI_COMMIT_SOURCE_BRANCH", "fix"),
        ("CI_COMMIT_PULL_REQUEST", "3"),
        ("CI_COMMIT_AUTHOR", "ada"),
        ("CI_REPO_NAME", "widget"),
        ("CI_PIPELINE_URL", "https://ci.example.org/repos/1/pipeline/5"),
        ("CI_PIPELINE_NUMBER", "5"),
    ];
    let expected = CiRun {
        name: "Woodpecker",
        commit: text(SHA),
        branch: text("fix"),
        change: of_change("3", &["ada"]),
        repository: text("widget"),
        link: text("https://ci.example.org/repos/1/pipeline/5"),
        id: text("5"),
        ..CiRun::default()
    };
    assert_eq!(detected(&variables), expected);
}

#[test]
fn repositories_are_called_by_the_last_part_of_their_address() {
    for address in ["git@example.org:octo/widget.git", "https://example.org/octo/widget/", "octo/widget", "host:widget"]
    {
        assert_eq!(repository_name(address).as_deref(), Some("widget"), "{address}");
    }
    assert_eq!(repository_name(""), None);
}
