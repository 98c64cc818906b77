//! Finds the commits that an upload only names.

use schema::commit::{Commit, CommitInput};

use crate::Intake;
use crate::error::IntakeError;

/// The bytewise end of a prefix match over hashes, revisions and identifiers.
const AFTER_HEX: char = 'g';

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

async fn find(intake: &Intake, repository: &str, reference: &str) -> Result<Commit, IntakeError> {
    let away =
        |error: clickhouse::error::Error| IntakeError::Unavailable(format!("The store is not available: {error}"));
    let digits = !reference.is_empty() && reference.bytes().all(|byte| byte.is_ascii_digit());
    let found: Vec<String> = if digits {
        intake
            .client
            .query("SELECT document FROM commits WHERE repository = ? AND revision = ? LIMIT 2")
            .bind(repository)
            .bind(reference.parse::<u64>().unwrap_or(u64::MAX))
            .fetch_all()
            .await
            .map_err(away)?
    } else {
        let from = reference.to_lowercase();
        let to = format!("{from}{AFTER_HEX}");
        intake
            .client
            .query(
                "SELECT document FROM commits WHERE repository = ? AND ((hash BETWEEN ? AND ?) \
                 OR (identifier BETWEEN ? AND ?) OR (concat('r', toString(revision)) BETWEEN ? AND ?)) LIMIT 2",
            )
            .bind(repository)
            .bind(&from)
            .bind(&to)
            .bind(&from)
            .bind(&to)
            .bind(&from)
            .bind(&to)
            .fetch_all()
            .await
            .map_err(away)?
    };
    match found.as_slice() {
        [document] => serde_json::from_str(document)
            .map_err(|error| IntakeError::Unavailable(format!("A stored commit cannot be read: {error}"))),
        [] => {
            let known: u64 = intake
                .client
                .query("SELECT count() FROM (SELECT 1 FROM commits WHERE repository = ? LIMIT 1)")
                .bind(repository)
                .fetch_one()
                .await
                .map_err(away)?;
            Err(IntakeError::NotFound(if known == 0 && !intake.options.default_branches.contains_key(repository) {
                format!("'{repository}' is not a recognized repository")
            } else {
                format!("No commits with the id {reference} exist in {repository}")
            }))
        }
        _ => Err(IntakeError::NotFound(format!("Multiple commits with the id {reference} exist in {repository}"))),
    }
}
