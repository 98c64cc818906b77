//! A clone on this machine, asked with git's own commands.

use std::path::PathBuf;
use std::process::Command;

use schema::owners::MAX_FILE_BYTES;

use super::host::{Host, ListStart, ListedCommit, Result, SourceError};

/// Separates the members of a commit, and commits; no name or message holds control characters like these.
const FORMAT: &str = "--format=%H%x1f%P%x1f%ct%x1f%an%x1f%ae%x1f%B%x1e";

/// What git says of a folder that is not there, has no clone, or has one that somebody else owns.
const NO_CLONE: [&str; 3] = ["cannot change to", "not a git repository", "dubious ownership"];

pub(super) struct Clone {
    path: PathBuf,
}

impl Clone {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path }
    }

    fn failed(&self, cause: impl ToString) -> SourceError {
        SourceError::Failed { place: self.place(), cause: cause.to_string() }
    }

    fn run(&self, arguments: &[&str]) -> Result<std::process::Output> {
        let mut git = Command::new("git");
        git.arg("-C").arg(&self.path).args(arguments).env("GIT_TERMINAL_PROMPT", "0").env("LC_ALL", "C");
        git.output().map_err(|error| self.failed(error))
    }

    /// What a command prints; its complaint is the error.
    fn ask(&self, arguments: &[&str]) -> Result<String> {
        let output = self.run(arguments)?;
        if !output.status.success() {
            return Err(self.failed(String::from_utf8_lossy(&output.stderr).trim()));
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// The hash of a revision, if the clone has it.
    fn verified(&self, revision: &str) -> Result<Option<String>> {
        let output = self.run(&["rev-parse", "--verify", "--quiet", "--end-of-options", revision])?;
        if output.status.success() {
            return Ok(Some(String::from_utf8_lossy(&output.stdout).trim().to_owned()));
        }
        // Git says nothing of a revision that does not exist, but says what is wrong with the clone.
        let complaint = String::from_utf8_lossy(&output.stderr);
        if NO_CLONE.iter().any(|said| complaint.contains(said)) {
            let cause = complaint.lines().next().unwrap_or_default().trim().to_owned();
            return Err(SourceError::NoClone { place: self.place(), cause });
        }
        Ok(None)
    }

    /// The revision of a start: a clone that is not bare knows most branches only as branches of its remote.
    fn revision(&self, from: ListStart<'_>) -> Result<String> {
        let branch = match from {
            ListStart::Hash(hash) => return Ok(hash.to_owned()),
            ListStart::Branch(branch) => branch,
        };
        for folder in ["refs/remotes/origin", "refs/heads"] {
            let revision = format!("{folder}/{branch}");
            if self.verified(&revision)?.is_some() {
                return Ok(revision);
            }
        }
        Err(SourceError::Unknown(branch.to_owned(), self.place()))
    }
}

impl Host for Clone {
    fn place(&self) -> String {
        self.path.display().to_string()
    }

    fn resolve(&self, hash: &str) -> Result<String> {
        let found = self.verified(&format!("{hash}^{{commit}}"))?;
        found.ok_or_else(|| SourceError::Unknown(hash.to_owned(), self.place()))
    }

    fn list(&self, from: ListStart<'_>, size: u32, page: u32) -> Result<Vec<ListedCommit>> {
        let revision = self.revision(from)?;
        let (count, skip) = (format!("-n{size}"), format!("--skip={}", size * (page - 1)));
        let text = self.ask(&["log", FORMAT, &count, &skip, "--end-of-options", &revision, "--"])?;
        let commits = text.split('\x1e').map(str::trim_start).filter(|commit| !commit.is_empty());
        commits
            .map(|commit| parse(commit).ok_or_else(|| self.failed("git's answer is not in the form asked for")))
            .collect()
    }

    fn count(&self, from: ListStart<'_>) -> Result<u64> {
        let revision = self.revision(from)?;
        let text = self.ask(&["rev-list", "--count", "--end-of-options", &revision, "--"])?;
        text.trim().parse().map_err(|error| self.failed(error))
    }

    fn branch_of(&self, hash: &str, default_branch: &str) -> Result<Option<String>> {
        let text = self.ask(&[
            "for-each-ref",
            "--contains",
            hash,
            "--format=%(refname)",
            "refs/remotes/origin",
            "refs/heads",
        ])?;
        let name = |line: &str| {
            let name = line.strip_prefix("refs/remotes/origin/").or_else(|| line.strip_prefix("refs/heads/"))?;
            (name != "HEAD").then(|| name.to_owned())
        };
        let found: Vec<String> = text.lines().filter_map(name).collect();
        Ok(found.iter().find(|name| *name == default_branch).or(found.first()).cloned())
    }

    fn branch_point(&self, hash: &str, default_branch: &str) -> Result<String> {
        let default = self.revision(ListStart::Branch(default_branch))?;
        Ok(self.ask(&["merge-base", &default, hash])?.trim().to_owned())
    }

    fn file(&self, branch: &str, path: &str) -> Result<Option<String>> {
        let revision = self.revision(ListStart::Branch(branch))?;
        let listed = self.ask(&["--literal-pathspecs", "ls-tree", "-l", "-z", "--full-tree", &revision, "--", path])?;
        let Some((entry, _)) = listed.split_once('\t') else { return Ok(None) };
        let unreadable = |cause: String| SourceError::Unreadable { path: path.to_owned(), place: self.place(), cause };
        let [_, "blob", hash, size] = entry.split_whitespace().collect::<Vec<_>>()[..] else {
            return Err(unreadable("it is no file".to_owned()));
        };
        if size.parse::<usize>().map_err(|error| self.failed(error))? > MAX_FILE_BYTES {
            return Err(unreadable(format!("it has more than {MAX_FILE_BYTES} bytes")));
        }
        let output = self.run(&["cat-file", "blob", hash])?;
        if !output.status.success() {
            return Err(self.failed(String::from_utf8_lossy(&output.stderr).trim()));
        }
        String::from_utf8(output.stdout).map(Some).map_err(|_| unreadable("it is no text in UTF-8".to_owned()))
    }
}

fn parse(commit: &str) -> Option<ListedCommit> {
    let mut members = commit.splitn(6, '\x1f');
    Some(ListedCommit {
        hash: members.next()?.to_owned(),
        parents: members.next()?.split_whitespace().map(str::to_owned).collect(),
        timestamp: members.next()?.parse().ok()?,
        author: members.next()?.to_owned(),
        email: members.next()?.to_owned(),
        message: members.next()?.to_owned(),
    })
}
