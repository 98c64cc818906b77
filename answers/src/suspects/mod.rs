//! Which commits may have changed something in a suite: those that came into its runs. A deployment may know more
//! repositories than a suite runs, and what happens in the others explains nothing.
//!
//! Data flow: the runs that count in the sessions of a suite → the branches of which each names commits ([`named`]) → what of
//! these branches came into runs, configuration by configuration ([`spans`]) → the commits between the oldest and the newest
//! run. Where only one repository is known, all commits of the branch are of it, and no run is asked.

pub(crate) mod cache;
mod named;
mod spans;

use schema::commit::Commit;
use schema::ids::CommitKey;

use crate::ask::RunFilter;
use crate::commit_range::RunBounds;
use crate::commits;
use crate::error::AnswerError;
use crate::histories::Histories;
use crate::late_runs::LateRuns;
use crate::reads::commits::{BranchKeys, Branches, keys_of_branch, keys_of_branches};
use crate::reads::run_repositories;
use crate::reads::selection::Selection;
use crate::store::Store;
use spans::{NamingRun, Spans};

/// Commits that may have done it.
const MAX_COMMITS: u64 = 50_000;

/// The commits that may be blamed for what happened in a suite.
#[derive(Debug, Default)]
pub(crate) struct Suspects {
    /// Their keys, in no order, each once or more.
    pub(crate) commits: Vec<CommitKey>,
    /// Where they lie; nowhere if only one repository is known.
    spans: Spans,
}

impl Suspects {
    /// Whether a commit is one of them, which its key does not tell: commits of several repositories may have the same.
    pub(crate) fn has(&self, commit: &Commit) -> bool {
        self.spans.has(&commit.repository_id, &commit.branch, commit.key())
    }
}

/// The commits that may be blamed for what histories of a suite show.
///
/// # Errors
/// The store does not answer.
pub(crate) async fn of_suite(late: &LateRuns<'_>, histories: &Histories) -> Result<Suspects, AnswerError> {
    let LateRuns { store, suite, selection, sessions, .. } = late;
    let order = histories.order();
    let (Some(first), Some(last)) = (order.iter().copied().min(), order.iter().copied().max()) else {
        return Ok(Suspects::default());
    };
    if !commits::are_of_several(store).await? {
        let commits = keys_of_branch(store, &selection.branch, (first, last), MAX_COMMITS).await?;
        return Ok(Suspects { commits, spans: Spans::default() });
    }
    let runs = sessions.runs();
    let named = named::of_runs(store, suite, selection, runs).await?;
    let naming = runs.iter().zip(&named).filter_map(|(run, named)| {
        let (configuration, commit) = (run.upload.config_id, run.upload.uuid);
        Some(NamingRun { configuration, commit, named: named.as_deref()? })
    });
    let goes_back = |id, first| histories.goes_back_to(id).is_some_and(|oldest| oldest < first);
    let spans = Spans::of(naming.collect(), goes_back);
    let branches: Branches = spans.branches().collect();
    let mut commits = Vec::new();
    let on_branches = keys_of_branches(store, &branches, (first, last), MAX_COMMITS).await?;
    for BranchKeys { repository, branch, keys } in on_branches {
        commits.extend(keys.into_iter().filter(|key| spans.has(&repository, &branch, *key)));
    }
    Ok(Suspects { commits, spans })
}

/// Ids of the repositories of which runs of a suite on commits between two keys, both inclusive, name commits; none where only
/// one repository is known, or no run is.
///
/// # Errors
/// The store does not answer.
pub async fn repositories_between(
    store: &Store,
    suite: &str,
    branch: Option<&str>,
    (begin, end): (CommitKey, CommitKey),
) -> Result<Vec<String>, AnswerError> {
    if !commits::are_of_several(store).await? {
        return Ok(Vec::new());
    }
    let filter = RunFilter { branch: branch.map(str::to_owned), recent: false, ..RunFilter::default() };
    let selection = Selection::within(store, &filter, RunBounds::between(begin, end), u64::MAX).await?;
    if selection.is_empty() {
        return Ok(Vec::new());
    }
    run_repositories::repositories(store, suite, &selection).await
}
