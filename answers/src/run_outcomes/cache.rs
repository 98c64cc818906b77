//! What is remembered of uploads and rosters that were read.

use std::sync::Arc;

use moka::sync::Cache;
use schema::ids::TestId;
use schema::outcomes::roster::{Part, RosterId, WholeRoster};
use schema::outcomes::{Outcome, Surprise, surprises};
use schema::state::State;

use crate::reads::newest_uploads::Upload;

/// Bytes of surprises that are remembered.
const MAX_BYTES: u64 = 64 << 20;
/// About what an entry takes beside its surprises.
const ENTRY_BYTES: usize = 200;

/// What the tests of a run did.
#[derive(Debug)]
pub(crate) struct RunOutcomes {
    /// Who ran.
    pub(crate) roster: Arc<WholeRoster>,
    /// The bytes of its surprises, by test.
    pub(super) surprises: Box<[u8]>,
}

impl RunOutcomes {
    /// What was not as usual, by test.
    pub(crate) fn surprises(&self) -> impl Iterator<Item = Surprise> + '_ {
        surprises(&self.surprises)
    }

    /// What was not as usual of a test.
    pub(crate) fn surprise(&self, test: TestId) -> Option<Outcome> {
        let found = surprises(&self.surprises).find(|surprise| surprise.test >= test);
        found.filter(|surprise| surprise.test == test).map(|surprise| surprise.outcome)
    }

    /// The tests that failed, by id, each with its worst state; where only what was unexpected counts, its worst unexpected
    /// one.
    pub(crate) fn failing(&self, unexpected: bool) -> Vec<(TestId, State)> {
        let state = |outcome: &Outcome| match unexpected {
            true => outcome.worst_unexpected(),
            false => outcome.actual.worst_state(),
        };
        let failed = |(test, state): &(TestId, State)| state.is_failure().then_some((*test, *state));
        let mut surprising = self.surprises().map(|one| (one.test, state(&one.outcome))).peekable();
        if unexpected {
            return surprising.filter_map(|one| failed(&one)).collect();
        }
        let mut failing = Vec::new();
        for (test, expected) in self.roster.expectations.iter().flat_map(|part| part.iter()) {
            let test = TestId(*test);
            while let Some(before) = surprising.next_if(|(other, _)| *other < test) {
                failing.extend(failed(&before));
            }
            let usual = (test, state(&Outcome::usual(*expected)));
            failing.extend(failed(&surprising.next_if(|(other, _)| *other == test).unwrap_or(usual)));
        }
        failing.extend(surprising.filter_map(|one| failed(&one)));
        failing
    }

    /// What a test did that was no surprise; none if it did not run.
    pub(crate) fn usual(&self, test: TestId) -> Option<Outcome> {
        self.roster.expected(test).map(Outcome::usual)
    }
}

/// An upload among those of all suites and branches.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) suite: Arc<str>,
    pub(crate) branch: Arc<str>,
    pub(crate) upload: Upload,
}

/// The outcomes of runs that were asked for.
#[derive(Clone)]
pub(crate) struct OutcomesCache(pub(super) Cache<Key, Arc<RunOutcomes>>);

impl OutcomesCache {
    pub(crate) fn new() -> Self {
        let weight =
            |_: &Key, of: &Arc<RunOutcomes>| u32::try_from(of.surprises.len() + ENTRY_BYTES).unwrap_or(u32::MAX);
        Self(Cache::builder().max_capacity(MAX_BYTES).weigher(weight).build())
    }
}

/// Bytes that rosters and their parts may take.
const ROSTER_BYTES: u64 = 64 << 20;

/// What is remembered of rosters.
#[derive(Clone)]
pub(crate) struct RosterCache {
    pub(super) parts: Cache<RosterId, Part>,
    pub(super) whole: Cache<RosterId, Arc<WholeRoster>>,
}

impl RosterCache {
    pub(crate) fn new() -> Self {
        let weight = |bytes: usize| u32::try_from(bytes + ENTRY_BYTES).unwrap_or(u32::MAX);
        let of_part = move |_: &RosterId, part: &Part| weight(part.weight());
        let of_whole = move |_: &RosterId, roster: &Arc<WholeRoster>| {
            weight(size_of::<Arc<[u64]>>() * (roster.tests.len() + roster.expectations.len()))
        };
        Self {
            parts: Cache::builder().max_capacity(ROSTER_BYTES).weigher(of_part).build(),
            whole: Cache::builder().max_capacity(ROSTER_BYTES / 8).weigher(of_whole).build(),
        }
    }
}
