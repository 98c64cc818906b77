//! What commits are called. A key is a second and a place within it, so that commits of several repositories, or of changes that were
//! rebased together, may have the same one. Which of them is meant, the runs tell that stand under it: each names its commits.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use schema::commit::Commit;
use schema::ids::CommitKey;

use crate::ask::RunFilter;
use crate::commit_range::RunBounds;
use crate::commits::{self, are_of_several};
use crate::error::AnswerError;
use crate::late_runs::LateRuns;
use crate::reads::selection::Selection;
use crate::reads::{commits as reads, run_repositories};
use crate::store::Store;

/// Commits of one name that are looked at.
const MAX_NAMED: u64 = 10;

/// The commits of some keys, for whoever names them.
#[derive(Debug, Default)]
pub struct CommitNames {
    commits: BTreeMap<CommitKey, Commit>,
    /// Whether more than one repository is known.
    are_of_several: bool,
}

impl CommitNames {
    /// The commit of a key: the one that was meant, or else one of a default branch before others.
    pub fn get(&self, key: CommitKey) -> Option<&Commit> {
        self.commits.get(&key)
    }

    /// The repository of a commit, where more than one is known.
    pub fn repository(&self, key: CommitKey) -> Option<&str> {
        self.get(key).filter(|_| self.are_of_several).map(|commit| commit.repository_id.as_str())
    }

    /// What people call it among these commits: its repository and its name, where they are of more than one repository.
    pub fn full_name(&self, key: CommitKey) -> String {
        let mut repositories = self.commits.values().map(|commit| &commit.repository_id);
        let first = repositories.next();
        match self.get(key) {
            Some(commit) if repositories.any(|other| Some(other) != first) => {
                format!("{} {}", commit.repository_id, commit.short_name())
            }
            _ => self.name(key),
        }
    }

    /// What people call it; the key itself where no commit of it is known.
    pub fn name(&self, key: CommitKey) -> String {
        self.get(key).map_or_else(|| key.to_string(), Commit::short_name)
    }
}

/// The commits of these keys that are known, whatever was tested of them.
///
/// # Errors
/// The store does not answer.
pub async fn by_key(store: &Store, keys: &BTreeSet<CommitKey>) -> Result<CommitNames, AnswerError> {
    by_key_among(store, keys, |_| true).await
}

/// The same. Where several commits have one key, one that is meant comes before others.
pub(crate) async fn by_key_among(
    store: &Store,
    keys: &BTreeSet<CommitKey>,
    is_meant: impl Fn(&Commit) -> bool,
) -> Result<CommitNames, AnswerError> {
    if keys.is_empty() {
        return Ok(CommitNames::default());
    }
    of_commits(store, reads::of_keys(store, keys).await?, is_meant).await
}

/// The same. Where several commits have one key, one comes before others that is on a branch which the runs of a suite name that
/// stand under this key. `branch` is that of the runs.
///
/// # Errors
/// The store does not answer.
pub async fn as_tested(
    store: &Store,
    suite: &str,
    branch: Option<&str>,
    keys: &BTreeSet<CommitKey>,
) -> Result<CommitNames, AnswerError> {
    if keys.is_empty() {
        return Ok(CommitNames::default());
    }
    let commits = reads::of_keys(store, keys).await?;
    let named = named_at(store, suite, branch, &ambiguous(&commits)).await?;
    let is_meant =
        |commit: &Commit| named.contains(&(commit.key(), (commit.repository_id.clone(), commit.branch.clone())));
    of_commits(store, commits, is_meant).await
}

/// The name of one commit.
pub(crate) async fn of_one(store: &Store, commit: Commit) -> Result<CommitNames, AnswerError> {
    of_commits(store, vec![commit], |_| true).await
}

/// Of those with the same key the last one counts.
async fn of_commits(
    store: &Store,
    mut commits: Vec<Commit>,
    is_meant: impl Fn(&Commit) -> bool,
) -> Result<CommitNames, AnswerError> {
    let are_of_several = are_of_several(store).await?;
    commits.sort_by_key(|commit| is_meant(commit));
    let commits = commits.into_iter().map(|commit| (commit.key(), commit)).collect();
    Ok(CommitNames { commits, are_of_several })
}

/// The keys that several commits have.
fn ambiguous(commits: &[Commit]) -> BTreeSet<CommitKey> {
    let mut seen = HashSet::new();
    commits.iter().map(Commit::key).filter(|key| !seen.insert(*key)).collect()
}

/// The branches, each as repository and branch, that the runs name which stand under some keys, with the key.
pub(crate) async fn named_at(
    store: &Store,
    suite: &str,
    branch: Option<&str>,
    keys: &BTreeSet<CommitKey>,
) -> Result<HashSet<(CommitKey, (String, String))>, AnswerError> {
    let (Some(first), Some(last)) = (keys.first(), keys.last()) else { return Ok(HashSet::new()) };
    let filter = RunFilter { branch: branch.map(str::to_owned), recent: false, ..RunFilter::default() };
    let selection = Selection::within(store, &filter, RunBounds::between(*first, *last), u64::MAX).await?;
    if selection.is_empty() {
        return Ok(HashSet::new());
    }
    let runs = run_repositories::branches(store, suite, &selection, keys).await?;
    Ok(runs
        .into_iter()
        .flat_map(|run| {
            let key = run.upload().uuid;
            run.named.into_iter().map(move |branch| (key, branch))
        })
        .collect())
}

/// The commits that a name may mean to the runs of a suite, of any branch: of several repositories that know the name, those of
/// which the runs name commits. Identifiers are counted in each repository anew, so that most names are known in all of them.
///
/// # Errors
/// The name is empty, or the store does not answer.
pub(crate) async fn meant_by(late: &LateRuns<'_>, name: &str) -> Result<Vec<Commit>, AnswerError> {
    let LateRuns { store, suite, ref selection, .. } = *late;
    let mut found = commits::named(store, &[], &[name.to_owned()], MAX_NAMED).await?;
    if are_alike(&found) || selection.is_empty() {
        return Ok(found);
    }
    let named: HashSet<String> = run_repositories::repositories(store, suite, selection).await?.into_iter().collect();
    if found.iter().any(|commit| named.contains(&commit.repository_id)) {
        found.retain(|commit| named.contains(&commit.repository_id));
    }
    Ok(found)
}

/// Whether commits are all of one repository.
pub(crate) fn are_alike(commits: &[Commit]) -> bool {
    commits.windows(2).all(|pair| pair[0].repository_id == pair[1].repository_id)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_several_commits_are_ambiguous() {
        let commit = |repository: &str, timestamp: u64| -> Commit {
            let text = format!(r#"{{"repository_id":"{repository}","branch":"main","timestamp":{timestamp}}}"#);
            serde_json::from_str(&text).unwrap()
        };
        let commits = [commit("a", 7), commit("b", 7), commit("c", 7), commit("a", 8)];
        assert_eq!(ambiguous(&commits), BTreeSet::from([commits[0].key()]));
        assert!(are_alike(&commits[..1]) && !are_alike(&commits) && are_alike(&[]));
    }
}
