//! Git repositories that tests make.

use std::path::Path;
use std::process::Command;

/// Runs git in a repository, as an author of its own and without the user's settings, and returns what it prints.
/// Commits that it makes are made at `time`, in seconds since 1970.
pub fn git(repository: &Path, time: i64, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .arg("-C")
        .arg(repository)
        .args(["-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "commit.gpgsign=false"])
        .args(arguments)
        .env("GIT_AUTHOR_DATE", format!("@{time} +0200"))
        .env("GIT_COMMITTER_DATE", format!("@{time} +0200"))
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .unwrap();
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Whether git succeeds, where failing is an answer.
pub fn succeeds(repository: &Path, arguments: &[&str]) -> bool {
    Command::new("git").arg("-C").arg(repository).args(arguments).output().unwrap().status.success()
}
