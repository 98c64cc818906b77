//! Finds the commits that a request only names.

use std::collections::BTreeMap;
use std::sync::Arc;

use clickhouse::Client;
use eventlog::EventLog;
use outbound::Outbound;
use schema::commit::{Commit, CommitInput};
use schema::store::commits::{Among, by_reference};
use tokio::sync::Semaphore;
use web::blocking::blocking;

use super::orders::CommitOrders;
use super::repositories::{Repositories, unknown};
use super::sources::{Source, SourceError};
use crate::error::IntakeError;
use crate::sender::OwnCommit;

/// Hosts of repositories are asked at most so many questions at one time, however many uploads name what they may know.
const LOOKUPS: usize = 4;

/// Finds commits in the store, and those that nobody registered at the host of their repository.
pub(crate) struct CommitResolver {
    client: Client,
    /// By repository id.
    default_branches: BTreeMap<String, String>,
    /// By repository id.
    sources: BTreeMap<String, Source>,
    outbound: Outbound,
    lookups: Semaphore,
    orders: CommitOrders,
    repositories: Repositories,
}

/// The commit behind a reference.
pub(crate) enum ResolvedCommit {
    /// Registered.
    Stored(Commit),
    /// Not registered yet; the repository's host knows it.
    Elsewhere(Commit),
}

impl CommitResolver {
    pub(crate) fn new(
        log: Arc<dyn EventLog>,
        client: Client,
        default_branches: BTreeMap<String, String>,
        sources: BTreeMap<String, Source>,
        outbound: Outbound,
    ) -> Self {
        let orders = CommitOrders::new(log, client.clone());
        let repositories = Repositories::new(client.clone(), default_branches.keys().cloned().collect());
        Self { client, default_branches, sources, outbound, lookups: Semaphore::new(LOOKUPS), orders, repositories }
    }

    /// The default branch of a repository.
    pub(crate) fn default_branch(&self, repository: &str) -> &str {
        self.default_branches.get(repository).map_or("main", String::as_str)
    }

    /// The commit behind each reference, and complete commits in the place that is theirs.
    pub(crate) async fn resolve(&self, inputs: Vec<OwnCommit>) -> Result<Vec<Commit>, IntakeError> {
        let mut commits = Vec::with_capacity(inputs.len());
        for OwnCommit { input, may_be_of_new } in inputs {
            commits.push(match input {
                CommitInput::Complete(commit) => self.place(commit, may_be_of_new).await?,
                CommitInput::Reference { repository_id, reference, change } => {
                    match self.find(&repository_id, &reference, change.as_deref()).await? {
                        ResolvedCommit::Stored(commit) => commit,
                        ResolvedCommit::Elsewhere(commit) => self.place(commit, false).await?,
                    }
                }
            });
        }
        Ok(commits)
    }

    /// A complete commit with the order that it has within its second: another hash is another commit, and each commit
    /// keeps the order under which it is known. Not everybody may name a repository that nobody knows.
    pub(crate) async fn place(&self, commit: Commit, may_be_of_new: bool) -> Result<Commit, IntakeError> {
        self.repositories.admit(&commit.repository_id, may_be_of_new).await?;
        self.orders.place(commit).await
    }

    /// The one commit that a reference names: on the branch of a change under review if that is told, else on any other.
    pub(crate) async fn find(
        &self,
        repository: &str,
        reference: &str,
        change: Option<&str>,
    ) -> Result<ResolvedCommit, IntakeError> {
        let among = change.map_or(Among::Branches, Among::Branch);
        let mut stored = by_reference(&self.client, &[repository], reference, among, 2).await?;
        if stored.len() > 1 {
            let text = format!("Multiple commits with the id {reference} exist in {repository}");
            return Err(IntakeError::UnknownCommit(text));
        }
        if let Some(commit) = stored.pop() {
            return Ok(ResolvedCommit::Stored(commit));
        }
        // A host does not know which change a commit is of.
        if change.is_none()
            && let Some(commit) = self.look_up(repository, reference).await?
        {
            return Ok(ResolvedCommit::Elsewhere(commit));
        }
        Err(if self.repositories.has(repository).await? {
            IntakeError::UnknownCommit(format!("'{reference}' is not a known commit of '{repository}'"))
        } else {
            unknown(repository)
        })
    }

    /// What the repository's own host says of a commit; `None` without a host.
    async fn look_up(&self, repository: &str, reference: &str) -> Result<Option<Commit>, IntakeError> {
        let Some(source) = self.sources.get(repository).cloned() else { return Ok(None) };
        let closed = |_| IntakeError::Unavailable("The service is stopping".into());
        let _turn = self.lookups.acquire().await.map_err(closed)?;
        let (id, name, reference) = (repository.to_owned(), reference, reference.to_owned());
        let branch = self.default_branch(repository).to_owned();
        let outbound = self.outbound.clone();
        let looked_up = blocking(move || source.find(&outbound, &id, &branch, &reference)).await?;
        looked_up.map(Some).map_err(|error| match error {
            // Nothing is wrong with the name: the same upload is taken once there is a clone.
            SourceError::NoClone { .. } => IntakeError::Unavailable(format!(
                "'{name}' of '{repository}' cannot be looked up, because {error}; clone the repository there, or correct 'path' in \
                 [repositories.{repository}.source] of the server's configuration"
            )),
            error => IntakeError::UnknownCommit(error.to_string()),
        })
    }
}
