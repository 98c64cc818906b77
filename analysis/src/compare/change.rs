//! What is different about a test that failed on one of two commits.

use schemars::JsonSchema;
use serde::Serialize;

use super::Attempts;
use crate::history::Outcome;

/// What changed for a test that failed before, or after, or both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    /// It fails now. Before, it did not fail or did not run.
    New,
    /// It fails in another way.
    Changed,
    /// It both failed and did not fail on one of the commits, so that nothing can be said of a change.
    Flaky,
    /// It failed before and passes now.
    Fixed,
    /// It failed before and did not run now.
    Gone,
    /// It failed before, and fails now as is expected by now.
    Expected,
    /// It fails as before.
    Same,
}

impl Change {
    /// All of them, in the order of a list.
    pub const ALL: [Self; 7] =
        [Self::New, Self::Changed, Self::Flaky, Self::Fixed, Self::Gone, Self::Expected, Self::Same];

    /// Its name in answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Changed => "changed",
            Self::Flaky => "flaky",
            Self::Fixed => "fixed",
            Self::Gone => "gone",
            Self::Expected => "expected",
            Self::Same => "same",
        }
    }
}

/// What changed for a test on one configuration; none if it failed on neither commit.
pub fn change(before: &Attempts, after: &Attempts) -> Option<Change> {
    use Outcome::{Bad, BothWays, Expected, Good};
    match (before.outcome(), after.outcome()) {
        (None | Some(Good | Expected), None | Some(Good | Expected)) => None,
        (Some(Bad | BothWays), None) => Some(Change::Gone),
        (Some(BothWays), _) | (_, Some(BothWays)) => Some(Change::Flaky),
        (_, Some(Good)) => Some(Change::Fixed),
        (_, Some(Expected)) => Some(Change::Expected),
        (Some(Bad), _) if before.state() == after.state() => Some(Change::Same),
        (Some(Bad), _) => Some(Change::Changed),
        _ => Some(Change::New),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use schema::state::States;

    /// The attempts of runs that expected a pass, or what follows a slash.
    fn attempts(runs: &[&str]) -> Attempts {
        let mut joined = Attempts::default();
        for run in runs {
            let (actual, expected) = run.split_once('/').unwrap_or((run, "PASS"));
            joined.add(States::parse(actual), States::parse(expected), false);
        }
        joined
    }

    fn any_attempts() -> impl Strategy<Value = Attempts> {
        let run = prop::sample::select(vec!["PASS", "TEXT", "CRASH", "TEXT/FAIL", "TEXT PASS", "WARNING"]);
        prop::collection::vec(run, 0..3).prop_map(|runs| attempts(&runs))
    }

    #[test]
    fn what_changed_is_what_was_measured() {
        let of = |before: &[&str], after: &[&str]| change(&attempts(before), &attempts(after));
        assert_eq!(of(&["PASS"], &["TEXT"]), Some(Change::New));
        assert_eq!(of(&[], &["TEXT"]), Some(Change::New));
        assert_eq!(of(&["TEXT/FAIL"], &["CRASH"]), Some(Change::New));
        assert_eq!(of(&["TEXT"], &["CRASH"]), Some(Change::Changed));
        assert_eq!(of(&["TEXT"], &["TEXT"]), Some(Change::Same));
        assert_eq!(of(&["TEXT"], &["PASS"]), Some(Change::Fixed));
        // What did not run did not pass, and becoming expected is no fix.
        assert_eq!(of(&["TEXT"], &[]), Some(Change::Gone));
        assert_eq!(of(&["TEXT", "PASS"], &[]), Some(Change::Gone));
        assert_eq!(of(&["TEXT"], &["TEXT/FAIL"]), Some(Change::Expected));
        // A retry that passes does not take the failure back.
        assert_eq!(of(&["TEXT"], &["TEXT", "PASS"]), Some(Change::Flaky));
        assert_eq!(of(&["PASS"], &["TEXT PASS"]), Some(Change::Flaky));
        assert_eq!(of(&["TEXT PASS"], &["PASS"]), Some(Change::Flaky));
        for quiet in [&["PASS"][..], &["WARNING"], &["TEXT/FAIL"], &[]] {
            assert_eq!((of(quiet, &["PASS"]), of(quiet, &[])), (None, None), "{quiet:?}");
        }
    }

    proptest! {
        #[test]
        fn a_commit_compared_with_itself_has_no_news(attempts in any_attempts()) {
            prop_assert!(matches!(change(&attempts, &attempts), None | Some(Change::Same | Change::Flaky)));
        }

        #[test]
        fn what_is_new_one_way_ended_the_other(before in any_attempts(), after in any_attempts()) {
            let (forth, back) = (change(&before, &after), change(&after, &before));
            let ended = matches!(back, Some(Change::Fixed | Change::Gone | Change::Expected));
            prop_assert!(forth != Some(Change::New) || ended);
            prop_assert_eq!(forth == Some(Change::Changed), back == Some(Change::Changed));
            prop_assert_eq!(forth == Some(Change::Same), back == Some(Change::Same));
            prop_assert_eq!(forth.is_none(), back.is_none());
        }

        #[test]
        fn only_what_passed_is_fixed(before in any_attempts(), after in any_attempts()) {
            let is_fixed = change(&before, &after) == Some(Change::Fixed);
            prop_assert!(!is_fixed || ["PASS", "WARNING"].contains(&after.state().name()));
        }
    }
}
