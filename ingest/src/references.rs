//! Finds the commits that an upload only names.

use schema::commit::{Commit, CommitInput};
use schema::store::commits::{by_reference, repositories, select};

use crate::Intake;
use crate::error::IntakeError;

/// The stored commit behind each reference; complete commits pass through.
pub(crate) async fn resolve(intake: &Intake, inputs: Vec<CommitInput>) -> Result<Vec<Commit>, IntakeError> {
    let mut commits = Vec::with_capacity(inputs.len());
    for input in inputs {
        commits.push(match input {
            CommitInput::Complete(commit) => commit,
            CommitInput::Reference { repository_id, reference } => find(intake, &repository_id, &reference).await?,
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

async fn find(intake: &Intake, repository: &str, reference: &str) -> Result<Commit, IntakeError> {
    let mut found = by_reference(&intake.client, repository, reference, 2).await.map_err(away)?;
    if found.len() > 1 {
        return Err(IntakeError::NotFound(format!("Multiple commits with the id {reference} exist in {repository}")));
    }
    if let Some(commit) = found.pop() {
        return Ok(commit);
    }
    let known = intake.options.default_branches.contains_key(repository)
        || repositories(&intake.client).await.map_err(away)?.iter().any(|id| id == repository);
    Err(IntakeError::NotFound(if known {
        format!("'{reference}' is not a known commit of '{repository}'")
    } else {
        format!("'{repository}' is not a recognized repository")
    }))
}
