//! The branches of which runs name commits: from what is remembered, or read.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use schema::ids::CommitKey;

use super::cache::Named;
use crate::error::AnswerError;
use crate::histories::SessionRun;
use crate::reads::run_repositories;
use crate::reads::selection::Selection;
use crate::run_outcomes::cache::Key;
use crate::store::Store;

/// The branches of which each of some runs names commits, in their order; none of a run that was replaced a moment ago.
pub(super) async fn of_runs(
    store: &Store,
    suite: &str,
    selection: &Selection,
    runs: &[SessionRun],
) -> Result<Vec<Option<Named>>, AnswerError> {
    let (suite_name, branch) = (Arc::<str>::from(suite), Arc::<str>::from(selection.branch.as_str()));
    let key =
        |run: &SessionRun| Key { suite: Arc::clone(&suite_name), branch: Arc::clone(&branch), upload: run.upload };
    let mut named: Vec<Option<Named>> = runs.iter().map(|run| store.named_branches.get(&key(run))).collect();
    let missing = runs.iter().zip(&named).filter(|(_, known)| known.is_none());
    let commits: BTreeSet<CommitKey> = missing.map(|(run, _)| run.upload.uuid).collect();
    if commits.is_empty() {
        return Ok(named);
    }
    let (mut lists, mut read): (BTreeSet<Named>, HashMap<_, Named>) = Default::default();
    for row in run_repositories::branches(store, suite, selection, &commits).await? {
        let list = match lists.get(row.named.as_slice()) {
            Some(known) => Arc::clone(known),
            None => Named::from(row.named.as_slice()),
        };
        lists.insert(Arc::clone(&list));
        read.insert(row.upload(), list);
    }
    for (run, known) in runs.iter().zip(&mut named).filter(|(_, known)| known.is_none()) {
        *known = read.get(&run.upload).map(Arc::clone);
        if let Some(list) = known {
            store.named_branches.insert(key(run), Arc::clone(list));
        }
    }
    Ok(named)
}
