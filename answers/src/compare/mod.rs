//! What changed for a suite between two commits.
//!
//! Data flow: two names of commits ([`ends`]) → on each configuration the newest commit at or before each, and all runs of
//! it ([`sides`]) → what the tests did that failed on one of them, all attempts together → [`analysis::compare::change`],
//! the same change of a test on several configurations together ([`changes`]). Where one configuration is left, the
//! documents of its runs also tell what was added, removed and became slower.

mod changes;
mod ends;
mod sides;
mod table;

use std::collections::{BTreeMap, BTreeSet};

use analysis::compare::details;
pub use analysis::compare::{Change, ComparedState, Details};
use schema::configuration::Configuration;
use schema::ids::CommitKey;
use schema::seconds::WEEK;
use schemars::JsonSchema;
use serde::Serialize;

use crate::ask::RunFilter;
use crate::commit_names::{self, CommitNames};
use crate::error::{AnswerError, invalid};
use crate::store::Store;
use crate::{renames, run_documents, suites};
use changes::{failures, merged};
use ends::{End, end};
use sides::{Side, SideRuns};

/// How far before a commit its run may be, seconds.
const REACH: u64 = 4 * WEEK;
/// Tests answered if the question names no limit, and at most.
const TESTS: u64 = 500;
const MAX_TESTS: u64 = 10_000;

/// What is compared.
#[derive(Debug, Clone, Default)]
pub struct CompareQuestion {
    /// The suite.
    pub suite: String,
    /// The commit before: identifier, revision, beginning of a hash, or key; now if there is none.
    pub before: Option<String>,
    /// The branch of the commit before; that of the filter if there is none.
    pub before_branch: Option<String>,
    /// The commit after; now if there is none.
    pub after: Option<String>,
    /// Whether failures that were expected count, too.
    pub with_expected: bool,
    /// Branch and configurations; its limit is one of tests.
    pub runs: RunFilter,
}

/// A commit that is compared.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ComparedCommit {
    /// Its key.
    pub uuid: CommitKey,
    /// As people name it.
    pub name: String,
}

/// The runs on one side: all runs of one commit on one configuration.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ComparedRun {
    /// The commit.
    pub uuid: CommitKey,
    /// Start of the run that started last, seconds since 1970.
    pub start_time: u32,
    /// How many runs the commit has on this configuration.
    pub runs: usize,
    /// The name of this commit, if nothing ran on the commit that was asked for and this older one stands in.
    pub stands_in: Option<String>,
}

/// A configuration that ran on both sides.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ComparedConfiguration {
    /// The configuration.
    pub configuration: Configuration,
    /// Its runs before.
    pub before: ComparedRun,
    /// Its runs after.
    pub after: ComparedRun,
    /// Whether both sides are the same runs, so that nothing was compared.
    pub same_run: bool,
}

/// One of the two commits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ComparedSide {
    /// The commit before.
    Before,
    /// The commit after.
    After,
}

/// A test that failed on a configuration that ran on one side only.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct UnpairedFailure {
    /// The test.
    pub test: String,
    /// Its worst state.
    pub state: ComparedState,
}

/// A configuration that ran on one side only, so that there is nothing to compare it with.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct UnpairedConfiguration {
    /// The configuration.
    pub configuration: Configuration,
    /// The side on which it ran.
    pub side: ComparedSide,
    /// Its runs there.
    pub run: ComparedRun,
    /// How many tests failed there.
    pub failed: usize,
    /// Those tests, by name, as many as the limit leaves room for.
    pub tests: Vec<UnpairedFailure>,
}

/// One test's change.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ChangedTest {
    /// What changed.
    pub change: Change,
    /// The test.
    pub test: String,
    /// Its worst state before; NOTRUN if it did not run.
    pub before: ComparedState,
    /// Its worst state after; NOTRUN if it did not run.
    pub after: ComparedState,
    /// Positions in the comparison's runs.
    pub runs: Vec<usize>,
    /// All states of its attempts before, the worst first, separated by spaces.
    #[schemars(extend("x-column" = false))]
    pub before_states: String,
    /// The same of its attempts after.
    #[schemars(extend("x-column" = false))]
    pub after_states: String,
}

/// What changed.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Comparison {
    /// The suite.
    pub suite: String,
    /// The commit before.
    pub before: ComparedCommit,
    /// The commit after.
    pub after: ComparedCommit,
    /// Configurations that ran on both sides.
    pub runs: Vec<ComparedConfiguration>,
    /// Configurations that ran only on one side.
    pub unpaired: Vec<UnpairedConfiguration>,
    /// How many tests changed in each way.
    #[schemars(with = "BTreeMap<String, usize>")]
    pub counts: BTreeMap<Change, usize>,
    /// New failures first; the worst and most common first.
    pub tests: Vec<ChangedTest>,
    /// What ran and how long it took, where one configuration is left.
    pub details: Option<Details>,
}

/// What changed between two commits.
pub async fn find(store: &Store, question: &CompareQuestion) -> Result<Comparison, AnswerError> {
    let CompareQuestion { suite, before, before_branch, after, with_expected, runs: filter } = question;
    if before.is_none() && before_branch.is_none() {
        return Err(invalid("Name the commit to compare with as before, or its branch as before_branch"));
    }
    suites::expect(store, suite).await?;
    let (end_before, end_after) = tokio::try_join!(end(store, before.as_deref()), end(store, after.as_deref()))?;
    let filter_before = RunFilter { branch: before_branch.clone().or_else(|| filter.branch.clone()), ..filter.clone() };
    let limit = filter.limit.unwrap_or(TESTS).min(MAX_TESTS) as usize;
    let renames = renames::of_suite(store, suite).await?;
    let (mut old, mut new) = tokio::try_join!(
        Side::until(store, &filter_before, suite, end_before.until, *with_expected, &renames),
        Side::until(store, filter, suite, end_after.until, *with_expected, &renames)
    )?;
    let tests: BTreeSet<String> = old.failed.values().chain(new.failed.values()).flatten().cloned().collect();
    tokio::try_join!(old.read_attempts(store, &tests), new.read_attempts(store, &tests))?;

    let stand_ins = |side: &Side, end: &End| side.runs.values().filter_map(|runs| end.stand_in(runs)).collect();
    let (keys_before, keys_after) = (stand_ins(&old, &end_before), stand_ins(&new, &end_after));
    let (names_before, names_after) = tokio::try_join!(
        commit_names::as_tested(store, suite, filter_before.branch.as_deref(), &keys_before),
        commit_names::as_tested(store, suite, filter.branch.as_deref(), &keys_after)
    )?;
    let (is_before, is_after) = ((&end_before, &names_before), (&end_after, &names_after));
    let run = |(end, names): (&End, &CommitNames), runs: &SideRuns| ComparedRun {
        uuid: runs.commit,
        start_time: runs.start_time(),
        runs: runs.runs.len(),
        stands_in: end.stand_in(runs).map(|key| names.name(key)),
    };

    let common = old.paired_with(&new);
    let pair = |(_, before, after): &(_, &SideRuns, &SideRuns)| ComparedConfiguration {
        configuration: after.configuration.clone(),
        before: run(is_before, before),
        after: run(is_after, after),
        same_run: old.branch == new.branch && before.commit == after.commit,
    };
    let runs = common.iter().map(pair).collect();
    let ids: Vec<_> = common.iter().map(|(id, ..)| *id).collect();
    let (counts, tests) = merged(&old, &new, &ids, limit);
    let details = match common.as_slice() {
        [(_, before, after)] => {
            let before = run_documents::times(store, suite, before.places(), &renames).await?;
            Some(details(&before, &run_documents::times(store, suite, after.places(), &renames).await?))
        }
        _ => None,
    };
    let mut room = limit;
    let mut unpaired = Vec::new();
    for (side, own, other, end) in
        [(ComparedSide::Before, &old, &new, is_before), (ComparedSide::After, &new, &old, is_after)]
    {
        unpaired.extend(own.without(other).map(|(id, runs)| {
            let mut tests = failures(own, id);
            let failed = tests.len();
            tests.truncate(room);
            room -= tests.len();
            let configuration = runs.configuration.clone();
            UnpairedConfiguration { configuration, side, run: run(end, runs), failed, tests }
        }));
    }
    let (before, after) = (end_before.commit.clone(), end_after.commit.clone());
    Ok(Comparison { suite: suite.clone(), before, after, runs, unpaired, counts, tests, details })
}
