//! GitLab's REST API.

use std::path::PathBuf;

use outbound::Outbound;
use serde::Deserialize;

use super::host::{Host, ListStart, ListedCommit, Result, SourceError};
use super::rest::{Client, Question, seconds, segment};

pub(super) fn url() -> String {
    "https://gitlab.com/api/v4".to_owned()
}

pub(super) struct Gitlab(Client);

#[derive(Deserialize)]
struct CommitEntry {
    id: String,
    #[serde(default)]
    parent_ids: Vec<String>,
    committed_date: String,
    #[serde(default)]
    author_name: String,
    #[serde(default)]
    author_email: String,
    #[serde(default)]
    message: String,
}

#[derive(Deserialize)]
struct Sequence {
    count: u64,
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

#[derive(Deserialize)]
struct Identified {
    id: String,
}

impl Gitlab {
    pub(super) fn new(outbound: &Outbound, url: &str, project: &str, token: Option<PathBuf>) -> Result<Self> {
        let base = format!("{}/projects/{}/repository", url.trim_end_matches('/'), segment(project));
        Client::new(outbound, base, "private-token", "", token).map(Self)
    }

    fn unknown(&self, what: &str) -> SourceError {
        SourceError::Unknown(what.to_owned(), self.place())
    }
}

impl Host for Gitlab {
    fn place(&self) -> String {
        self.0.place()
    }

    fn resolve(&self, hash: &str) -> Result<String> {
        let found = self.0.get::<Identified>(&format!("/commits/{hash}"), &[])?;
        Ok(found.ok_or_else(|| self.unknown(hash))?.value.id)
    }

    fn list(&self, from: ListStart<'_>, size: u32, page: u32) -> Result<Vec<ListedCommit>> {
        let (ListStart::Branch(from) | ListStart::Hash(from)) = from;
        let (size, page) = (size.to_string(), page.to_string());
        let query = [("ref_name", from), ("per_page", &size), ("page", &page)];
        let found = self.0.get::<Vec<CommitEntry>>("/commits", &query)?.ok_or_else(|| self.unknown(from))?;
        let listed = |found: CommitEntry| {
            let timestamp =
                seconds(&found.committed_date).ok_or_else(|| self.0.failed(format!("{} has no time", found.id)))?;
            Ok(ListedCommit {
                hash: found.id,
                parents: found.parent_ids,
                timestamp,
                author: found.author_name,
                email: found.author_email,
                message: found.message,
            })
        };
        found.value.into_iter().map(listed).collect()
    }

    fn count(&self, from: ListStart<'_>) -> Result<u64> {
        let (ListStart::Branch(from) | ListStart::Hash(from)) = from;
        let found = self.0.get::<Sequence>(&format!("/commits/{}/sequence", segment(from)), &[])?;
        Ok(found.ok_or_else(|| self.unknown(from))?.value.count)
    }

    fn branch_of(&self, hash: &str, default_branch: &str) -> Result<Option<String>> {
        if self.branch_point(hash, default_branch)? == hash {
            return Ok(Some(default_branch.to_owned()));
        }
        let found = self.0.get::<Vec<Named>>(&format!("/commits/{hash}/refs"), &[("type", "branch")])?;
        Ok(found.and_then(|found| found.value.into_iter().next()).map(|branch| branch.name))
    }

    fn branch_point(&self, hash: &str, default_branch: &str) -> Result<String> {
        let refs = [("refs[]", default_branch), ("refs[]", hash)];
        let found = self.0.get::<Identified>("/merge_base", &refs)?;
        Ok(found.ok_or_else(|| self.unknown(hash))?.value.id)
    }

    fn file(&self, branch: &str, path: &str) -> Result<Option<String>> {
        let question = Question { path: &format!("/files/{}/raw", segment(path)), query: &[("ref", branch)] };
        self.0.text(path, &question, "*/*")
    }
}
