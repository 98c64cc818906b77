//! What a failing test said last: the message of its newest log, for lists that show many tests.

use std::collections::{BTreeSet, HashMap};

use schema::cause::Pattern;
use schema::cause::primary::primary;
use schema::ids::{CommitKey, TestId};
use schema::outcomes::messages::messages;
use schema::outcomes::roster::RosterId;

use crate::error::AnswerError;
use crate::late_runs::LateRuns;
use crate::reads::results::{self, TestLog};
use crate::reads::run_outcomes;
use crate::reads::selection::Selection;
use crate::store::Store;

/// Tests that are asked for at once.
pub const MAX_TESTS: usize = 200;
/// Failing runs of each test of which messages are read. The newest ones may have said nothing.
const RUNS: usize = 3;

/// The messages by test, of the newest results in the selection that failed and say something; of so many tests at most.
pub async fn newest<'a>(
    store: &Store,
    suite: &str,
    selection: &Selection,
    tests: impl Iterator<Item = &'a str>,
    most: usize,
) -> Result<HashMap<&'a str, String>, AnswerError> {
    in_runs(store, suite, selection, None, by_id(suite, tests, most)).await
}

/// The same in the runs from which verdicts are made, of so many tests at most.
pub(crate) async fn newest_of<'a>(
    late: &LateRuns<'_>,
    tests: impl Iterator<Item = &'a str>,
    most: usize,
) -> Result<HashMap<&'a str, String>, AnswerError> {
    let names = by_id(late.suite, tests, most);
    let commits = late.newest_failures(&names.keys().copied().collect(), RUNS);
    in_runs(late.store, late.suite, &late.selection, commits.as_ref(), names).await
}

fn by_id<'a>(suite: &str, tests: impl Iterator<Item = &'a str>, most: usize) -> HashMap<TestId, &'a str> {
    tests.take(most).map(|test| (TestId::of(suite, test), test)).collect()
}

/// What some tests said in the selected runs, of some commits where these are given.
async fn in_runs<'a>(
    store: &Store,
    suite: &str,
    selection: &Selection,
    commits: Option<&BTreeSet<CommitKey>>,
    names: HashMap<TestId, &'a str>,
) -> Result<HashMap<&'a str, String>, AnswerError> {
    if names.is_empty() || selection.is_empty() {
        return Ok(HashMap::new());
    }
    let mut runs = run_outcomes::messages(store, suite, selection, commits).await?;
    if runs.iter().any(|run| run.roster == RosterId::NONE) {
        let logs = results::newest_logs(store, suite, selection, names.keys().copied()).await?;
        let line = |row: TestLog| Some((*names.get(&row.test_id)?, primary(&row.log)?));
        return Ok(logs.into_iter().filter_map(line).collect());
    }
    runs.sort_unstable_by_key(|run| (run.uuid, run.start_time, run.config_id));
    let said = runs.iter().flat_map(|run| messages(&run.messages));
    Ok(said.filter_map(|(test, line)| Some((*names.get(&test)?, line.to_owned()))).collect())
}

/// Whether two messages have one cause, however much of the logs around them was kept.
pub(crate) fn is_alike(one: &str, other: &str) -> bool {
    let pattern = |text: &str| primary(text).and_then(|message| Pattern::of(&message));
    pattern(one) == pattern(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_make_no_difference() {
        assert!(is_alike("took 31 ms\nat a", "\ntook 4 ms") && !is_alike("took 31 ms", "took 31 s"));
    }
}
