//! Tests that came lately: how flaky they are, how slow, and how many more runs would tell.
//!
//! Data flow: the lists of tests that the runs of half a year share, each with the first run that had it → for each test the
//! first run of all that had it, under whatever name → those that came within the days asked about → their histories, the
//! rule of verdicts, and [`analysis::reruns`]. A test that was gone for longer than half a year is new when it comes back. The
//! tests with which a suite began, or with which a configuration was added, are not new.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use analysis::history::{Cell, Outcome};
pub use analysis::judge::Standing;
use analysis::reruns::reruns;
use analysis::rules::RULE;
use rustc_hash::{FxHashMap, FxHashSet};
use schema::configuration::Configuration;
use schema::ids::{CommitKey, ConfigId, TestId};
use schema::outcomes::roster::{RosterId, WholeRoster};
use schema::seconds::{DAY, WEEK};
use schemars::JsonSchema;
use serde::Serialize;

use crate::ask::RunFilter;
use crate::changes::{NamedCommit, named};
use crate::commit_names::{self, CommitNames};
use crate::error::AnswerError;
use crate::histories::Histories;
use crate::late_runs::{LateRuns, NEW_DAYS, Weeks};
use crate::reads::new_tests::{self as reads, FirstRun};
use crate::reads::selection::Selection;
use crate::renames::{self, Renames};
use crate::store::Store;
use crate::table::{self, Table, Tabular};
use crate::{run_outcomes, suites, test_names};

/// Days within which a test is new: without a choice, and at most.
pub const DEFAULT_DAYS: u64 = 14;
/// See [`DEFAULT_DAYS`].
pub const MAX_DAYS: u64 = 56;
/// Whether a test was there before is looked for in the runs of so many weeks.
pub const LOOKED_BACK_WEEKS: u64 = 26;
/// Tests answered if the question names no limit, and at most.
const TESTS: u64 = 100;
const MAX_TESTS: u64 = 1000;
/// Begins the results that stand for a run itself, which are no tests of a suite.
pub(crate) const RUN_RESULTS: &str = "(run)";

/// Which tests are asked for.
#[derive(Debug, Clone)]
pub struct NewTestsQuestion {
    /// The suite; every suite that ran lately on the default branch if there is none.
    pub suite: Option<String>,
    /// How long ago a new test came at most, days.
    pub days: u64,
    /// Branch and configurations; its limit is one of tests.
    pub runs: RunFilter,
}

/// A test that came lately.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct NewTest {
    /// The suite.
    pub suite: String,
    /// The test.
    pub test: String,
    /// How it is doing: as on the configuration on which it does worst.
    pub standing: Standing,
    /// Its runs.
    pub runs: u32,
    /// Those that failed unexpectedly.
    pub failed: u32,
    /// Commits on which it failed and passed.
    pub both_ways: u32,
    /// How many more runs without a failure say with 95 % confidence that it fails in less than 5 % of them; nothing where
    /// it fails or is flaky, or where no number that anybody runs would say so.
    pub reruns: Option<u32>,
    /// The median of what it takes, milliseconds; nothing where it was never timed.
    pub median: Option<u32>,
    /// On how many configurations it ran.
    pub configurations: u32,
    /// Start of the first run that had it, seconds since 1970.
    pub first_start: u32,
    /// The commit of that run.
    pub first_commit: NamedCommit,
    /// The configuration of that run.
    #[schemars(extend("x-column" = false))]
    pub first_configuration: Option<Configuration>,
}

/// Tests that came lately.
#[derive(Debug, Serialize, JsonSchema)]
pub struct NewTests {
    /// The suite; empty for all.
    pub suite: String,
    /// How long ago a new test came at most, days.
    pub days: u64,
    /// A test is new if no run within so many weeks had it before.
    pub weeks: u64,
    /// The version of the rule of verdicts.
    pub rule: &'static str,
    /// Configurations that ran within these days, those of each suite; where there is none, nothing is known.
    pub configurations: u64,
    /// Suites of which runs do not say which tests they had, because an earlier version stored them: nothing is known of
    /// their new tests until `runs` and `rosters` are rebuilt.
    pub unknown: Vec<String>,
    /// Whether there are more tests than the list has.
    pub is_cut: bool,
    /// What came last first.
    pub tests: Vec<NewTest>,
}

/// The tests that came lately.
///
/// # Errors
/// The store does not answer.
pub async fn find(store: &Store, question: &NewTestsQuestion) -> Result<NewTests, AnswerError> {
    let NewTestsQuestion { suite, days, runs } = question;
    let limit = runs.limit.unwrap_or(TESTS).min(MAX_TESTS) as usize;
    let asked = suites::asked(store, suite.as_deref()).await?;
    let mut found = NewTests {
        suite: suite.clone().unwrap_or_default(),
        days: *days,
        weeks: LOOKED_BACK_WEEKS,
        rule: RULE,
        configurations: 0,
        unknown: Vec::new(),
        is_cut: false,
        tests: Vec::new(),
    };
    for suite in asked {
        let (configurations, came) = came(store, &suite, question).await?;
        found.configurations += configurations;
        let Some(mut came) = came else {
            found.unknown.push(suite);
            continue;
        };
        found.is_cut |= came.len() > limit;
        came.truncate(limit);
        found.tests.extend(described(store, &suite, question, came).await?);
    }
    found.tests.sort_by(|one, other| {
        let key = |test: &NewTest| (std::cmp::Reverse(test.first_start), test.suite.clone(), test.test.clone());
        key(one).cmp(&key(other))
    });
    found.is_cut |= found.tests.len() > limit;
    found.tests.truncate(limit);
    Ok(found)
}

/// A test, and the first run that had it.
type Came = (String, FirstRun);

/// How many configurations of a suite ran within the days asked about, and the tests that came in them, what came last first; none
/// if runs do not say which tests they had.
async fn came(
    store: &Store,
    suite: &str,
    question: &NewTestsQuestion,
) -> Result<(u64, Option<Vec<Came>>), AnswerError> {
    // A configuration that was given up said which tests there are, too.
    let filter = RunFilter { recent: false, ..question.runs.clone() };
    let selection = Selection::started_within(store, suite, &filter, LOOKED_BACK_WEEKS, u64::MAX).await?;
    if selection.is_empty() {
        return Ok((0, Some(Vec::new())));
    }
    let since = store.clock.now().saturating_sub(question.days.saturating_mul(DAY));
    let mut runs = reads::rosters(store, suite, &selection).await?;
    let late = runs.iter().filter(|run| u64::from(run.last_start) >= since);
    let ran = late.map(|run| run.config_id).collect::<FxHashSet<_>>().len() as u64;
    if runs.iter().any(|run| run.roster == RosterId::NONE) {
        return Ok((ran, None));
    }
    runs.reverse();
    let ids: BTreeSet<RosterId> = runs.iter().map(|run| run.roster).collect();
    let rosters = run_outcomes::rosters(store, &ids).await?;
    let renames = renames::of_suite(store, suite).await?;
    let new = first_runs(&runs, &rosters, &renames, since);
    let names = test_names::by_id(store, suite, new.keys().copied()).await?;
    let named = |(test, run): (TestId, FirstRun)| Some((names.get(test)?.to_string(), run));
    let mut came: Vec<Came> = new.into_iter().filter_map(named).collect();
    came.retain(|(test, _)| !test.starts_with(RUN_RESULTS));
    came.sort_by(|(one, first), (other, second)| (second.first_start, one).cmp(&(first.first_start, other)));
    Ok((ran, Some(came)))
}

/// The first run of each test that came since a time, seconds since 1970, but for those with which a configuration began: it
/// is not known whether they were there before. The runs are in the order of their starts.
fn first_runs(
    runs: &[FirstRun],
    rosters: &HashMap<RosterId, Arc<WholeRoster>>,
    renames: &Renames,
    since: u64,
) -> FxHashMap<TestId, FirstRun> {
    let mut beginnings: FxHashMap<ConfigId, CommitKey> = FxHashMap::default();
    for run in runs {
        beginnings.entry(run.config_id).or_insert(run.first_commit);
    }
    let is_new = |run: &FirstRun| {
        u64::from(run.first_start) >= since && beginnings.get(&run.config_id) != Some(&run.first_commit)
    };
    let (mut seen, mut known, mut new) = (FxHashSet::default(), FxHashSet::default(), FxHashMap::default());
    for run in runs {
        let Some(roster) = rosters.get(&run.roster) else { continue };
        // Lists share all parts but a few.
        for part in roster.tests.iter().filter(|part| seen.insert(Arc::as_ptr(part).cast::<u64>())) {
            for test in part.iter().map(|test| renames.current_id(TestId(*test), run.first_start)) {
                if known.insert(test) && is_new(run) {
                    new.insert(test, *run);
                }
            }
        }
    }
    new
}

/// What is known of tests that came lately.
async fn described(
    store: &Store,
    suite: &str,
    question: &NewTestsQuestion,
    came: Vec<Came>,
) -> Result<Vec<NewTest>, AnswerError> {
    if came.is_empty() {
        return Ok(Vec::new());
    }
    let weeks = question.days.div_ceil(WEEK / DAY);
    let late = LateRuns::within(store, suite, &question.runs, NEW_DAYS, Weeks::of(weeks)).await?;
    let ids: BTreeSet<TestId> = came.iter().map(|(test, _)| TestId::of(suite, test)).collect();
    let histories = late.histories(&ids).await?;
    let medians: HashMap<TestId, u32> = match late.asked.is_empty() {
        true => HashMap::new(),
        false => {
            let rows = reads::medians(store, suite, &late.asked, ids.iter().copied()).await?;
            rows.into_iter().map(|row| (row.test_id, row.median)).collect()
        }
    };
    let commits = came.iter().map(|(_, run)| run.first_commit).collect();
    let names = commit_names::as_tested(store, suite, question.runs.branch.as_deref(), &commits).await?;
    let test = |(test, run): Came| {
        let median = medians.get(&TestId::of(suite, &test)).copied();
        one(&late, &histories, &names, test, &run, median)
    };
    Ok(came.into_iter().map(test).collect())
}

fn one(
    late: &LateRuns<'_>,
    histories: &Histories,
    names: &CommitNames,
    test: String,
    run: &FirstRun,
    median: Option<u32>,
) -> NewTest {
    let id = TestId::of(late.suite, &test);
    let of_test = histories.asked(id);
    let cells: Vec<Cell> = of_test.iter().flat_map(|(_, cells)| cells.iter()).copied().collect();
    let count = |part: fn(&Cell) -> u32| cells.iter().map(part).sum::<u32>();
    let (runs, failed) = (count(|cell| cell.runs), count(|cell| cell.failed));
    let standing = worst(late.judged(histories, id).into_values().map(|judgement| judgement.standing));
    let is_settled = standing.is_failing() || standing == Standing::Flaky;
    NewTest {
        suite: late.suite.to_owned(),
        test,
        standing,
        runs,
        failed,
        both_ways: count(|cell| u32::from(cell.outcome() == Some(Outcome::BothWays))),
        reruns: if is_settled { None } else { reruns(runs, failed) },
        median,
        configurations: of_test.len() as u32,
        first_start: run.first_start,
        first_commit: named(run.first_commit, names),
        first_configuration: late.configuration(run.config_id).cloned(),
    }
}

/// The standing on the configuration on which a test does worst.
fn worst(standings: impl Iterator<Item = Standing>) -> Standing {
    let rank = |standing: &Standing| (!standing.is_failing(), *standing != Standing::Flaky, *standing);
    standings.min_by_key(rank).unwrap_or(Standing::NotRunLately)
}

impl Tabular for NewTests {
    fn table(&self) -> Result<Table, AnswerError> {
        table::of_rows(&self.tests)
    }

    fn is_cut(&self) -> bool {
        self.is_cut
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn run(configuration: u64, roster: u128, start: u32) -> FirstRun {
        let (roster, first_commit) = (RosterId(roster), CommitKey(start.into()));
        FirstRun { roster, first_start: start, last_start: start, first_commit, config_id: ConfigId(configuration) }
    }

    fn roster(tests: &[u64]) -> Arc<WholeRoster> {
        Arc::new(WholeRoster { tests: vec![tests.into()], expectations: Vec::new() })
    }

    #[test]
    fn tests_are_new_that_no_run_had_before() {
        let rosters = HashMap::from([
            (RosterId(1), roster(&[1, 2])),
            (RosterId(2), roster(&[1, 2, 3])),
            (RosterId(3), roster(&[1, 4])),
            (RosterId(4), roster(&[1, 2, 3, 4, 6])),
            (RosterId(5), roster(&[1, 5])),
        ]);
        let runs = [run(1, 1, 100), run(1, 2, 200), run(1, 3, 300), run(2, 5, 350), run(2, 4, 400)];
        let new = |since| {
            let new = first_runs(&runs, &rosters, &Renames::default(), since);
            let found: BTreeMap<u64, u32> = new.into_iter().map(|(test, run)| (test.0, run.first_start)).collect();
            found
        };
        assert_eq!(new(250), BTreeMap::from([(4, 300), (6, 400)]));
        let all = BTreeMap::from([(3, 200), (4, 300), (6, 400)]);
        assert_eq!((new(150), new(0)), (all.clone(), all), "the first tests of a configuration are not new");
    }

    #[test]
    fn what_fails_on_one_configuration_fails() {
        let worst = |standings: &[Standing]| worst(standings.iter().copied());
        assert_eq!(worst(&[Standing::Passing, Standing::Failing, Standing::Flaky]), Standing::Failing);
        assert_eq!(worst(&[Standing::Fixed, Standing::Flaky, Standing::Passing]), Standing::Flaky);
        assert_eq!(worst(&[]), Standing::NotRunLately);
    }
}
