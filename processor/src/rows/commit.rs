//! The rows of commits, which are registered by themselves or come with a run.

use schema::commit::Commit;
use schema::configuration::stable_hash;
use schema::store::rows::{CommitNameRow, CommitRow, RepositoryRow};

use super::columns::json;
use super::event_rows::EventRows;

/// Adds commits, their names and their repositories.
pub(super) fn add(rows: &mut EventRows, commits: &[Commit], version: u64) {
    for commit in commits {
        if rows.is_new(stable_hash(&[b"repository", commit.repository_id.as_bytes()]), 0) {
            rows.repositories.push(RepositoryRow { repository: commit.repository_id.clone(), first_seen: 0 });
        }
        rows.commit_names.extend(commit.names().map(|name| CommitNameRow {
            repository: commit.repository_id.clone(),
            name,
            branch: commit.branch.clone(),
            uuid: commit.uuid(),
            version,
        }));
        rows.commits.push(CommitRow {
            repository: commit.repository_id.clone(),
            branch: commit.branch.clone(),
            uuid: commit.uuid(),
            hash: commit.hash.clone().unwrap_or_default(),
            revision: commit.revision.unwrap_or_default().max(0) as u64,
            identifier: commit.identifier.clone().unwrap_or_default(),
            has_message: u8::from(commit.message.is_some()),
            has_author: u8::from(commit.author.is_some()),
            document: json(commit),
            version,
        });
    }
}
