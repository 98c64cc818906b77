//! What the `git` command says of the checkout around the working folder. Where there is none, nothing is known.

use std::path::PathBuf;
use std::process::{Command, Stdio};

/// A commit of the checkout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GitCommit {
    pub(crate) hash: String,
    /// When it was committed, seconds since 1970.
    pub(crate) timestamp: i64,
    pub(crate) author: String,
    pub(crate) email: String,
    pub(crate) subject: String,
}

/// The commit of a name, such as a hash or `HEAD`.
pub(crate) fn commit(name: &str) -> Option<GitCommit> {
    let name = format!("{name}^{{commit}}");
    let shown = git(&[
        "show",
        "-s",
        "--no-show-signature",
        "--format=%H%x00%ct%x00%an%x00%ae%x00%s",
        "--end-of-options",
        &name,
    ])?;
    parse(&shown)
}

fn parse(shown: &str) -> Option<GitCommit> {
    let mut parts = shown.splitn(5, '\0').map(str::to_owned);
    let mut next = || parts.next();
    Some(GitCommit {
        hash: next()?,
        timestamp: next()?.parse().ok()?,
        author: next()?,
        email: next()?,
        subject: next()?,
    })
}

/// The branch that is checked out; none where a commit is checked out by itself.
pub(crate) fn branch() -> Option<String> {
    git(&["symbolic-ref", "--quiet", "--short", "HEAD"])
}

/// The address of the repository that was cloned.
pub(crate) fn origin() -> Option<String> {
    git(&["config", "--get", "remote.origin.url"])
}

/// The folder of the checkout.
pub(crate) fn top() -> Option<PathBuf> {
    git(&["rev-parse", "--show-toplevel"]).map(PathBuf::from)
}

/// Hashes of a commit and of the commits before it on its branch, newest first; at most `count`.
pub(crate) fn ancestors(name: &str, count: usize) -> Vec<String> {
    let listed = git(&["rev-list", "--first-parent", &format!("--max-count={count}"), "--end-of-options", name]);
    listed.map(|hashes| hashes.lines().map(str::to_owned).collect()).unwrap_or_default()
}

/// The output of a command that succeeds, without the line's end; none where it is empty.
fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).trim_end_matches(['\n', '\r']).to_owned();
    (output.status.success() && !text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn subjects_may_hold_anything_and_be_empty() {
        let commit = parse("ab12\x001700000000\0Ada\0ada@example.org\0Fix: a, b").unwrap_or_else(|| unreachable!());
        assert_eq!((commit.hash.as_str(), commit.timestamp), ("ab12", 1_700_000_000));
        assert_eq!((commit.author.as_str(), commit.subject.as_str()), ("Ada", "Fix: a, b"));
        assert_eq!(parse("ab12\x0017\0Ada\0a@b\0").map(|commit| commit.subject).as_deref(), Some(""));
        assert_eq!(parse("ab12\0soon\0Ada\0a@b\0x"), None);
        assert_eq!(parse("ab12"), None);
    }
}
