//! The server that has the results: what it is asked, and what is read of its answers. Documents are passed on as they came.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read;

use anyhow::{Context, anyhow};
use form_urlencoded::Serializer;
use schema::commit::{Commit, DEFAULT_BRANCH_KEY, branch_key, run_uuid};
use schema::configuration::Configuration;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::partition::Partition;
use super::window::Window;
use crate::archive::Form;
use crate::server::{RequestError, Server};

/// resultsdbpy lists configurations that did not run lately only by a member of theirs; these are the usual ones.
const ARCHITECTURES: [&str; 12] =
    ["x86_64", "arm64", "arm64e", "arm64_32", "x86", "i386", "aarch64", "armhf", "armv7", "armv7k", "riscv64", "mips"];
/// Commits of one answer.
const COMMITS: usize = 500;
/// Branches of one repository.
const BRANCHES: usize = 100_000;
const NOT_FOUND: u16 = 404;

/// A server that is asked.
#[derive(Debug)]
pub(super) struct Source {
    server: Server,
    architectures: Vec<String>,
}

/// A commit as it came.
#[derive(Debug)]
pub(super) struct SourceCommit {
    pub(super) json: Box<RawValue>,
    pub(super) commit: Commit,
}

/// A run's document as it came.
#[derive(Debug)]
pub(super) struct Upload {
    pub(super) json: Box<RawValue>,
    pub(super) uuid: u64,
    /// When the run started, seconds.
    pub(super) timestamp: i64,
}

/// What is read of an upload.
#[derive(Deserialize)]
struct Head {
    commits: Vec<Commit>,
    timestamp: i64,
}

impl Source {
    /// Asks `server`, also for configurations of more architectures than the usual ones.
    pub(super) fn new(server: Server, architectures: &[String]) -> Self {
        let mut all: Vec<String> = ARCHITECTURES.iter().map(|name| (*name).to_owned()).collect();
        all.extend_from_slice(architectures);
        Self { server, architectures: all }
    }

    pub(super) fn url(&self) -> &str {
        self.server.url()
    }

    /// Branches by repository.
    pub(super) fn branches(&self) -> anyhow::Result<BTreeMap<String, Vec<String>>> {
        self.json(&format!("/api/commits/branches?limit={BRANCHES}"))
    }

    /// Visits the commits of a branch, the oldest first.
    pub(super) fn commits(
        &self,
        repository: &str,
        branch: &str,
        visit: &mut dyn FnMut(SourceCommit) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let mut after = 0;
        loop {
            let mut query = Serializer::new(String::new());
            query.append_pair("repository_id", repository).append_pair("branch", branch);
            query.append_pair("after_uuid", &after.to_string()).append_pair("limit", &COMMITS.to_string());
            let path = format!("/api/commits?{}", query.finish());
            let page: Vec<Box<RawValue>> = self.found(&path)?.unwrap_or_default();
            let count = page.len();
            for json in page {
                let commit: Commit = self.part(&path, &json)?;
                after = after.max(commit.uuid() + 1);
                visit(SourceCommit { json, commit })?;
            }
            if count < COMMITS {
                return Ok(());
            }
        }
    }

    /// What there are uploads of, on the default branches and on those named.
    pub(super) fn partitions<'b>(&self, branches: impl Iterator<Item = &'b String>) -> anyhow::Result<Vec<Partition>> {
        let keys: BTreeSet<&str> = branches.map(|branch| branch_key(Some(branch))).collect();
        let mut partitions = BTreeMap::new();
        for key in keys {
            let branch = Some(key).filter(|key| *key != DEFAULT_BRANCH_KEY);
            for filter in [&self.architectures[..], &[]] {
                let mut query = Serializer::new(String::new());
                query.append_pair("recent", if filter.is_empty() { "true" } else { "false" });
                query.extend_pairs(filter.iter().map(|architecture| ("architecture", architecture)));
                query.extend_pairs(branch.map(|branch| ("branch", branch)));
                let path = format!("/api/suites?{}", query.finish());
                let suites: Vec<(Configuration, Vec<String>)> = self.found(&path)?.unwrap_or_default();
                for (configuration, suites) in suites {
                    for suite in suites {
                        let (configuration, branch) = (configuration.clone(), branch.map(str::to_owned));
                        let partition = Partition { suite, configuration, branch };
                        partitions.insert(partition.query(), partition);
                    }
                }
            }
        }
        Ok(partitions.into_values().collect())
    }

    /// The uploads of a window, in any order.
    pub(super) fn uploads(&self, partition: &Partition, window: &Window) -> anyhow::Result<Vec<Upload>> {
        let Window { first, last, limit } = window;
        let path = format!("/api/upload?{}&after_uuid={first}&before_uuid={last}&limit={limit}", partition.query());
        let documents: Vec<Box<RawValue>> = self.json(&path)?;
        let read = |json: Box<RawValue>| {
            let head: Head = self.part(&path, &json)?;
            Ok(Upload { json, uuid: run_uuid(&head.commits), timestamp: head.timestamp })
        };
        documents.into_iter().map(read).collect()
    }

    /// The archive of a run, if it has one.
    pub(super) fn archive(&self, partition: &Partition, upload: &Upload) -> anyhow::Result<Option<File>> {
        let Upload { uuid, timestamp, .. } = upload;
        let query = partition.query();
        let path = format!("/api/upload/archive?{query}&uuid={uuid}&after_time={timestamp}&before_time={timestamp}");
        let mut file = tempfile::tempfile().context("a temporary file cannot be made")?;
        match self.server.download(&path, &mut file) {
            Ok(()) => Ok(Some(file)),
            Err(RequestError::Refused { status: NOT_FOUND, .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn json<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<T> {
        let text = self.server.get(path)?;
        serde_json::from_str(&text).map_err(|error| self.unreadable(path, &error))
    }

    /// The same; none where there is nothing.
    fn found<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<Option<T>> {
        match self.server.get(path) {
            Ok(text) => serde_json::from_str(&text).map(Some).map_err(|error| self.unreadable(path, &error)),
            Err(RequestError::Refused { status: NOT_FOUND, .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn part<T: DeserializeOwned>(&self, path: &str, json: &RawValue) -> anyhow::Result<T> {
        serde_json::from_str(json.get()).map_err(|error| self.unreadable(path, &error))
    }

    fn unreadable(&self, path: &str, error: &serde_json::Error) -> anyhow::Error {
        anyhow!("{}{path} answered what is none of resultsdbpy's answers: {error}", self.url())
    }
}

impl Upload {
    /// Posts an archive of this run.
    pub(super) fn send_archive(&self, server: &Server, archive: &File, boundary: &str) -> Result<(), RequestError> {
        /// The fields of an archive's form.
        const FIELDS: [&str; 4] = ["suite", "configuration", "commits", "timestamp"];
        let document: Map<String, Value> = serde_json::from_str(self.json.get())
            .map_err(|error| RequestError::Unreadable(std::io::Error::other(error)))?;
        let fields: Map<String, Value> =
            document.into_iter().filter(|(name, _)| FIELDS.contains(&name.as_str())).collect();
        let form = Form::new(&fields, &format!("resultsdb-{boundary}"));
        let media = form.media();
        let mut open = || {
            let (body, length) = form.body(archive)?;
            Ok((Box::new(body) as Box<dyn Read>, length))
        };
        server.post("/api/upload/archive", &[("Content-Type", &media)], &mut open)
    }
}
