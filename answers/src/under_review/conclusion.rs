//! What a check says of a change: in one word, and in a sentence.
//!
//! The rule is that of the gate: what is new, or could not be judged, fails; what the trunk does as well is excused. In
//! between is what nobody can say: the change is neither good nor bad by it.

use std::collections::{BTreeMap, BTreeSet};

use schema::configuration::Configuration;
use schema::markdown::counted;
use schemars::JsonSchema;
use serde::Serialize;

use super::{FailureGroup, ReviewedPlace, ReviewedRun, ReviewedSuite};

/// What a check says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Conclusion {
    /// Nothing that fails is the change's own.
    Success,
    /// A failure is the change's own, or could not be judged.
    Failure,
    /// It cannot be said: too little is known of a failure, it comes and goes, or a run is not complete, or not well.
    Neutral,
}

impl Conclusion {
    /// Its name in answers, which is that of forges.
    pub fn name(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Neutral => "neutral",
        }
    }
}

/// Tests of a change by what is said of them, each counted once, as what is worst of it.
#[derive(Debug, Default)]
struct Counts {
    groups: BTreeMap<FailureGroup, usize>,
    fixed: usize,
    /// Newest runs that lack a part or tests.
    incomplete: usize,
    /// Newest runs with a problem that no test shows: nobody knows what they would have found.
    with_problems: usize,
    /// Suites, and configurations of the others, that nobody looked at.
    left_out: (usize, usize),
}

impl Counts {
    fn of(suites: &[ReviewedSuite], suites_left_out: usize) -> Self {
        let places_left_out = suites.iter().map(|suite| suite.places_left_out).sum();
        let mut counts = Self { left_out: (suites_left_out, places_left_out), ..Self::default() };
        for suite in suites {
            let mut worst: BTreeMap<&str, FailureGroup> = BTreeMap::new();
            for failure in &suite.failures {
                let group = FailureGroup::of(failure);
                worst.entry(&failure.test).and_modify(|known| *known = group.min(*known)).or_insert(group);
            }
            for group in worst.into_values() {
                *counts.groups.entry(group).or_default() += 1;
            }
            counts.fixed += suite.fixed.iter().map(|fixed| &fixed.test).collect::<BTreeSet<_>>().len();
            let newest: Vec<&ReviewedRun> = suite.runs.iter().filter(|run| is_of_newest_commit(suite, run)).collect();
            let lacking = newest.iter().filter(|run| run.missing.is_some());
            let few = suite.places.iter().filter(|place| place.incomplete.is_some());
            counts.incomplete += lacking.count() + few.count();
            // Runs that started last come first: a rerun that is well takes the place of the run that was not.
            let mut seen = BTreeSet::new();
            let last = newest.iter().filter(|run| seen.insert((&run.configuration, run.commit.uuid, run.shard)));
            counts.with_problems += last.filter(|run| !run.problems.is_empty()).count();
        }
        counts
    }

    fn conclusion(&self) -> Conclusion {
        if self.groups.keys().any(|group| group.is_own()) {
            Conclusion::Failure
        } else if self.is_in_doubt() || self.groups.keys().any(|group| group.is_open()) {
            Conclusion::Neutral
        } else {
            Conclusion::Success
        }
    }

    /// Whether more may fail than is known.
    fn is_in_doubt(&self) -> bool {
        self.incomplete > 0 || self.with_problems > 0 || self.left_out != (0, 0)
    }

    fn sentence(&self) -> String {
        let new = self.groups.get(&FailureGroup::New).copied().unwrap_or(0);
        let mut parts = vec![FailureGroup::New.counted(new)];
        let others = self.groups.iter().filter(|(group, _)| **group != FailureGroup::New);
        parts.extend(others.map(|(group, count)| group.counted(*count)));
        if self.fixed > 0 {
            parts.push(format!("{} fixed", self.fixed));
        }
        for (count, what) in [(self.incomplete, "incomplete"), (self.with_problems, "with problems")] {
            if count > 0 {
                parts.push(format!("{} {what}", counted(count as u64, "run")));
            }
        }
        let (suites, places) = self.left_out;
        for (count, what) in [(suites, "suite"), (places, "configuration")] {
            if count > 0 {
                parts.push(format!("{} not looked at", counted(count as u64, what)));
            }
        }
        parts.join(", ")
    }
}

/// Whether a run is of the newest commit that ran on its configuration.
fn is_of_newest_commit(suite: &ReviewedSuite, run: &ReviewedRun) -> bool {
    // Places are told apart by all but the SDK.
    let without_sdk = |configuration: &Configuration| Configuration { sdk: None, ..configuration.clone() };
    let on = without_sdk(&run.configuration);
    let is_newest =
        |place: &ReviewedPlace| place.commit.uuid == run.commit.uuid && without_sdk(&place.configuration) == on;
    suite.places.iter().any(is_newest)
}

/// What a check says of a change, of which so many suites were not looked at.
pub(super) fn of(suites: &[ReviewedSuite], suites_left_out: usize) -> (Conclusion, String) {
    let counts = Counts::of(suites, suites_left_out);
    (counts.conclusion(), counts.sentence())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdicts::Verdict;

    #[test]
    fn only_what_is_known_succeeds() {
        let of = |groups: &[(FailureGroup, usize)], fixed, incomplete| {
            let groups = groups.iter().copied().collect();
            let counts = Counts { groups, fixed, incomplete, ..Counts::default() };
            (counts.conclusion(), counts.sentence())
        };
        let failing = (FailureGroup::Known(Verdict::KnownFailing), 3);
        let mended = (FailureGroup::Mended, 2);
        for (found, conclusion, sentence) in [
            (of(&[], 0, 0), Conclusion::Success, "no new failures"),
            (
                of(&[failing, mended], 1, 0),
                Conclusion::Success,
                "no new failures, 3 known failing, 2 mended by a later commit, 1 fixed",
            ),
            (of(&[failing, (FailureGroup::New, 1)], 0, 0), Conclusion::Failure, "1 new failure, 3 known failing"),
            (of(&[(FailureGroup::Unjudged, 9)], 0, 0), Conclusion::Failure, "no new failures, 9 not judged"),
            (
                of(&[(FailureGroup::Incomplete, 1)], 0, 1),
                Conclusion::Failure,
                "no new failures, 1 in an incomplete run, 1 run incomplete",
            ),
            (
                of(&[(FailureGroup::Unknown, 2), failing], 0, 0),
                Conclusion::Neutral,
                "no new failures, 2 unknown, 3 known failing",
            ),
            (of(&[(FailureGroup::Flaky, 1)], 0, 0), Conclusion::Neutral, "no new failures, 1 flaky in this change"),
            (of(&[(FailureGroup::NotRun, 1)], 0, 0), Conclusion::Neutral, "no new failures, 1 not run again"),
            (of(&[], 0, 2), Conclusion::Neutral, "no new failures, 2 runs incomplete"),
        ] {
            assert_eq!(found, (conclusion, sentence.to_owned()));
        }
    }

    #[test]
    fn what_a_run_that_is_not_well_would_have_found_is_not_known() {
        let counts = Counts { with_problems: 1, ..Counts::default() };
        let told = (counts.conclusion(), counts.sentence());
        assert_eq!(told, (Conclusion::Neutral, "no new failures, 1 run with problems".to_owned()));
        let counts = Counts { incomplete: 1, with_problems: 2, groups: [(FailureGroup::New, 1)].into(), ..counts };
        let told = (counts.conclusion(), counts.sentence());
        let both = "1 new failure, 1 run incomplete, 2 runs with problems".to_owned();
        assert_eq!(told, (Conclusion::Failure, both));
    }

    #[test]
    fn what_nobody_looked_at_is_no_success() {
        let counts = Counts { left_out: (1, 0), ..Counts::default() };
        let told = (counts.conclusion(), counts.sentence());
        assert_eq!(told, (Conclusion::Neutral, "no new failures, 1 suite not looked at".to_owned()));
        let counts = Counts { left_out: (0, 7), groups: [(FailureGroup::New, 1)].into(), ..Counts::default() };
        let told = (counts.conclusion(), counts.sentence());
        assert_eq!(told, (Conclusion::Failure, "1 new failure, 7 configurations not looked at".to_owned()));
    }
}
