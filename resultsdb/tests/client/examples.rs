//! The pipelines in `examples/ci`, each with the variables that its CI sets.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Output;

use test_support::workspace;

use crate::RESULTSDB;
use crate::checkout::{Checkout, code, junit, stderr, stdout};

const CLIENT: &str = "resultsdb-client ";

/// The client's commands in a pipeline, in their order.
fn commands(file: &str) -> Vec<String> {
    let text = fs::read_to_string(workspace::path("examples/ci").join(file)).unwrap();
    let command = |line: &str| {
        let line = line.trim();
        // What stands around a command in the pipeline's language.
        let line = ["- ", "run: ", "sh '"].iter().fold(line, |line, start| line.strip_prefix(start).unwrap_or(line));
        line.starts_with(CLIENT).then(|| line.strip_suffix('\'').unwrap_or(line).to_owned())
    };
    let found: Vec<String> = text.lines().filter_map(command).collect();
    assert_eq!(found.len(), text.lines().filter(|line| line.contains(CLIENT) && !line.contains("make cli")).count());
    found
}

/// Runs a command as the CI's shell does, with a pytest that reports `tests`.
fn run(checkout: &Checkout, command: &str, variables: &[(&str, &str)]) -> Output {
    let programs = checkout.path("programs");
    if !programs.exists() {
        fs::create_dir(&programs).unwrap();
        symlink(RESULTSDB.path(), programs.join("resultsdb-client")).unwrap();
        let pytest = programs.join("pytest");
        fs::write(&pytest, "#!/bin/sh\necho \"$@\" > arguments.txt\ncp written.txt \"$2\"\nexit 1\n").unwrap();
        fs::set_permissions(pytest, fs::Permissions::from_mode(0o755)).unwrap();
        fs::create_dir(checkout.path("tests")).unwrap();
        for file in ["tests/test_a.py", "tests/test_b.py", "tests/test_c.py"] {
            fs::write(checkout.path(file), "").unwrap();
        }
    }
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
    let mut shell = checkout.command("sh");
    shell.args(["-e", "-c", command]).env("PATH", path).envs(variables.iter().copied()).output().unwrap()
}

fn documents(checkout: &Checkout, query: &str) -> serde_json::Value {
    checkout.server.json(&format!("/api/upload?suite=unit&recent=false{query}"))
}

#[test]
fn github() {
    let checkout = Checkout::new();
    let commands = commands("github.yml");
    assert_eq!(commands.len(), 2);
    fs::write(checkout.path("written.txt"), junit(&[("a", true), ("b", false)])).unwrap();
    let mut variables = vec![
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_SHA", checkout.head.as_str()),
        ("GITHUB_REF", "refs/heads/main"),
        ("GITHUB_REF_NAME", "main"),
        ("GITHUB_REPOSITORY", "octo/widget"),
        ("GITHUB_RUN_ID", "4711"),
        ("GITHUB_STEP_SUMMARY", "step.md"),
        ("GITHUB_API_URL", "http://127.0.0.1:9"),
        ("GITHUB_TOKEN", "s3cret"),
    ];
    let pushed = run(&checkout, &commands[0], &variables);
    assert_eq!(code(&pushed), 1, "as pytest: {}", stderr(&pushed));
    let document = documents(&checkout, "")[0].clone();
    let link = "https://github.com/octo/widget/actions/runs/4711";
    assert_eq!(document["test_results"]["details"]["link"], link);
    variables.extend([("GITHUB_REF", "refs/pull/7/merge"), ("GITHUB_HEAD_REF", "fix")]);
    let requested = run(&checkout, &commands[1], &variables);
    let said = stdout(&requested) + &stderr(&requested);
    assert!(code(&requested) == 1 && said.contains("unknown: C::b FAIL"), "{said}");
    assert!(said.contains("the comment is not written") && !said.contains("s3cret"), "{said}");
    assert!(fs::read_to_string(checkout.path("step.md")).unwrap().contains("1 unknown"));
    assert_eq!(documents(&checkout, "&branch=change/7")[0]["commits"][0]["branch"], "change/7");
    checkout.server.stop();
}

#[test]
fn gitlab() {
    let checkout = Checkout::new();
    let commands = commands("gitlab.yml");
    assert_eq!(commands.len(), 3);
    fs::write(checkout.path("written.txt"), junit(&[("a", true)])).unwrap();
    let variables = |index: &'static str| {
        let head = checkout.head.as_str();
        vec![
            ("GITLAB_CI", "true"),
            ("CI_COMMIT_SHA", head),
            ("CI_COMMIT_BRANCH", "main"),
            ("CI_PROJECT_NAME", "widget"),
            ("CI_NODE_INDEX", index),
            ("CI_NODE_TOTAL", "2"),
            ("CI_PIPELINE_ID", "88"),
        ]
    };
    let mut all = Vec::new();
    for index in ["1", "2"] {
        let output = run(&checkout, &format!("{}\n{}", commands[0], commands[1]), &variables(index));
        assert_eq!(code(&output), 1, "as pytest: {}", stderr(&output));
        let arguments = fs::read_to_string(checkout.path("arguments.txt")).unwrap();
        all.extend(arguments.split_whitespace().skip(2).map(str::to_owned));
    }
    all.sort();
    assert_eq!(all, ["tests/test_a.py", "tests/test_b.py", "tests/test_c.py"]);
    let mut variables = variables("1");
    variables.truncate(4);
    variables.extend([("CI_MERGE_REQUEST_IID", "5"), ("CI_COMMIT_AUTHOR", "Ada <ada@example.org>")]);
    fs::write(checkout.path("written.txt"), junit(&[("a", true), ("b", false)])).unwrap();
    let output = run(&checkout, &commands[2], &variables);
    let said = stdout(&output) + &stderr(&output);
    assert!(
        code(&output) == 1 && said.contains("unknown: C::b") && said.contains("CI_API_V4_URL is not set"),
        "{said}"
    );
    assert_eq!(documents(&checkout, "&branch=change/5")[0]["commits"][0]["branch"], "change/5");
    checkout.server.stop();
}

#[test]
fn jenkins() {
    let checkout = Checkout::new();
    let commands = commands("Jenkinsfile");
    assert_eq!(commands.len(), 2);
    fs::create_dir_all(checkout.path("target/surefire-reports")).unwrap();
    fs::write(checkout.path("target/surefire-reports/TEST-C.xml"), junit(&[("a", true)])).unwrap();
    let variables = [
        ("JENKINS_URL", "https://jenkins.example.org/"),
        ("GIT_COMMIT", checkout.head.as_str()),
        ("GIT_BRANCH", "origin/main"),
        ("GIT_URL", "https://example.org/octo/widget.git"),
        ("BUILD_URL", "https://jenkins.example.org/job/widget/5/"),
    ];
    for (command, state) in commands.iter().zip(["PASS", "ERROR"]) {
        let output = run(&checkout, command, &variables);
        assert_eq!(code(&output), 0, "{}", stderr(&output));
        let document = documents(&checkout, "")[0].clone();
        assert_eq!(document["test_results"]["results"]["(run)"]["actual"], state, "{document}");
        assert_eq!(document["test_results"]["details"]["link"], "https://jenkins.example.org/job/widget/5/");
    }
    checkout.server.stop();
}

#[test]
fn buildkite() {
    let checkout = Checkout::new();
    let commands = commands("buildkite.yml");
    assert_eq!(commands.len(), 2);
    fs::write(checkout.path("written.txt"), junit(&[("a", true)])).unwrap();
    let variables = [
        ("BUILDKITE", "true"),
        ("BUILDKITE_COMMIT", checkout.head.as_str()),
        ("BUILDKITE_BRANCH", "main"),
        ("BUILDKITE_PULL_REQUEST", "false"),
        ("BUILDKITE_REPO", "git@example.org:octo/widget.git"),
        ("BUILDKITE_BUILD_URL", "https://buildkite.com/octo/widget/builds/3"),
        ("BUILDKITE_BUILD_ID", "abc"),
        ("BUILDKITE_PARALLEL_JOB", "1"),
        ("BUILDKITE_PARALLEL_JOB_COUNT", "2"),
    ];
    let output = run(&checkout, &commands.join("\n"), &variables);
    assert_eq!(code(&output), 1, "as pytest: {}", stderr(&output));
    let arguments = fs::read_to_string(checkout.path("arguments.txt")).unwrap();
    assert_eq!(arguments.trim(), "--junitxml report.xml tests/test_b.py");
    let document = documents(&checkout, "")[0].clone();
    assert!(document["test_results"]["results"]["(run)/shard 2"].is_object(), "{document}");
    checkout.server.stop();
}
