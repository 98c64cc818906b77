//! How good the verdicts were: what the branch showed after they were given.

use std::collections::{BTreeMap, BTreeSet};

use analysis::history::{Cell, Outcome};
use analysis::rules::RULE;
use schema::ids::TestId;
use schema::seconds::WEEK;
use schemars::JsonSchema;
use serde::Serialize;

use crate::ask::RunFilter;
use crate::error::AnswerError;
use crate::late_runs::{LateRuns, NEW_DAYS};
use crate::reads::verdicts::{self as log, GivenVerdict};
use crate::store::Store;

/// What the branch showed within this time after a verdict grades it, seconds.
const GRADED_BY: u64 = WEEK;
/// Failures one after the other that are no flakiness.
const HARD: usize = 3;

/// Which verdicts are graded.
#[derive(Debug, Clone, Default)]
pub struct QualityQuestion {
    /// Those given within so many weeks.
    pub weeks: u64,
}

/// How verdicts of one kind turned out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Grades {
    /// How many were given.
    pub given: u64,
    /// The branch went on as the verdict said.
    pub held: u64,
    /// The branch showed otherwise.
    pub refuted: u64,
    /// The branch has not run the test since, or says nothing about it.
    pub open: u64,
}

/// How the verdicts of some weeks turned out.
#[derive(Debug, Serialize, JsonSchema)]
pub struct VerdictQuality {
    /// The version of the rule that is in use.
    pub rule: &'static str,
    /// How far back, weeks.
    pub weeks: u64,
    /// Grades by verdict.
    #[schemars(with = "BTreeMap<String, Grades>")]
    pub verdicts: BTreeMap<String, Grades>,
}

/// Grades the verdicts that were given.
pub async fn find(store: &Store, question: &QualityQuestion) -> Result<VerdictQuality, AnswerError> {
    let since = store.clock.now().saturating_sub(question.weeks.saturating_mul(WEEK));
    let mut suites: BTreeMap<(String, String), Vec<GivenVerdict>> = BTreeMap::new();
    for given in log::since(store, since).await? {
        suites.entry((given.suite.clone(), given.branch.clone())).or_default().push(given);
    }
    let mut verdicts: BTreeMap<String, Grades> = BTreeMap::new();
    for ((suite, branch), given) in suites {
        let filter = RunFilter { branch: Some(branch), recent: false, ..RunFilter::default() };
        let late = LateRuns::within(store, &suite, &filter, NEW_DAYS, question.weeks + 1).await?;
        // A test that was renamed since goes on under its new name.
        let test_of = |one: &GivenVerdict| late.renames.current_id(TestId::of(&suite, &one.test), one.asked_at);
        let ids: BTreeSet<TestId> = given.iter().map(test_of).collect();
        let histories = late.histories(&ids).await?;
        for one in given {
            let of_test = histories.of(test_of(&one));
            let cells = of_test.iter().flat_map(|(_, cells)| cells.history().cells.iter().copied());
            let asked_at = one.asked_at;
            let until = u64::from(asked_at) + GRADED_BY;
            let mut after: Vec<Cell> =
                cells.filter(|cell| cell.first_start > asked_at && u64::from(cell.first_start) <= until).collect();
            after.sort_by_key(|cell| cell.first_start);
            let grades = verdicts.entry(one.verdict.clone()).or_default();
            grades.given += 1;
            match grade(&one.verdict, &after) {
                None => grades.open += 1,
                Some(true) => grades.held += 1,
                Some(false) => grades.refuted += 1,
            }
        }
    }
    Ok(VerdictQuality { rule: RULE, weeks: question.weeks, verdicts })
}

/// Whether what the branch did after a verdict was as the verdict said; none if that does not tell.
fn grade(verdict: &str, after: &[Cell]) -> Option<bool> {
    let outcomes: Vec<Outcome> = after.iter().filter_map(Cell::outcome).collect();
    let failed = after.iter().filter(|cell| cell.failed > 0).count();
    if outcomes.is_empty() {
        return None;
    }
    match verdict {
        // The branch was said to fail: it has to fail once more at least.
        "known-failing" => Some(failed > 0),
        // The branch was said to be flaky: nothing but failures is no flakiness.
        "known-flaky" => {
            let is_hard = outcomes.len() >= HARD && outcomes.iter().all(|outcome| *outcome == Outcome::Bad);
            Some(!is_hard)
        }
        // The branch was said not to fail so: a failure on it, without the change, shows that it does.
        "new" => Some(failed == 0),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use schema::ids::CommitKey;

    use super::*;

    fn graded(verdict: &str, after: &str) -> Option<bool> {
        let cell = |(index, letter): (usize, u8)| {
            let failed = u32::from(letter == b'F');
            Cell { failed, unrecovered: failed, ..Cell::passed(CommitKey(index as u64), index as u32, index as u32) }
        };
        grade(verdict, &after.bytes().enumerate().map(cell).collect::<Vec<_>>())
    }

    #[test]
    fn the_branch_grades_verdicts() {
        assert_eq!((graded("new", "PPP"), graded("new", "PF")), (Some(true), Some(false)));
        assert_eq!((graded("known-failing", "FP"), graded("known-failing", "PP")), (Some(true), Some(false)));
        assert_eq!((graded("known-flaky", "PFP"), graded("known-flaky", "FFF")), (Some(true), Some(false)));
        assert_eq!((graded("new", ""), graded("unknown", "F")), (None, None));
    }
}
