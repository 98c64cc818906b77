//! The page of a commit on its repository's own host.

use schema::commit::Commit;

use crate::QueryOptions;

/// The repository's own page of a commit. A template may be configured, a scheme not uploaded.
pub(crate) fn commit_link(options: &QueryOptions, commit: &Commit) -> Option<String> {
    let repository = options.repositories.get(&commit.repository_id)?;
    Some(repository.commit_url.as_ref()?.replace("<commit>", &commit.short_name()))
}
