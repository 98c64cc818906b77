//! GitHub's REST API.

use std::path::PathBuf;

use outbound::Outbound;
use serde::Deserialize;

use super::host::{Host, ListStart, ListedCommit, Result, SourceError};
use super::rest::{Client, Question, seconds, segment};

/// What the contents of a file are asked for as; without it they come within a document.
const RAW: &str = "application/vnd.github.raw+json";

pub(super) fn url() -> String {
    "https://api.github.com".to_owned()
}

pub(super) struct Github(Client);

#[derive(Deserialize)]
struct CommitEntry {
    sha: String,
    commit: Details,
    #[serde(default)]
    parents: Vec<Parent>,
}

#[derive(Deserialize)]
struct Details {
    author: Option<Person>,
    committer: Option<Person>,
    #[serde(default)]
    message: String,
}

#[derive(Deserialize)]
struct Person {
    #[serde(default)]
    name: String,
    #[serde(default)]
    email: String,
    date: String,
}

#[derive(Deserialize)]
struct Parent {
    sha: String,
}

#[derive(Deserialize)]
struct Comparison {
    status: String,
    merge_base_commit: Parent,
}

#[derive(Deserialize)]
struct Branch {
    name: String,
}

impl Github {
    pub(super) fn new(outbound: &Outbound, url: &str, repository: &str, token: Option<PathBuf>) -> Result<Self> {
        let base = format!("{}/repos/{repository}", url.trim_end_matches('/'));
        Client::new(outbound, base, "authorization", "Bearer ", token).map(Self)
    }

    fn unknown(&self, what: &str) -> SourceError {
        SourceError::Unknown(what.to_owned(), self.place())
    }

    fn compare(&self, hash: &str, default_branch: &str) -> Result<Comparison> {
        let path = format!("/compare/{}...{hash}", segment(default_branch));
        let found = self.0.get(&path, &[("per_page", "1")])?;
        Ok(found.ok_or_else(|| self.unknown(hash))?.value)
    }
}

impl Host for Github {
    fn place(&self) -> String {
        self.0.place()
    }

    fn resolve(&self, hash: &str) -> Result<String> {
        let found = self.0.get::<CommitEntry>(&format!("/commits/{hash}"), &[])?;
        Ok(found.ok_or_else(|| self.unknown(hash))?.value.sha)
    }

    fn list(&self, from: ListStart<'_>, size: u32, page: u32) -> Result<Vec<ListedCommit>> {
        let (ListStart::Branch(from) | ListStart::Hash(from)) = from;
        let (size, page) = (size.to_string(), page.to_string());
        let found =
            self.0.get::<Vec<CommitEntry>>("/commits", &[("sha", from), ("per_page", &size), ("page", &page)])?;
        found.ok_or_else(|| self.unknown(from))?.value.into_iter().map(|found| self.listed(found)).collect()
    }

    /// Counts pages of one commit each: there are as many as commits.
    fn count(&self, from: ListStart<'_>) -> Result<u64> {
        let (ListStart::Branch(from) | ListStart::Hash(from)) = from;
        let found = self.0.get::<Vec<CommitEntry>>("/commits", &[("sha", from), ("per_page", "1")])?;
        let found = found.ok_or_else(|| self.unknown(from))?;
        Ok(found.last_page.unwrap_or(found.value.len() as u64))
    }

    /// Of branches other than the default one, GitHub says only whether the commit is their newest.
    fn branch_of(&self, hash: &str, default_branch: &str) -> Result<Option<String>> {
        if matches!(self.compare(hash, default_branch)?.status.as_str(), "behind" | "identical") {
            return Ok(Some(default_branch.to_owned()));
        }
        let heads = self.0.get::<Vec<Branch>>(&format!("/commits/{hash}/branches-where-head"), &[])?;
        Ok(heads.and_then(|heads| heads.value.into_iter().next()).map(|branch| branch.name))
    }

    fn branch_point(&self, hash: &str, default_branch: &str) -> Result<String> {
        Ok(self.compare(hash, default_branch)?.merge_base_commit.sha)
    }

    fn file(&self, branch: &str, path: &str) -> Result<Option<String>> {
        let parts: Vec<String> = path.split('/').map(segment).collect();
        let question = Question { path: &format!("/contents/{}", parts.join("/")), query: &[("ref", branch)] };
        self.0.text(path, &question, RAW)
    }
}

impl Github {
    fn listed(&self, found: CommitEntry) -> Result<ListedCommit> {
        let Details { author, committer, message } = found.commit;
        let date = committer.as_ref().or(author.as_ref()).map(|person| person.date.as_str()).unwrap_or_default();
        let timestamp = seconds(date).ok_or_else(|| self.0.failed(format!("{} has no time", found.sha)))?;
        let (author, email) = author.map_or_else(Default::default, |person| (person.name, person.email));
        let parents = found.parents.into_iter().map(|parent| parent.sha).collect();
        Ok(ListedCommit { hash: found.sha, parents, timestamp, author, email, message })
    }
}
