//! What a test's newest runs mean to whoever triages: histories in, at most one finding out.

use std::collections::BTreeMap;

use schema::ids::CommitKey;
use schema::state::State;
use schemars::JsonSchema;
use serde::Serialize;

use crate::blame;
pub use crate::history::severity;
use crate::verdict::{self, Verdict};

/// Failures in a row that make a later pass a fix; a single one is noise.
const FIXED_AFTER: usize = 2;

/// One configuration's newest runs, and in which of them the test failed unexpectedly.
#[derive(Debug, Clone, Default)]
pub struct History<'a> {
    /// Commits of the runs, newest first.
    pub runs: &'a [CommitKey],
    /// Worst unexpected state by position in `runs`.
    pub failed: BTreeMap<usize, State>,
}

impl History<'_> {
    /// Commits of the runs in which the test did not fail.
    fn passes(&self) -> impl Iterator<Item = CommitKey> {
        let passed =
            |(position, commit): (usize, &CommitKey)| (!self.failed.contains_key(&position)).then_some(*commit);
        self.runs.iter().enumerate().filter_map(passed)
    }

    fn verdict(&self, newest: CommitKey) -> Verdict {
        let runs = self.runs.iter().enumerate();
        verdict::of_runs(runs.map(|(index, commit)| (*commit, self.failed.contains_key(&index))), newest)
    }
}

/// Why a test is on the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Group {
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
    pub const ALL: [Self; 4] = [Self::New, Self::Still, Self::Fixed, Self::Flaky];

    /// Its name in addresses and answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Still => "still",
            Self::Fixed => "fixed",
            Self::Flaky => "flaky",
        }
    }

    /// The group of a name, in whatever case.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|group| group.name().eq_ignore_ascii_case(name))
    }
}

/// What there is to know of one test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Why it is on the list.
    pub group: Group,
    /// The worst state now; of the last failures where it passes.
    pub state: State,
    /// Positions of the histories that put it in its group.
    pub affected: Vec<usize>,
    /// The first commit of the failures, or the commit of the fix.
    pub since: CommitKey,
    /// The last commit before that.
    pub before: Option<CommitKey>,
    /// Configurations times [`severity`].
    pub impact: usize,
}

/// The finding on one test: `newest` is the suite's newest commit, `since` is where "new" and "fixed" begin.
pub fn finding(histories: &[History<'_>], newest: CommitKey, since: CommitKey) -> Option<Finding> {
    let verdicts: Vec<Verdict> = histories.iter().map(|history| history.verdict(newest)).collect();
    let (failing, flaky) = (failing(histories, &verdicts, since), flaky(histories, &verdicts));
    let count = |finding: &Option<Finding>| finding.as_ref().map_or(0, |finding| finding.affected.len());
    // What changes often on most of where it fails is flaky everywhere.
    let (first, second) = if count(&failing) > count(&flaky) { (failing, flaky) } else { (flaky, failing) };
    first.or(second).or_else(|| fixed(histories, &verdicts, since))
}

fn failing(histories: &[History<'_>], verdicts: &[Verdict], since: CommitKey) -> Option<Finding> {
    let mut affected = Vec::new();
    let (mut first_failures, mut state) = (Vec::new(), State::PASS);
    for (index, verdict) in verdicts.iter().enumerate() {
        let Verdict::Failing { first_bad, .. } = verdict else { continue };
        affected.push(index);
        first_failures.push(*first_bad);
        state = state.min(histories[index].failed.values().next().copied().unwrap_or(state));
    }
    let passes = affected.iter().flat_map(|index| histories[*index].passes());
    let (first, before) = blame::narrowest(first_failures, passes)?;
    let group = if first >= since && before.is_some() { Group::New } else { Group::Still };
    let impact = affected.len() * severity(state);
    Some(Finding { group, state, affected, since: first, before, impact })
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

fn fixed(histories: &[History<'_>], verdicts: &[Verdict], since: CommitKey) -> Option<Finding> {
    let mut affected = Vec::new();
    let (mut by, mut before, mut state) = (CommitKey::FIRST, None, State::PASS);
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

    const DAY: u64 = schema::seconds::DAY;

    fn day(number: u64) -> CommitKey {
        CommitKey::start_of(number * DAY)
    }

    /// One run a day, oldest first: `.` passed, `T` failed, `C` crashed.
    fn of(rows: &[&str], days: u64) -> Option<Finding> {
        let all: Vec<Vec<CommitKey>> = rows.iter().map(|row| (1..=row.len() as u64).rev().map(day).collect()).collect();
        let histories: Vec<History<'_>> = rows
            .iter()
            .zip(&all)
            .map(|(row, runs)| {
                let newest_first = row.bytes().rev().enumerate();
                let failed = newest_first.filter_map(|(index, run)| match run {
                    b'T' => Some((index, State::at(4))),
                    b'C' => Some((index, State::CRASH)),
                    _ => None,
                });
                History { runs, failed: failed.collect() }
            })
            .collect();
        let newest = all.iter().flatten().max().copied().unwrap_or_default();
        finding(&histories, newest, newest.earlier(days * DAY))
    }

    #[test]
    fn a_regression_is_new_for_a_while_and_then_still_fails() {
        let found = of(&["...TT", "....C"], 3).unwrap();
        assert_eq!((found.group, found.state, found.affected.as_slice()), (Group::New, State::CRASH, &[0, 1][..]));
        // The last pass of any before the first failure of all, on whichever configuration.
        assert_eq!((found.since, found.before, found.impact), (day(4), Some(day(3)), 6));
        assert_eq!(of(&["...TTTTTT"], 3).unwrap().group, Group::Still);
        // Nothing is known of before, so that nothing is known to be new.
        assert_eq!(of(&["TT"], 3).unwrap().group, Group::Still);
    }

    #[test]
    fn two_failures_and_a_pass_are_a_fix_and_one_failure_is_noise() {
        let found = of(&["..TT."], 3).unwrap();
        assert_eq!((found.group, found.since, found.before), (Group::Fixed, day(5), Some(day(4))));
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
