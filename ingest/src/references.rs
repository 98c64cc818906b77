//! Finds the commits that an upload only names.

use schema::commit::{Commit, CommitInput};
use schema::store::commits::{by_reference, repositories, select};

use crate::Intake;
use crate::error::IntakeError;
use web::blocking::blocking;

/// The stored commit behind each reference; complete commits pass through.
pub(crate) async fn resolve(intake: &Intake, inputs: Vec<CommitInput>) -> Result<Vec<Commit>, IntakeError> {
    let mut commits = Vec::with_capacity(inputs.len());
    for input in inputs {
        commits.push(match input {
            CommitInput::Complete(commit) => commit,
            CommitInput::Reference { repository_id, reference } => {
                find(intake, &repository_id, &reference).await?.commit()
            }
        });
    }
    Ok(commits)
}

/// Fills what a commit leaves out with what is known of it.
pub(crate) async fn keep_known(intake: &Intake, commits: &mut [Commit]) -> Result<(), IntakeError> {
    for commit in commits.iter_mut().filter(|commit| commit.author.is_none() || commit.message.is_none()) {
        let known = select(&intake.client, "repository = ? AND branch = ? AND uuid = ?", |query| {
            query.bind(&commit.repository_id).bind(&commit.branch).bind(commit.uuid())
        })
        .await
        .map_err(away)?;
        if let Some(known) = known.into_iter().next() {
            commit.author = commit.author.take().or(known.author);
            commit.message = commit.message.take().or(known.message);
        }
    }
    Ok(())
}

fn away(error: clickhouse::error::Error) -> IntakeError {
    IntakeError::Unavailable(format!("The store is not available: {error}"))
}

/// The commit behind a reference.
pub(crate) enum Found {
    /// Registered.
    Stored(Commit),
    /// Not registered yet; the repository's host knows it.
    Elsewhere(Commit),
}

impl Found {
    fn commit(self) -> Commit {
        let (Self::Stored(commit) | Self::Elsewhere(commit)) = self;
        commit
    }

    /// The commit if it is still to be registered.
    pub(crate) fn unknown(self) -> Option<Commit> {
        match self {
            Self::Stored(_) => None,
            Self::Elsewhere(commit) => Some(commit),
        }
    }
}

/// The one commit that a reference names.
pub(crate) async fn find(intake: &Intake, repository: &str, reference: &str) -> Result<Found, IntakeError> {
    let mut found = by_reference(&intake.client, repository, reference, 2).await.map_err(away)?;
    if found.len() > 1 {
        return Err(IntakeError::NotFound(format!("Multiple commits with the id {reference} exist in {repository}")));
    }
    if let Some(commit) = found.pop() {
        return Ok(Found::Stored(commit));
    }
    if let Some(commit) = look_up(intake, repository, reference).await? {
        return Ok(Found::Elsewhere(commit));
    }
    let known = intake.options.default_branches.contains_key(repository)
        || repositories(&intake.client).await.map_err(away)?.iter().any(|id| id == repository);
    Err(IntakeError::NotFound(if known {
        format!("'{reference}' is not a known commit of '{repository}'")
    } else {
        format!("'{repository}' is not a recognized repository")
    }))
}

/// What the repository's own host says of a commit; `None` without a host.
async fn look_up(intake: &Intake, repository: &str, reference: &str) -> Result<Option<Commit>, IntakeError> {
    let Some(source) = intake.options.sources.get(repository).cloned() else { return Ok(None) };
    let closed = |_| IntakeError::Unavailable("The service is stopping".into());
    let _turn = intake.lookups.acquire().await.map_err(closed)?;
    let (id, reference) = (repository.to_owned(), reference.to_owned());
    let branch = intake.options.default_branch(repository).to_owned();
    let found = blocking(move || {
        source.find(&id, &branch, &reference).map_err(|error| IntakeError::NotFound(error.to_string()))
    });
    found.await?.map(Some)
}
