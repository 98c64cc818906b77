//! The runs that flaky tests spoilt in a suite.

use std::collections::{BTreeSet, HashMap};

use analysis::parallel;
use schema::ids::{CommitKey, ConfigId, TestId};

use crate::error::AnswerError;
use crate::histories::FailedRun;
use crate::late_runs::{Among, LateRuns};
use crate::owners::OwnerIndex;
use crate::reads::costs;
use crate::search::Search;

/// Tests of a suite that are looked at: those that failed last.
const MAX_CANDIDATES: u64 = 2000;

/// A run, among those of one suite: where it ran, on which commit, and its start, seconds since 1970.
pub(super) type Run = (ConfigId, CommitKey, u32);

/// A run in which a test failed unexpectedly while it was flaky.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SpoiltRun {
    pub(super) run: Run,
    /// What the test took in it, milliseconds.
    pub(super) time: u64,
}

impl SpoiltRun {
    /// Start of the run, seconds since 1970.
    pub(super) fn start_time(&self) -> u32 {
        self.run.2
    }
}

/// A test that spoilt runs.
#[derive(Debug)]
pub(super) struct SpoilingTest {
    pub(super) test: String,
    pub(super) owners: Vec<String>,
    pub(super) runs: Vec<SpoiltRun>,
}

/// The tests that are meant and spoilt runs of the time asked about; and whether more tests failed in it than are looked at.
pub(super) async fn of_suite(
    late: &LateRuns<'_>,
    owners: &OwnerIndex,
    search: &Search,
) -> Result<(Vec<SpoilingTest>, bool), AnswerError> {
    let (names, is_cut) =
        late.meant_candidates(Among::Asked, MAX_CANDIDATES, |test| search.may_match_owned(test, owners)).await?;
    let ids: BTreeSet<TestId> = names.iter().map(|test| TestId::of(late.suite, test)).collect();
    let (histories, judged) = late.judged_histories(&ids).await?;
    let rules = &late.question.rules;
    let spoilt = parallel::map(&judged, |one| (one.test, histories.spoilt_runs(one, rules)));
    let mut spoilt: HashMap<TestId, Vec<FailedRun>> = spoilt.into_iter().filter(|(_, runs)| !runs.is_empty()).collect();
    let times = times(late, &spoilt).await?;
    let mut tests = Vec::with_capacity(spoilt.len());
    for test in names {
        let id = TestId::of(late.suite, &test);
        let Some(failed) = spoilt.remove(&id) else { continue };
        let runs = failed.iter().map(|failed| {
            let run = (failed.configuration, failed.commit, failed.start_time);
            let attempts = times.get(&(id, run)).copied().unwrap_or(0);
            SpoiltRun { run, time: attempts.max(failed.time.into()) }
        });
        tests.push(SpoilingTest { owners: owners.of(&test), runs: runs.collect(), test });
    }
    Ok((tests, is_cut))
}

/// What the attempts of tests took in runs, by the test that the results belong to, where uploads list them.
async fn times(
    late: &LateRuns<'_>,
    spoilt: &HashMap<TestId, Vec<FailedRun>>,
) -> Result<HashMap<(TestId, Run), u64>, AnswerError> {
    let tests: BTreeSet<TestId> = spoilt.keys().copied().collect();
    let commits: BTreeSet<CommitKey> = spoilt.values().flatten().map(|run| run.commit).collect();
    let names = late.renames.names(&tests);
    let rows = costs::attempts(late.store, late.suite, &late.asked, &names, &commits).await?;
    let time = |row: costs::AttemptsTime| {
        let test = late.renames.current_id(row.test_id, row.start_time);
        ((test, (row.config_id, row.uuid, row.start_time)), row.time)
    };
    Ok(rows.into_iter().map(time).collect())
}
