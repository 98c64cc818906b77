//! Whoever sends a request: who they are, and what they say in its headers.

use std::convert::Infallible;

use access::{Caller, Denied, Door, Upload, Who};
use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use schema::commit::{Commit, CommitInput, branch_keys};
use schema::run_notes::{CHANGE_BRANCHES, RunNotes};

/// The member of a document, and the field of a form, in which uploaders of the reference send their key.
pub(crate) const API_KEY: &str = "api_key";

/// The sender of a request. Whoever sends an upload may say who they are in its body; until [`Sender::identify`] they may be
/// nobody.
#[derive(Clone)]
pub(crate) struct Sender {
    pub(crate) headers: HeaderMap,
    caller: Caller,
}

/// A commit as its sender may name it.
pub(crate) struct OwnCommit {
    pub(crate) input: CommitInput,
    /// Whether it may be of a repository that nobody knows.
    pub(crate) may_be_of_new: bool,
}

impl<S: Send + Sync> FromRequestParts<S> for Sender {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let caller = parts.extensions.get().cloned().unwrap_or_else(Caller::nobody);
        Ok(Self { headers: parts.headers.clone(), caller })
    }
}

impl Sender {
    /// This service itself.
    pub(crate) fn intake() -> Self {
        Self { headers: HeaderMap::new(), caller: Caller::anyone() }
    }

    /// Finds out who it is by the key of the body, where none came in the headers.
    ///
    /// # Errors
    /// There is none either, it does not count, or it is not for uploads.
    pub(crate) fn identify(&mut self, door: &Door, api_key: Option<&str>) -> Result<(), Denied> {
        if *self.caller.who() == Who::Nobody {
            self.caller = door.holder(api_key.filter(|key| !key.is_empty()).ok_or(Denied::NoKey)?)?;
        }
        self.caller.may_upload_something()
    }

    /// Who it is, for the event.
    ///
    /// # Errors
    /// Nobody knows; nothing that they send is appended.
    pub(crate) fn actor(&self) -> Result<Option<String>, Denied> {
        if *self.caller.who() == Who::Nobody { Err(Denied::NoKey) } else { Ok(self.caller.actor()) }
    }

    /// Commits as this sender may name them in an upload to a suite: whoever may upload to it for changes only registers no
    /// commit of another branch, and means one that is registered.
    ///
    /// # Errors
    /// They may not upload runs of these repositories to this suite at all.
    pub(crate) fn own_commits(&self, suite: &str, commits: Vec<CommitInput>) -> Result<Vec<OwnCommit>, Denied> {
        let repositories: Vec<&str> = commits.iter().map(CommitInput::repository_id).collect();
        let may = |is_of_change| {
            self.caller.may_upload(&Upload { suite: Some(suite), repositories: &repositories, is_of_change })
        };
        let is_trusted = may(false).is_ok();
        if !is_trusted {
            may(true)?;
        }
        let own = |commit: CommitInput| {
            let may_be_of_new = is_trusted || self.may_introduce(commit.repository_id());
            let input = if is_trusted || is_of_change(&commit) { commit } else { commit.into_reference() };
            OwnCommit { input, may_be_of_new }
        };
        Ok(commits.into_iter().map(own).collect())
    }

    /// # Errors
    /// They speak for another run of a CI than the one that the upload names.
    pub(crate) fn may_speak_for(&self, notes: Option<&RunNotes>) -> Result<(), Denied> {
        let shard_of = notes.and_then(|notes| notes.shard.as_ref()?.of.as_deref());
        let id = notes.and_then(|notes| notes.run.id.as_deref());
        self.caller.may_speak_for(id.into_iter().chain(shard_of))
    }

    /// # Errors
    /// They may not upload a run of these commits to this suite.
    pub(crate) fn may_upload_run(&self, suite: &str, commits: &[Commit]) -> Result<(), Denied> {
        let is_of_change = branch_keys(commits).iter().all(|branch| branch.starts_with(CHANGE_BRANCHES));
        self.may_upload(suite, commits, is_of_change)
    }

    /// # Errors
    /// They may not upload to this suite what never counts for a branch.
    pub(crate) fn may_upload_for_change(&self, suite: &str, commits: &[Commit]) -> Result<(), Denied> {
        self.may_upload(suite, commits, true)
    }

    fn may_upload(&self, suite: &str, commits: &[Commit], is_of_change: bool) -> Result<(), Denied> {
        let repositories: Vec<&str> = commits.iter().map(|commit| commit.repository_id.as_str()).collect();
        self.caller.may_upload(&Upload { suite: Some(suite), repositories: &repositories, is_of_change })
    }

    /// Whether they may make a repository known by one of its commits: whoever may upload for changes only may not.
    pub(crate) fn may_introduce(&self, repository: &str) -> bool {
        let upload = Upload { suite: None, repositories: &[repository], is_of_change: false };
        self.caller.may_upload(&upload).is_ok()
    }

    /// # Errors
    /// They may not register commits of this repository.
    pub(crate) fn may_register(&self, commit: &CommitInput) -> Result<(), Denied> {
        let is_of_change = is_of_change(commit);
        self.caller.may_upload(&Upload { suite: None, repositories: &[commit.repository_id()], is_of_change })
    }
}

/// Whether a commit is of a change under review: only what is complete has a branch of its own.
fn is_of_change(commit: &CommitInput) -> bool {
    matches!(commit, CommitInput::Complete(commit) if commit.branch.starts_with(CHANGE_BRANCHES))
}
