//! What a test's newest runs mean to whoever triages: pure, from histories to at most one finding.

use std::collections::BTreeMap;

use schema::state::{self, TIMEOUT};
use serde::Serialize;

use crate::timeline::verdict::{self, Verdict};

/// Failures in a row that make a later pass a fix; a single one is noise.
const FIXED_AFTER: usize = 2;

/// One configuration's newest runs, and in which of them the test failed unexpectedly.
#[derive(Debug, Clone, Default)]
pub(super) struct History<'a> {
    /// Uuids of the runs, newest first.
    pub(super) runs: &'a [u64],
    /// Position in `runs` and worst unexpected state.
    pub(super) failed: BTreeMap<usize, u8>,
}

/// Why a test is on the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Group {
    /// Began to fail within the time asked about.
    New,
    /// Fails for longer.
    Still,
    /// Failed at least twice in a row, and passes since a commit within the time asked about.
    Fixed,
    /// Changes between pass and fail.
    Flaky,
}

impl Group {
    /// All of them, in the order of a list.
    pub(crate) const ALL: [Self; 4] = [Self::New, Self::Still, Self::Fixed, Self::Flaky];

    /// Its name in addresses and answers.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Still => "still",
            Self::Fixed => "fixed",
            Self::Flaky => "flaky",
        }
    }
}

/// What there is to know of one test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) group: Group,
    /// Position of the worst state now; of the last failures where it passes.
    pub(super) state: u8,
    /// Positions of the histories that put it in its group.
    pub(super) affected: Vec<usize>,
    /// The first commit of the failures, or the commit of the fix.
    pub(super) since: u64,
    /// The last commit before that.
    pub(super) before: Option<u64>,
    /// Configurations times [`severity`].
    pub(super) impact: usize,
}

/// How much a failure matters: a crash 3, a timeout 2, anything else 1.
fn severity(state: u8) -> usize {
    match state {
        state::CRASH => 3,
        TIMEOUT => 2,
        _ => 1,
    }
}

/// The finding on one test: `newest` is the suite's newest commit, `since` where "new" and "fixed" begin, both uuids.
pub(super) fn finding(histories: &[History<'_>], newest: u64, since: u64) -> Option<Finding> {
    let verdict = |history: &History<'_>| {
        let runs = history.runs.iter().enumerate();
        verdict::of_runs(runs.map(|(index, uuid)| (*uuid, history.failed.contains_key(&index))), newest)
    };
    let verdicts: Vec<Verdict> = histories.iter().map(verdict).collect();
    let (failing, flaky) = (failing(histories, &verdicts, since), flaky(histories, &verdicts));
    let count = |finding: &Option<Finding>| finding.as_ref().map_or(0, |finding| finding.affected.len());
    // What changes often on most of where it fails is flaky everywhere.
    let (first, second) = if count(&failing) > count(&flaky) { (failing, flaky) } else { (flaky, failing) };
    first.or(second).or_else(|| fixed(histories, &verdicts, since))
}

fn failing(histories: &[History<'_>], verdicts: &[Verdict], since: u64) -> Option<Finding> {
    let mut affected = Vec::new();
    let (mut first, mut state) = (u64::MAX, state::PASS);
    for (index, verdict) in verdicts.iter().enumerate() {
        let Verdict::Failing { first_bad, .. } = verdict else { continue };
        affected.push(index);
        first = first.min(*first_bad);
        state = state.min(histories[index].failed.values().next().copied().unwrap_or(state));
    }
    // The narrowest range: the last pass of any of them before the first failure of all.
    let passes = affected.iter().flat_map(|index| {
        let history = &histories[*index];
        let passed = |(position, uuid): (usize, &u64)| (!history.failed.contains_key(&position)).then_some(*uuid);
        history.runs.iter().enumerate().filter_map(passed)
    });
    let before = passes.filter(|uuid| *uuid < first).max();
    let group = if first >= since && before.is_some() { Group::New } else { Group::Still };
    let impact = affected.len() * severity(state);
    (!affected.is_empty()).then_some(Finding { group, state, affected, since: first, before, impact })
}

fn flaky(histories: &[History<'_>], verdicts: &[Verdict]) -> Option<Finding> {
    let is_flaky = |index: &usize| matches!(verdicts[*index], Verdict::Flaky { .. });
    let affected: Vec<usize> = (0..verdicts.len()).filter(is_flaky).collect();
    let states = affected.iter().flat_map(|index| histories[*index].failed.values());
    let state = states.copied().min()?;
    let failures = affected.iter().flat_map(|index| {
        let history = &histories[*index];
        history.failed.keys().map(|position| history.runs[*position])
    });
    let impact = affected.len() * severity(state);
    Some(Finding { group: Group::Flaky, state, since: failures.max()?, before: None, impact, affected })
}

fn fixed(histories: &[History<'_>], verdicts: &[Verdict], since: u64) -> Option<Finding> {
    let mut affected = Vec::new();
    let (mut by, mut before, mut state) = (0, None, state::PASS);
    for (index, history) in histories.iter().enumerate() {
        let Some((last, worst)) = history.failed.iter().next() else { continue };
        let in_a_row = (*last..).take_while(|position| history.failed.contains_key(position)).count();
        let is_fixed = verdicts[index] == Verdict::Passing && *last > 0 && in_a_row >= FIXED_AFTER;
        if is_fixed && history.runs[*last - 1] >= since {
            affected.push(index);
            state = state.min(*worst);
            if history.runs[*last - 1] > by {
                (by, before) = (history.runs[*last - 1], Some(history.runs[*last]));
            }
        }
    }
    let impact = affected.len() * severity(state);
    (!affected.is_empty()).then_some(Finding { group: Group::Fixed, state, affected, since: by, before, impact })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const DAY: u64 = 86_400 * 100;

    /// One run a day, oldest first: `.` passed, `T` failed, `C` crashed.
    fn of(rows: &[&str], days: u64) -> Option<Finding> {
        let all: Vec<Vec<u64>> =
            rows.iter().map(|row| (1..=row.len() as u64).rev().map(|day| day * DAY).collect()).collect();
        let histories: Vec<History<'_>> = rows
            .iter()
            .zip(&all)
            .map(|(row, runs)| {
                let newest_first = row.bytes().rev().enumerate();
                let failed = newest_first.filter_map(|(index, run)| match run {
                    b'T' => Some((index, 4)),
                    b'C' => Some((index, state::CRASH)),
                    _ => None,
                });
                History { runs, failed: failed.collect() }
            })
            .collect();
        let newest = all.iter().flatten().max().copied().unwrap_or(0);
        finding(&histories, newest, newest.saturating_sub(days * DAY))
    }

    #[test]
    fn a_regression_is_new_for_a_while_and_then_still_fails() {
        let found = of(&["...TT", "....C"], 3).unwrap();
        assert_eq!((found.group, found.state, found.affected.as_slice()), (Group::New, state::CRASH, &[0, 1][..]));
        // The last pass of any before the first failure of all, on whichever configuration.
        assert_eq!((found.since, found.before, found.impact), (4 * DAY, Some(3 * DAY), 6));
        assert_eq!(of(&["...TTTTTT"], 3).unwrap().group, Group::Still);
        // Nothing is known of before, so that nothing is known to be new.
        assert_eq!(of(&["TT"], 3).unwrap().group, Group::Still);
    }

    #[test]
    fn two_failures_and_a_pass_are_a_fix_and_one_failure_is_noise() {
        let found = of(&["..TT."], 3).unwrap();
        assert_eq!((found.group, found.since, found.before), (Group::Fixed, 5 * DAY, Some(4 * DAY)));
        assert_eq!(of(&["...T."], 3), None);
        assert_eq!(of(&["TT........"], 3), None);
    }

    #[test]
    fn what_changes_often_is_flaky_and_what_ran_long_ago_is_nothing() {
        assert_eq!(of(&[".T.T."], 3).unwrap().group, Group::Flaky);
        assert_eq!(of(&[".T.T.", "....T"], 3).unwrap().group, Group::Flaky);
        assert_eq!(of(&[".T.T.", "...TT", "...TT"], 3).unwrap().group, Group::New);
        assert_eq!(of(&["......................", "TT"], 3), None);
    }

    proptest! {
        #[test]
        fn whoever_passes_always_is_never_found(lengths in prop::collection::vec(0usize..20, 0..5)) {
            let rows: Vec<String> = lengths.iter().map(|length| ".".repeat(*length)).collect();
            let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
            prop_assert_eq!(of(&rows, 0), None);
        }

        #[test]
        fn one_more_configuration_that_passes_changes_nothing(row in "[.TC]{1,12}") {
            let (alone, beside) = (of(&[&row], 2), of(&[&row, &".".repeat(row.len())], 2));
            prop_assert_eq!(alone, beside);
        }
    }
}
