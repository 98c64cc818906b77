//! Commits: by the names that people give them, their neighbours, and the commits of other repositories beside them.

use std::collections::{BTreeMap, BTreeSet};

use schema::commit::{Commit, DEFAULT_BRANCHES};
use schema::ids::CommitKey;

use crate::error::{AnswerError, invalid, not_found};
use crate::reads::commits::{Branches, Keep, between};
use crate::reads::{commits as reads, configurations};
use crate::store::{Repository, Store};

/// The answer where no commit is found.
pub const NO_COMMITS: &str = "No commits found matching the specified criteria";
/// Commits of other repositories beside one; a repository with more between two commits is no sibling.
const SIBLINGS: u64 = 1000;

/// The configured repositories, and those that registered commits made known, by their ids.
pub async fn repositories(store: &Store) -> Result<Vec<Repository>, AnswerError> {
    let unconfigured = |id: String| Repository { id, default_branch: "main".to_owned() };
    let mut known: BTreeMap<String, Repository> =
        reads::registered_repositories(store).await?.into_iter().map(|id| (id.clone(), unconfigured(id))).collect();
    known.extend(store.repositories.iter().map(|repository| (repository.id.clone(), repository.clone())));
    Ok(known.into_values().collect())
}

/// Whether commits of more than one repository are known. What only one has is not said of its commits.
pub(crate) async fn are_of_several(store: &Store) -> Result<bool, AnswerError> {
    let configured: BTreeSet<&str> = store.repositories.iter().map(|repository| repository.id.as_str()).collect();
    if configured.len() > 1 {
        return Ok(true);
    }
    let registered = reads::remembered_repositories(store).await?;
    Ok(configured.into_iter().chain(registered.iter().map(String::as_str)).collect::<BTreeSet<_>>().len() > 1)
}

/// The asked repositories, or all.
pub async fn asked(store: &Store, ids: &[String]) -> Result<Vec<Repository>, AnswerError> {
    let known = repositories(store).await?;
    if ids.is_empty() {
        return Ok(known);
    }
    ids.iter()
        .map(|id| {
            let found = known.iter().find(|repository| repository.id == *id);
            found.cloned().ok_or_else(|| not_found(format!("'{id}' is not a registered repository")))
        })
        .collect()
}

/// The commits that spellings name, in the asked repositories or in all, of any branch.
pub async fn named(
    store: &Store,
    repositories: &[String],
    names: &[String],
    limit: u64,
) -> Result<Vec<Commit>, AnswerError> {
    if names.iter().any(String::is_empty) {
        return Err(invalid("A commit reference must not be empty"));
    }
    let asked = asked(store, repositories).await?;
    let ids: Vec<&str> = asked.iter().map(|repository| repository.id.as_str()).collect();
    let mut found = Vec::new();
    for name in names {
        found.extend(reads::named(store, &ids, name, limit).await?);
    }
    Ok(found)
}

/// The commit after this one on its branch, up to now.
pub async fn next(store: &Store, commit: &Commit) -> Result<Option<Commit>, AnswerError> {
    let span = (commit.key().next(), store.clock.commit_key());
    Ok(between(store, &Branches::of(&commit.repository_id, &commit.branch), span, Keep::Oldest, 1).await?.pop())
}

/// The commit before this one on its branch.
pub async fn previous(store: &Store, commit: &Commit) -> Result<Option<Commit>, AnswerError> {
    let span = (CommitKey::FIRST, commit.key().previous());
    Ok(between(store, &Branches::of(&commit.repository_id, &commit.branch), span, Keep::Newest, 1).await?.pop())
}

/// The commits of one key on the default branch of a repository, which need not be registered.
pub async fn on_default_branch(store: &Store, repository: &str, key: CommitKey) -> Result<Vec<Commit>, AnswerError> {
    let known = store.repositories.iter().find(|known| known.id == repository);
    let branch = known.map_or("main", |known| known.default_branch.as_str());
    reads::at(store, repository, branch, key).await
}

/// Commits of the other repositories that were there until the next commit, newest first.
pub async fn siblings(store: &Store, commit: &Commit) -> Result<BTreeMap<String, Vec<Commit>>, AnswerError> {
    let start_of = |commit: &Commit| CommitKey::start_of(commit.timestamp.max(0) as u64);
    let begin = start_of(commit);
    let end = match next(store, commit).await? {
        Some(next) => start_of(&next),
        None => store.clock.commit_key().next(),
    };
    let known = repositories(store).await?;
    let own = known.iter().find(|repository| repository.id == commit.repository_id);
    let on_default = own.is_some_and(|repository| repository.default_branch == commit.branch)
        || DEFAULT_BRANCHES.contains(&commit.branch.as_str());
    let others: Vec<&Repository> = known.iter().filter(|repository| repository.id != commit.repository_id).collect();
    let sharing: BTreeSet<String> = if on_default {
        BTreeSet::new()
    } else {
        let ids: Vec<&str> = others.iter().map(|repository| repository.id.as_str()).collect();
        reads::branches(store, &ids, &commit.branch, 1).await?.into_iter().map(|(repository, _)| repository).collect()
    };
    let branch = |repository: &Repository| {
        if sharing.contains(&repository.id) { commit.branch.clone() } else { repository.default_branch.clone() }
    };
    let branches: Branches = others.iter().map(|other| (other.id.clone(), branch(other))).collect();
    let mut all = Vec::new();
    if end > begin.next() {
        all.extend(between(store, &branches, (begin.next(), end.previous()), Keep::Newest, SIBLINGS).await?);
    }
    all.extend(between(store, &branches, (CommitKey::FIRST, begin), Keep::Newest, 1).await?);
    let mut found: BTreeMap<String, Vec<Commit>> = BTreeMap::new();
    for commit in all {
        found.entry(commit.repository_id.clone()).or_default().push(commit);
    }
    Ok(found)
}

/// Branches of each asked repository (all if none is named) that begin with one of the prefixes, at most `limit` of each.
pub async fn branches(
    store: &Store,
    ids: &[String],
    prefixes: &[String],
    limit: u64,
) -> Result<BTreeMap<String, Vec<String>>, AnswerError> {
    let known = repositories(store).await?;
    let ids: Vec<&str> = known
        .iter()
        .map(|repository| repository.id.as_str())
        .filter(|id| ids.is_empty() || ids.iter().any(|asked| asked == id))
        .collect();
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for prefix in prefixes {
        for (repository, branch) in reads::branches(store, &ids, prefix, limit).await? {
            let branches = found.entry(repository).or_default();
            if (branches.len() as u64) < limit && !branches.contains(&branch) {
                branches.push(branch);
            }
        }
    }
    Ok(found)
}

/// Branches beside the default one on which something ran, sorted.
pub async fn branches_that_ran(store: &Store, limit: u64) -> Result<Vec<String>, AnswerError> {
    configurations::branches(store, limit).await
}
