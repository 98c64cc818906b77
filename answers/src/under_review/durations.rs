//! Tests that take longer, or less long, in a change than they usually do on the trunk.
//!
//! Data flow: what each test took in the runs of the change's newest commit, and in those of the trunk's newest commit up to
//! the base, from their documents → the tests whose two times differ by [`is_slower`] → their medians over the runs of the
//! trunk, which decide. A test that the trunk timed too few times is counted, and called neither.

use std::cmp::Reverse;
use std::collections::HashMap;

use analysis::slower::is_slower;
use schema::ids::{CommitKey, ConfigId, TestId};
use schemars::JsonSchema;
use serde::Serialize;

use crate::error::AnswerError;
use crate::late_runs::LateRuns;
use crate::reads::selection::RunPlace;
use crate::reads::{joined_runs, results, runs};
use crate::run_documents;

/// Timed runs of the trunk, below which its median says nothing.
const LEAST_RUNS: u64 = 5;
/// Tests whose medians are looked up: those whose times differ most.
const MAX_COMPARED: usize = 500;
/// Tests of each kind that an answer has.
const MAX_TESTS: usize = 100;
/// Runs of one commit whose documents are read, the newest.
const MAX_DOCUMENTS: usize = 50;

/// A test whose time changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct TimedTest {
    /// The test.
    pub test: String,
    /// The median of the trunk's runs, milliseconds.
    pub usual: u32,
    /// How many runs that are.
    pub runs: u64,
    /// What it took in the change, milliseconds.
    pub time: u32,
}

/// What changed in how long tests take.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct DurationChanges {
    /// Clearly slower than on the trunk, the largest growth first.
    pub slower: Vec<TimedTest>,
    /// Clearly faster, the largest gain first.
    pub faster: Vec<TimedTest>,
    /// Tests that look slower or faster, which the trunk timed too few times to say.
    pub unknown: usize,
}

/// How the times of a change's newest commit on a configuration differ from those of the trunk up to a base; none if the
/// trunk has no run to compare with.
pub(super) async fn of(
    trunk: &LateRuns<'_>,
    id: ConfigId,
    own: Vec<RunPlace>,
    base: CommitKey,
) -> Result<Option<DurationChanges>, AnswerError> {
    let LateRuns { store, suite, selection, renames, .. } = trunk;
    let mut until = selection.between(selection.bounds.begin, base);
    // The same configuration, where the trunk ran on it, else any that has its members.
    if trunk.sessions.count(id) > 0 {
        until.matching.retain(|other, _| *other == id);
    }
    if until.is_empty() {
        return Ok(None);
    }
    let newest = runs::newest_sound(store, suite, &until, 1).await?;
    let Some(run) = newest.into_iter().next() else { return Ok(None) };
    let joined = joined_runs::sound_of_commit(store, suite, &until, &run).await?;
    let (before, after) = tokio::try_join!(
        run_documents::times(store, suite, joined.into_iter().take(MAX_DOCUMENTS), renames),
        run_documents::times(store, suite, own.into_iter().take(MAX_DOCUMENTS), renames)
    )?;
    let mut differing: Vec<(Reverse<u32>, String, u32)> = Vec::new();
    for (test, time) in after {
        let Some((time, old)) = time.zip(before.get(&test).copied().flatten()) else { continue };
        if is_slower(old, time) || is_slower(time, old) {
            differing.push((Reverse(time.abs_diff(old)), test, time));
        }
    }
    differing.sort_unstable();
    differing.truncate(MAX_COMPARED);
    if differing.is_empty() {
        return Ok(Some(DurationChanges::default()));
    }
    let ids = differing.iter().map(|(_, test, _)| TestId::of(suite, test));
    // What is usual has the run of the base in it.
    let after_base = RunPlace { uuid: base.next(), ..run };
    let usual: HashMap<TestId, (u32, u64)> = results::usual_times(store, suite, &until, &after_base, ids)
        .await?
        .into_iter()
        .map(|usual| (usual.test_id, (usual.median, usual.runs)))
        .collect();
    let timed = differing.into_iter().map(|(_, test, time)| {
        let (usual, runs) = usual.get(&TestId::of(suite, &test)).copied().unwrap_or_default();
        TimedTest { test, usual, runs, time }
    });
    Ok(Some(sorted(timed)))
}

/// Tests by what their times say.
fn sorted(tests: impl Iterator<Item = TimedTest>) -> DurationChanges {
    let mut changes = DurationChanges::default();
    for test in tests {
        if test.runs < LEAST_RUNS {
            changes.unknown += 1;
        } else if is_slower(test.usual, test.time) {
            changes.slower.push(test);
        } else if is_slower(test.time, test.usual) {
            changes.faster.push(test);
        }
    }
    for tests in [&mut changes.slower, &mut changes.faster] {
        tests.sort_by_key(|test| Reverse(test.time.abs_diff(test.usual)));
        tests.truncate(MAX_TESTS);
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_decide_and_few_runs_say_nothing() {
        let test = |name: &str, usual, runs, time| TimedTest { test: name.to_owned(), usual, runs, time };
        let tests = [
            test("slow", 200, 9, 900),
            test("slower", 200, 5, 2000),
            test("fast", 900, 9, 100),
            test("same", 200, 9, 220),
            test("young", 200, 4, 900),
        ];
        let changes = sorted(tests.into_iter());
        let names = |tests: &[TimedTest]| tests.iter().map(|test| test.test.clone()).collect::<Vec<_>>();
        assert_eq!(
            (names(&changes.slower), names(&changes.faster)),
            (vec!["slower".into(), "slow".into()], vec!["fast".into()])
        );
        assert_eq!(changes.unknown, 1);
    }
}
