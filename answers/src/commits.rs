//! Commits: by the names that people give them, their neighbours, and the commits of other repositories beside them.

use std::collections::{BTreeMap, BTreeSet};

use schema::commit::{Commit, DEFAULT_BRANCHES};
use schema::ids::CommitKey;

use crate::error::{AnswerError, invalid, not_found};
use crate::reads::commits::{Keep, between};
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
    let mut found = Vec::new();
    for repository in asked(store, repositories).await? {
        for name in names {
            found.extend(reads::named(store, &repository.id, name, limit).await?);
        }
    }
    Ok(found)
}

/// The commit after this one on its branch, up to now.
pub async fn next(store: &Store, commit: &Commit) -> Result<Option<Commit>, AnswerError> {
    let span = (commit.key().next(), store.clock.commit_key());
    Ok(between(store, &commit.repository_id, &[&commit.branch], span, Keep::Oldest, 1).await?.pop())
}

/// The commit before this one on its branch.
pub async fn previous(store: &Store, commit: &Commit) -> Result<Option<Commit>, AnswerError> {
    let span = (CommitKey::FIRST, commit.key().previous());
    Ok(between(store, &commit.repository_id, &[&commit.branch], span, Keep::Newest, 1).await?.pop())
}

/// The commits of some keys, for whoever names them.
#[derive(Debug, Default)]
pub struct CommitNames(BTreeMap<CommitKey, Commit>);

impl CommitNames {
    /// The commit of a key: one of a default branch before others.
    pub fn get(&self, key: CommitKey) -> Option<&Commit> {
        self.0.get(&key)
    }

    /// What people call it; the key itself where no commit of it is known.
    pub fn name(&self, key: CommitKey) -> String {
        self.get(key).map_or_else(|| key.to_string(), Commit::short_name)
    }
}

/// The commits of these keys that are known.
pub async fn by_key(store: &Store, keys: &BTreeSet<CommitKey>) -> Result<CommitNames, AnswerError> {
    let commits = reads::of_keys(store, keys).await?;
    Ok(CommitNames(commits.into_iter().map(|commit| (commit.key(), commit)).collect()))
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
    let mut found = BTreeMap::new();
    for repository in known.iter().filter(|repository| repository.id != commit.repository_id) {
        let id = &repository.id;
        let shared = !on_default && !reads::branches(store, id, &commit.branch, 1).await?.is_empty();
        let branch = if shared { &commit.branch } else { &repository.default_branch };
        let mut commits = if end > begin.next() {
            between(store, id, &[branch], (begin.next(), end.previous()), Keep::Newest, SIBLINGS).await?
        } else {
            Vec::new()
        };
        commits.extend(between(store, id, &[branch], (CommitKey::FIRST, begin), Keep::Newest, 1).await?);
        if !commits.is_empty() {
            found.insert(id.clone(), commits);
        }
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
    let mut found = BTreeMap::new();
    for Repository { id, .. } in repositories(store).await? {
        if !ids.is_empty() && !ids.contains(&id) {
            continue;
        }
        let mut branches: Vec<String> = Vec::new();
        for prefix in prefixes {
            let rest = limit - branches.len() as u64;
            if rest == 0 {
                break;
            }
            let more = reads::branches(store, &id, prefix, rest).await?;
            branches.extend(more.into_iter().filter(|branch| !branches.contains(branch)).collect::<Vec<_>>());
        }
        if !branches.is_empty() {
            found.insert(id, branches);
        }
    }
    Ok(found)
}

/// Branches beside the default one on which something ran, sorted.
pub async fn branches_that_ran(store: &Store, limit: u64) -> Result<Vec<String>, AnswerError> {
    configurations::branches(store, limit).await
}
