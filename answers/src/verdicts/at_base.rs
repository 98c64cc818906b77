//! What the branch fails at the base of a change: what the change may have mended.

use std::collections::BTreeSet;

use schema::ids::{CommitKey, TestId};
use schema::state::State;

use super::evidence::Judge;
use crate::changes::{NamedCommit, named};
use crate::commit_names::{self, CommitNames};
use crate::error::AnswerError;
use crate::late_runs::{Among, LateRuns};

/// Tests that are looked at: those that failed last.
const MAX_CANDIDATES: u64 = 2000;

/// A test that the branch fails at a base.
#[derive(Debug, Clone)]
pub(crate) struct FailingAtBase {
    /// The test.
    pub(crate) test: String,
    /// The worst state in which it fails there.
    pub(crate) state: State,
    /// Since which commit.
    pub(crate) since: Option<NamedCommit>,
}

/// The tests that the branch fails at a base; without one, by its newest runs. Here the commits of the change's authors
/// count, too: whoever broke a test often mends it.
///
/// # Errors
/// The store does not answer.
pub(crate) async fn failing_at_base(
    late: &LateRuns<'_>,
    base: Option<CommitKey>,
) -> Result<Vec<FailingAtBase>, AnswerError> {
    if late.selection.is_empty() {
        return Ok(Vec::new());
    }
    let tests = late.candidates(Among::Asked, MAX_CANDIDATES).await?;
    let id = |test: &String| TestId::of(late.suite, test);
    let ids: BTreeSet<TestId> = tests.iter().map(id).collect();
    let histories = late.histories(&ids).await?;
    let judge = Judge { late, names: &CommitNames::default(), base, authors: &[] };
    let found = tests.into_iter().filter_map(|test| {
        let (state, since) = judge.failing_at_base(id(&test), &histories)?;
        Some((test, state, since))
    });
    let found: Vec<(String, State, Option<CommitKey>)> = found.collect();
    let since = found.iter().filter_map(|(.., since)| *since).collect();
    let names = commit_names::as_tested(late.store, late.suite, late.filter.branch.as_deref(), &since).await?;
    let failing = |(test, state, since): (String, State, Option<CommitKey>)| FailingAtBase {
        test,
        state,
        since: since.map(|commit| named(commit, &names)),
    };
    Ok(found.into_iter().map(failing).collect())
}
