//! How long it took until failures that began on the default branch were found.
//!
//! Data flow: the tests of a suite that failed last in the time asked about → their histories, and what was before → the failures
//! that began in that time, each with the commit with which the rule calls it failing ([`analysis::detection`]) → when that run
//! was received.

use std::collections::{BTreeSet, HashMap};

use analysis::detection::{FoundFailure, found_failures};
use analysis::parallel;
use schema::ids::{CommitKey, ConfigId, TestId};

use crate::error::AnswerError;
use crate::late_runs::{Among, LateRuns};
use crate::owners::OwnerIndex;
use crate::reads::received;
use crate::search::Search;

/// Tests of a suite that are looked at: those that failed last.
const MAX_CANDIDATES: u64 = 1000;

/// How soon failures were found that began.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Detection {
    /// Tests on a configuration that began to fail, each time that they did.
    pub(super) began: u64,
    /// Those of which it is known how long it took.
    pub(super) timed: u64,
    /// From the start of the first failing run until the run was received with which the rule calls the test failing, seconds: half
    /// of them took so long at most. None where nothing began.
    pub(super) median: Option<u64>,
    /// The same of 95 of a hundred.
    pub(super) p95: Option<u64>,
}

impl Detection {
    /// Of some times, in seconds; those that are not known are none.
    pub(super) fn of(times: &[Option<u32>]) -> Self {
        let mut known: Vec<u64> = times.iter().flatten().map(|time| u64::from(*time)).collect();
        known.sort_unstable();
        // The nearest rank: a time that there was.
        let rank = |percent: usize| known.get((known.len() * percent).div_ceil(100).saturating_sub(1)).copied();
        Self { began: times.len() as u64, timed: known.len() as u64, median: rank(50), p95: rank(95) }
    }
}

/// A failure that began, and was found after so many seconds, if that is known.
#[derive(Debug)]
pub(super) struct TimedFailure {
    pub(super) owners: Vec<String>,
    pub(super) seconds: Option<u32>,
}

/// The failures of tests that are meant that began at a time or later, seconds since 1970; and whether more tests failed than
/// are looked at.
pub(super) async fn of_suite(
    late: &LateRuns<'_>,
    owners: &OwnerIndex,
    search: &Search,
    since: u64,
) -> Result<(Vec<TimedFailure>, bool), AnswerError> {
    if late.asked.is_empty() {
        return Ok((Vec::new(), false));
    }
    let (names, are_more) =
        late.meant_candidates(Among::Asked, MAX_CANDIDATES, |test| search.may_match_owned(test, owners)).await?;
    let names: HashMap<TestId, String> = names.into_iter().map(|name| (TestId::of(late.suite, &name), name)).collect();
    let ids: BTreeSet<TestId> = names.keys().copied().collect();
    // A history that is not judged has too few failures to be one that began.
    let (histories, judged) = late.judged_histories(&ids).await?;
    let found = parallel::map(&judged, |one| {
        let of_place = |(id, _): &(ConfigId, _)| {
            let cells = histories.on(one.test, *id);
            let found = found_failures(&cells, since, &late.question.rules);
            found.into_iter().map(|failure| (one.test, *id, failure)).collect::<Vec<_>>()
        };
        one.places.iter().flat_map(of_place).collect::<Vec<_>>()
    });
    let found: Vec<(TestId, ConfigId, FoundFailure)> = found.into_iter().flatten().collect();
    let commits: BTreeSet<CommitKey> = found.iter().map(|(.., failure)| failure.found.commit).collect();
    let received = received::runs(late.store, late.suite, &late.selection, &commits).await?;
    let received: HashMap<(ConfigId, CommitKey, u32), u32> =
        received.into_iter().map(|run| ((run.config_id, run.uuid, run.start_time), run.received)).collect();
    let timed = |(test, id, FoundFailure { first, found }): (TestId, ConfigId, FoundFailure)| {
        // Every run of the commit failed, so that the first of them told.
        let received = received.get(&(id, found.commit, found.first_start)).filter(|received| **received > 0);
        let owners = names.get(&test).map(|name| owners.of(name)).unwrap_or_default();
        TimedFailure { owners, seconds: received.map(|received| received.saturating_sub(first.first_start)) }
    };
    Ok((found.into_iter().map(timed).collect(), are_more))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_times_that_there_were() {
        let of = |times: &[u32]| Detection::of(&times.iter().copied().map(Some).collect::<Vec<_>>());
        assert_eq!(Detection::of(&[]), Detection::default());
        assert_eq!((of(&[7]).median, of(&[7]).p95), (Some(7), Some(7)));
        let hundred: Vec<u32> = (1..=100).rev().collect();
        assert_eq!((of(&hundred).median, of(&hundred).p95), (Some(50), Some(95)));
        assert_eq!((of(&[1, 2, 3]).median, of(&[1, 2, 3]).p95), (Some(2), Some(3)));
        let partly = Detection::of(&[None, Some(4)]);
        assert_eq!((partly.began, partly.timed, partly.median), (2, 1, Some(4)));
        assert_eq!(Detection::of(&[None]).median, None);
    }
}
