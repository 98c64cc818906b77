//! The runs that flaky tests spoilt in a suite.

use std::collections::{BTreeSet, HashMap};

use analysis::parallel;
use schema::ids::{CommitKey, ConfigId, TestId};

use crate::error::AnswerError;
use crate::histories::{FailedRun, Histories, JudgedTest};
use crate::late_runs::{Among, LateRuns};
use crate::owners::OwnerIndex;
use crate::search::Search;

/// Tests of a suite that are looked at: those that failed last.
pub(crate) const MAX_CANDIDATES: u64 = 2000;

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
pub(crate) struct SpoilingTest {
    pub(super) test: String,
    pub(super) owners: Vec<String>,
    pub(super) runs: Vec<SpoiltRun>,
}

/// The tests that are meant and spoilt runs of the time asked about; and whether more tests failed in it than are looked at.
pub(crate) async fn of_suite(
    late: &LateRuns<'_>,
    owners: &OwnerIndex,
    search: &Search,
) -> Result<(Vec<SpoilingTest>, bool), AnswerError> {
    let (names, is_cut) =
        late.meant_candidates(Among::Asked, MAX_CANDIDATES, |test| search.may_match_owned(test, owners)).await?;
    let ids: BTreeSet<TestId> = names.iter().map(|test| TestId::of(late.suite, test)).collect();
    let (histories, judged) = late.judged_histories(&ids).await?;
    Ok((of_judged(late, owners, &names, &histories, &judged.iter().collect::<Vec<_>>()), is_cut))
}

/// Those of some tests that spoilt runs of the time asked about, by their histories and the verdicts on them.
pub(crate) fn of_judged(
    late: &LateRuns<'_>,
    owners: &OwnerIndex,
    names: &[String],
    histories: &Histories,
    judged: &[&JudgedTest],
) -> Vec<SpoilingTest> {
    let rules = &late.question.rules;
    let spoilt = parallel::map(judged, |one| (one.test, histories.spoilt_runs(one, rules)));
    let mut spoilt: HashMap<TestId, Vec<FailedRun>> = spoilt.into_iter().filter(|(_, runs)| !runs.is_empty()).collect();
    let mut tests = Vec::with_capacity(spoilt.len());
    for test in names {
        let Some(failed) = spoilt.remove(&TestId::of(late.suite, test)) else { continue };
        let runs = failed.iter().map(|failed| {
            let FailedRun { configuration, commit, start_time, time } = *failed;
            SpoiltRun { run: (configuration, commit, start_time), time: time.into() }
        });
        tests.push(SpoilingTest { owners: owners.of(test), runs: runs.collect(), test: test.clone() });
    }
    tests
}
