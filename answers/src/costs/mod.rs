//! What flaky tests cost: the runs that they spoilt, and the time that was lost in them, by test, by owner or by week.
//!
//! A test *spoils* a run if it fails unexpectedly in it while it is flaky, whether it passes on a retry or not. The *time lost*
//! is what it took in these runs: all attempts together where the upload lists them, else the time of its result; what nobody
//! measured is nothing. A run that several tests spoilt is one spoilt run of the owner, of the week, and in the total, and the
//! time of each counts. A test of two owners costs each of them all of it. Weeks are those in which runs started.
//!
//! Data flow: the runs that started in the weeks asked about → the histories of the tests that failed last in them, of four weeks
//! at least → the failed runs of these weeks in the segments in which the rule of verdicts calls them flaky ([`spoilt`]) → sums.

pub(crate) mod spoilt;

use std::cmp::Reverse;
use std::collections::BTreeMap;

use rustc_hash::FxHashSet;
use schema::seconds::WEEK;
use schemars::JsonSchema;
use serde::Serialize;

use crate::ask::RunFilter;
use crate::error::AnswerError;
use crate::late_runs::{LateRuns, NEW_DAYS, Weeks};
use crate::search::{Field, Search};
use crate::store::Store;
use crate::table::{self, CellKind, Column, Table, Tabular};
use crate::trends::week_of;
use crate::{owners, suites};
use spoilt::{Run, SpoilingTest, SpoiltRun};

/// What can be asked about the tests that cost something, beside their names.
pub const FIELDS: [Field; 1] = [Field::Owner];
/// Rows answered if the question names no limit, and at most.
const COSTS: u64 = 100;
const MAX_COSTS: u64 = 1000;

/// What costs are summed up by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CostsBy {
    /// The test.
    #[default]
    Test,
    /// The owner of the tests.
    Owner,
    /// The week in which runs started.
    Week,
}

impl CostsBy {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Test, Self::Owner, Self::Week];

    /// Its name in addresses.
    pub fn name(self) -> &'static str {
        match self {
            Self::Test => "test",
            Self::Owner => "owner",
            Self::Week => "week",
        }
    }
}

/// Which costs are asked for.
#[derive(Debug, Clone, Default)]
pub struct CostsQuestion {
    /// The suite; every suite that ran lately on the default branch if there is none.
    pub suite: Option<String>,
    /// How far back runs started, weeks.
    pub weeks: u64,
    /// What they are summed up by.
    pub by: CostsBy,
    /// Which tests.
    pub search: Search,
    /// Branch and configurations; its limit is one of rows.
    pub runs: RunFilter,
}

/// What some tests cost.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Cost {
    /// The suite, by test; none by owner and by week.
    pub suite: Option<String>,
    /// The test.
    pub test: Option<String>,
    /// Who owns the test; by owner, the one. Empty where nobody does.
    pub owners: Vec<String>,
    /// The first second of the week, a Monday in UTC, in seconds since 1970; none by test and by owner.
    pub week: Option<u64>,
    /// Tests that spoilt runs.
    pub tests: u64,
    /// Runs that they spoilt, each once.
    pub spoilt: u64,
    /// What the tests took in these runs, milliseconds.
    pub time_lost: u64,
}

/// What flaky tests cost.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Costs {
    /// The suite; empty for all.
    pub suite: String,
    /// How far back runs are counted, weeks. Tests are judged by four weeks at least.
    pub weeks: u64,
    /// Runs that started since then are counted, seconds since 1970.
    pub since: u64,
    /// What the rows are of.
    pub by: CostsBy,
    /// Configurations that ran in the time asked about, those of each suite; where there is none, nothing is known, and nothing
    /// passed.
    pub configurations: u64,
    /// Whether more tests of a suite failed than are looked at: those that failed last.
    pub is_cut: bool,
    /// Whether there are more rows.
    pub has_more: bool,
    /// All of it together.
    pub total: Cost,
    /// The most time lost first; weeks, the newest first.
    pub costs: Vec<Cost>,
}

/// What flaky tests cost.
///
/// # Errors
/// The store does not answer.
pub async fn find(store: &Store, question: &CostsQuestion) -> Result<Costs, AnswerError> {
    let suites = suites::asked(store, question.suite.as_deref()).await?;
    let since = store.clock.now().saturating_sub(question.weeks.saturating_mul(WEEK));
    let mut sums = Sums::by(question.by);
    let (mut is_cut, mut configurations) = (false, 0);
    for (place, suite) in suites.iter().enumerate() {
        let late = LateRuns::within(store, suite, &question.runs, NEW_DAYS, Weeks::of(question.weeks));
        let (late, owners) = tokio::try_join!(late, owners::of_suite(store, suite))?;
        configurations += late.sessions.asked_configurations();
        if !late.asked.is_empty() {
            let (tests, are_more) = spoilt::of_suite(&late, &owners, &question.search).await?;
            is_cut |= are_more;
            sums.add((place, suite), &tests);
        }
    }
    let limit = question.runs.limit.unwrap_or(COSTS).min(MAX_COSTS) as usize;
    let (total, mut costs) = sums.finish();
    let has_more = costs.len() > limit;
    costs.truncate(limit);
    let suite = question.suite.clone().unwrap_or_default();
    let (weeks, by) = (question.weeks, question.by);
    Ok(Costs { suite, weeks, since, by, configurations, is_cut, has_more, total, costs })
}

/// What a row is of. The owner of tests that nobody owns has no name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Test(String, String, Vec<String>),
    Owner(Option<String>),
    Week(u64),
}

/// What is summed up.
#[derive(Debug, Default)]
struct Sum {
    tests: u64,
    /// Runs with their suite, by place among the suites.
    runs: FxHashSet<(usize, Run)>,
    time_lost: u64,
}

impl Sum {
    /// Adds what one test spoilt.
    fn add<'a>(&mut self, suite: usize, runs: impl IntoIterator<Item = &'a SpoiltRun>) {
        self.tests += 1;
        for spoilt in runs {
            self.runs.insert((suite, spoilt.run));
            self.time_lost += spoilt.time;
        }
    }

    fn cost(&self) -> Cost {
        Cost { tests: self.tests, spoilt: self.runs.len() as u64, time_lost: self.time_lost, ..Cost::default() }
    }
}

/// What the tests of some suites cost.
#[derive(Debug, Default)]
pub(crate) struct Sums {
    by: CostsBy,
    total: Sum,
    rows: BTreeMap<Key, Sum>,
}

impl Sums {
    /// None yet; `by` is what they are summed up by.
    pub(crate) fn by(by: CostsBy) -> Self {
        Self { by, ..Self::default() }
    }

    /// Adds what tests of a suite spoilt, which is named by its place among the suites; each test comes once.
    pub(crate) fn add(&mut self, suite: (usize, &str), tests: &[SpoilingTest]) {
        for spoiling in tests.iter().filter(|test| !test.runs.is_empty()) {
            self.total.add(suite.0, &spoiling.runs);
            for (key, runs) in self.parts(suite.1, spoiling) {
                self.rows.entry(key).or_default().add(suite.0, runs);
            }
        }
    }

    /// The rows that a test counts for, with the runs that do in each.
    fn parts<'a>(&self, suite: &str, spoiling: &'a SpoilingTest) -> Vec<(Key, Vec<&'a SpoiltRun>)> {
        let SpoilingTest { test, owners, runs } = spoiling;
        let all = |key| (key, runs.iter().collect());
        match self.by {
            CostsBy::Test => vec![all(Key::Test(suite.to_owned(), test.clone(), owners.clone()))],
            CostsBy::Owner if owners.is_empty() => vec![all(Key::Owner(None))],
            CostsBy::Owner => owners.iter().cloned().map(|owner| all(Key::Owner(Some(owner)))).collect(),
            CostsBy::Week => {
                let mut weeks: BTreeMap<u64, Vec<&SpoiltRun>> = BTreeMap::new();
                for run in runs {
                    weeks.entry(week_of(u64::from(run.start_time()))).or_default().push(run);
                }
                weeks.into_iter().map(|(week, runs)| (Key::Week(week), runs)).collect()
            }
        }
    }

    /// The total, and the rows in their order.
    pub(crate) fn finish(self) -> (Cost, Vec<Cost>) {
        let row = |(key, sum): (Key, Sum)| match key {
            Key::Test(suite, test, owners) => Cost { suite: Some(suite), test: Some(test), owners, ..sum.cost() },
            Key::Owner(owner) => Cost { owners: owner.into_iter().collect(), ..sum.cost() },
            Key::Week(week) => Cost { week: Some(week), ..sum.cost() },
        };
        let total = self.total.cost();
        let mut costs: Vec<Cost> = self.rows.into_iter().map(row).collect();
        // What costs the same keeps the order of names.
        costs.sort_by_key(|cost| Reverse((cost.week, cost.time_lost, cost.spoilt)));
        (total, costs)
    }
}

impl Tabular for Costs {
    /// Owners are one text, with spaces between them.
    fn table(&self) -> Result<Table, AnswerError> {
        let mut table = table::of_rows(&self.costs)?;
        table.columns.push(Column::new("owners", CellKind::Text));
        for (row, cost) in table.rows.iter_mut().zip(&self.costs) {
            row.push(cost.owners.join(" ").into());
        }
        Ok(table)
    }

    fn is_cut(&self) -> bool {
        self.is_cut || self.has_more
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use schema::ids::{CommitKey, ConfigId};

    use super::*;

    /// 2026-11-23, a Monday.
    const MONDAY: u64 = 1_795_392_000;

    fn spoilt(configuration: u64, start: u64, time: u64) -> SpoiltRun {
        let start = u32::try_from(start).unwrap_or(u32::MAX);
        SpoiltRun { run: (ConfigId(configuration), CommitKey(1), start), time }
    }

    fn test(name: &str, owners: &[&str], runs: &[SpoiltRun]) -> SpoilingTest {
        let owners = owners.iter().map(|owner| (*owner).to_owned()).collect();
        SpoilingTest { test: name.to_owned(), owners, runs: runs.to_vec() }
    }

    fn sums(by: CostsBy, tests: &[SpoilingTest]) -> (Cost, Vec<Cost>) {
        let mut sums = Sums::by(by);
        sums.add((0, "s"), tests);
        sums.finish()
    }

    #[test]
    fn a_run_that_two_tests_spoilt_is_one_and_the_time_of_each_counts() {
        let (first, second) = (spoilt(1, MONDAY, 10), spoilt(1, MONDAY + WEEK, 5));
        let tests =
            [test("a", &["@x", "@y"], &[first, second]), test("b", &["@x"], &[first]), test("c", &[], &[second])];
        let told = |by| {
            let (total, rows) = sums(by, &tests);
            assert_eq!((total.tests, total.spoilt, total.time_lost), (3, 2, 30));
            rows.into_iter()
                .map(|row| (row.test, row.owners.join(" "), row.week, row.tests, row.spoilt, row.time_lost))
                .collect::<Vec<_>>()
        };
        let of_test =
            |name: &str, owners: &str, spoilt, lost| (Some(name.to_owned()), owners.to_owned(), None, 1, spoilt, lost);
        assert_eq!(
            told(CostsBy::Test),
            [of_test("a", "@x @y", 2, 15), of_test("b", "@x", 1, 10), of_test("c", "", 1, 5)]
        );
        let of_owner = |name: &str, tests, spoilt, lost| (None, name.to_owned(), None, tests, spoilt, lost);
        assert_eq!(told(CostsBy::Owner), [of_owner("@x", 2, 2, 25), of_owner("@y", 1, 2, 15), of_owner("", 1, 1, 5)]);
        let of_week = |week, tests, spoilt, lost| (None, String::new(), Some(week), tests, spoilt, lost);
        assert_eq!(told(CostsBy::Week), [of_week(MONDAY + WEEK, 2, 1, 10), of_week(MONDAY, 2, 1, 20)]);
    }

    proptest! {
        #[test]
        fn no_run_and_no_time_is_lost(runs in prop::collection::vec((0_u64..3, 0..4 * WEEK, 0_u64..100), 0..40)) {
            let runs: Vec<SpoiltRun> =
                runs.iter().map(|(place, start, time)| spoilt(*place, MONDAY + start, *time)).collect();
            let tests = [test("a", &["@x"], &runs)];
            for by in CostsBy::ALL {
                let (total, rows) = sums(by, &tests);
                prop_assert_eq!(rows.iter().map(|row| row.time_lost).sum::<u64>(), total.time_lost);
                prop_assert_eq!(rows.iter().map(|row| row.spoilt).sum::<u64>(), total.spoilt);
                prop_assert_eq!(total.time_lost, runs.iter().map(|run| run.time).sum::<u64>());
            }
        }
    }
}
