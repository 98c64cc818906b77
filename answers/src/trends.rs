//! How a suite, or a test of it, did over weeks: runs, failures, durations and flakiness by the start of runs, and the
//! change points among them.
//!
//! Data flow: the runs that started in the weeks asked about → counts of each day, which make those of each week, and percentiles of each week
//! ([`crate::reads::trends`], [`crate::reads::durations`]) → the histories of the tests that failed: the cells in which they
//! were flaky, by week, and their changes ([`crate::changes`]).

use std::collections::{BTreeMap, BTreeSet};

use analysis::history::Cell;
use analysis::parallel;
use analysis::rules::RULE;
use schema::ids::TestId;
use schema::seconds::monday;
use schemars::JsonSchema;
use serde::Serialize;

use crate::ask::RunFilter;
use crate::changes::{self, Kind, MAX_CANDIDATES, Meant, NamedCommit, SuiteChange};
use crate::error::AnswerError;
use crate::histories::{Histories, JudgedTest};
use crate::late_runs::{Among, LateRuns, NEW_DAYS, Weeks};
use crate::reads::durations::WeekDurations;
use crate::reads::trends::DayCounts;
use crate::reads::{durations, trends};
use crate::search::Search;
use crate::store::Store;
use crate::suites;
use crate::table::{self, Table, Tabular};

/// Change points answered if the question names no limit, and at most.
pub const CHANGES: u64 = 100;
const MAX_CHANGES: u64 = 1000;

/// What is asked for.
#[derive(Debug, Clone, Default)]
pub struct TrendsQuestion {
    /// The suite.
    pub suite: String,
    /// The test; none for the suite as a whole.
    pub test: Option<String>,
    /// How far back runs started, weeks.
    pub weeks: u64,
    /// Branch and configurations; its limit is one of change points.
    pub runs: RunFilter,
}

/// How long a part of the time is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PartLength {
    /// A day in UTC.
    Day,
    /// A week that begins on a Monday in UTC.
    Week,
}

/// The runs that started in a part of the time. What is counted by weeks alone is nothing for a day.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct TrendPart {
    /// How long the part is. The first and the last one may lie outside of the time asked about for some of their length.
    pub part: PartLength,
    /// Its first second, seconds since 1970.
    pub from: u64,
    /// Runs; of a test, those in which it ran.
    pub runs: u64,
    /// Of these, runs that broke as a whole. Their results are not counted.
    pub broken: u64,
    /// Results in the other runs.
    pub results: u64,
    /// Of these, results that failed unexpectedly.
    pub unexpected: u64,
    /// Their share; none without results.
    #[schemars(range(min = 0, max = 1))]
    pub rate: Option<f64>,
    /// Runs in which a time was measured: that of the whole run, or of the test.
    pub timed: Option<u64>,
    /// The median of these times, milliseconds.
    pub p50: Option<u32>,
    /// The 90th percentile, milliseconds.
    pub p90: Option<u32>,
    /// The 99th percentile, milliseconds.
    pub p99: Option<u32>,
    /// Tests that failed unexpectedly while they were flaky.
    pub flaky: Option<u64>,
    /// Results that failed unexpectedly while their test was flaky.
    pub spoilt: Option<u64>,
    /// Of a test, the share of these among its results; none without results, and for a suite.
    #[schemars(range(min = 0, max = 1))]
    pub spoilt_rate: Option<f64>,
}

/// A commit at which something changed. The first one with the new behaviour lies after `after`, up to and including `until`.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct TrendChange {
    /// The same as in the answer about changes.
    pub id: String,
    /// What it did.
    pub kind: Kind,
    /// When the commit `until` was made, seconds since 1970.
    pub time: u64,
    /// The newest commit with the old behaviour, with 99 % confidence; none if that is not known.
    pub after: Option<NamedCommit>,
    /// The oldest commit that has the new behaviour for sure.
    pub until: NamedCommit,
    /// Tests that changed.
    pub tests: u64,
    /// Configurations on which they did.
    pub configurations: u64,
    /// Whether a test still behaves so.
    pub open: bool,
}

/// How a suite, or a test, did.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Trends {
    /// The suite.
    pub suite: String,
    /// The test.
    pub test: Option<String>,
    /// How far back runs are counted, weeks. Tests are judged by four weeks at least.
    pub weeks: u64,
    /// The time asked about begins here, seconds since 1970.
    pub since: u64,
    /// It ends here: now, or at the newest run where the clock of who ran it is ahead, by a day at most.
    pub until: u64,
    /// The version of the rule that says what is flaky and what changed.
    pub rule: &'static str,
    /// Whether more tests failed than are looked at for flakiness and change points: those that failed last.
    pub is_cut: bool,
    /// Whether there are older change points.
    pub has_more_changes: bool,
    /// Days on which something ran, oldest first.
    pub by_day: Vec<TrendPart>,
    /// Weeks in which something ran, oldest first.
    pub by_week: Vec<TrendPart>,
    /// Change points, newest first.
    pub changes: Vec<TrendChange>,
}

/// How a suite, or a test, did.
///
/// # Errors
/// The store does not answer.
pub async fn find(store: &Store, question: &TrendsQuestion) -> Result<Trends, AnswerError> {
    let TrendsQuestion { suite, test, weeks, runs } = question;
    suites::expect(store, suite).await?;
    let late = LateRuns::within(store, suite, runs, NEW_DAYS, Weeks::of(*weeks)).await?;
    let started = late.asked.bounds.started;
    let mut answer = Trends {
        suite: suite.clone(),
        test: test.clone(),
        weeks: *weeks,
        since: started.after.map_or(0, u64::from),
        until: late.sessions.newest_start().max(store.clock.now()),
        rule: RULE,
        is_cut: false,
        has_more_changes: false,
        by_day: Vec::new(),
        by_week: Vec::new(),
        changes: Vec::new(),
    };
    if late.asked.is_empty() {
        return Ok(answer);
    }
    let tenures = test.as_ref().map(|test| late.renames.tenures(TestId::of(suite, test)));
    let (days, times, looked_at) = tokio::try_join!(
        trends::by_day(store, suite, tenures.as_deref(), &late.asked),
        durations::by_week(store, suite, tenures.as_deref(), &late.asked),
        look_at(&late, test.as_deref())
    )?;
    let LookedAt { tests, histories, judged, is_cut } = looked_at;
    let flakiness = Flakiness::of(&late, &histories, &judged, test.is_some());
    answer.is_cut = is_cut;
    answer.by_day = days.iter().map(|counts| part(PartLength::Day, counts)).collect();
    answer.by_week = by_week(&days, &times, &flakiness, test.is_some());
    let limit = runs.limit.unwrap_or(CHANGES).min(MAX_CHANGES) as usize;
    let (kinds, search) = (&[][..], &Search::default());
    let all = Meant { kinds, search };
    let mut found = changes::of_histories(&late, tests, &histories, &all, limit + 1).await?.changes;
    answer.has_more_changes = found.len() > limit;
    found.truncate(limit);
    answer.changes = found.into_iter().map(change).collect();
    Ok(answer)
}

/// Tests whose histories are looked at.
struct LookedAt {
    /// Their names.
    tests: Vec<String>,
    histories: Histories,
    /// The verdicts on them.
    judged: Vec<JudgedTest>,
    /// Whether more tests failed.
    is_cut: bool,
}

/// The test, or those of the suite that failed last.
async fn look_at(late: &LateRuns<'_>, test: Option<&str>) -> Result<LookedAt, AnswerError> {
    let (tests, is_cut) = match test {
        Some(test) => (vec![test.to_owned()], false),
        None => late.meant_candidates(Among::Judged, MAX_CANDIDATES, |_| true).await?,
    };
    let ids: BTreeSet<TestId> = tests.iter().map(|test| TestId::of(late.suite, test)).collect();
    let (histories, judged) = late.judged_histories(&ids).await?;
    Ok(LookedAt { tests, histories, judged, is_cut })
}

/// What was spoilt by chance, by the first second of each week.
#[derive(Debug, Default)]
struct Flakiness(BTreeMap<u64, WeekFlakiness>);

/// What was spoilt by chance in a week.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct WeekFlakiness {
    /// Tests that failed unexpectedly while they were flaky.
    tests: u64,
    /// Results that did.
    spoilt: u64,
    /// Results of the one test that is asked about.
    results: u64,
}

impl Flakiness {
    /// From the cells of flaky segments. Where the results of one test are asked for, those of all its cells are counted.
    fn of(late: &LateRuns<'_>, histories: &Histories, judged: &[JudgedTest], with_results: bool) -> Self {
        let mut weeks: BTreeMap<u64, WeekFlakiness> = BTreeMap::new();
        let spoilt_by = |one: &JudgedTest| {
            let mut spoilt: BTreeMap<u64, u64> = BTreeMap::new();
            for (id, judgement) in &one.places {
                let stretches = histories.flaky_stretches(one.test, *id, judgement, &late.question.rules);
                for cell in stretches.iter().flatten().filter(|cell| cell.failed > 0) {
                    *spoilt.entry(week(cell)).or_default() += u64::from(cell.failed);
                }
            }
            spoilt
        };
        for (week, spoilt) in parallel::map(judged, spoilt_by).into_iter().flatten() {
            let of_week = weeks.entry(week).or_default();
            of_week.tests += 1;
            of_week.spoilt += spoilt;
        }
        for one in judged.iter().filter(|_| with_results) {
            for (_, cells) in histories.asked(one.test) {
                for cell in cells.iter() {
                    weeks.entry(week(cell)).or_default().results += u64::from(cell.runs);
                }
            }
        }
        Self(weeks)
    }
}

/// The first second of the week in which the runs of a cell started.
fn week(cell: &Cell) -> u64 {
    week_of(u64::from(cell.last_start))
}

/// The first second of the week of a time, both in seconds since 1970.
pub(crate) fn week_of(time: u64) -> u64 {
    u64::try_from(monday(i64::try_from(time).unwrap_or(i64::MAX))).unwrap_or(0)
}

fn share(part: u64, all: u64) -> Option<f64> {
    (all > 0).then(|| part as f64 / all as f64)
}

fn part(length: PartLength, counts: &DayCounts) -> TrendPart {
    let DayCounts { from, runs, broken, results, unexpected } = *counts;
    TrendPart {
        part: length,
        from,
        runs,
        broken,
        results,
        unexpected,
        rate: share(unexpected, results),
        timed: None,
        p50: None,
        p90: None,
        p99: None,
        flaky: None,
        spoilt: None,
        spoilt_rate: None,
    }
}

/// The weeks of some days, with what is known of each week.
fn by_week(days: &[DayCounts], times: &[WeekDurations], flakiness: &Flakiness, of_test: bool) -> Vec<TrendPart> {
    let mut weeks: BTreeMap<u64, DayCounts> = BTreeMap::new();
    for day in days {
        let from = week_of(day.from);
        let sum = weeks.entry(from).or_insert_with(|| DayCounts { from, ..DayCounts::default() });
        sum.runs += day.runs;
        sum.broken += day.broken;
        sum.results += day.results;
        sum.unexpected += day.unexpected;
    }
    let of_week = |counts: &DayCounts| {
        let times = times.iter().find(|times| times.from == counts.from);
        let flaky = flakiness.0.get(&counts.from).copied().unwrap_or_default();
        TrendPart {
            timed: Some(times.map_or(0, |times| times.timed)),
            p50: times.map(|times| times.p50),
            p90: times.map(|times| times.p90),
            p99: times.map(|times| times.p99),
            flaky: Some(flaky.tests),
            spoilt: Some(flaky.spoilt),
            spoilt_rate: share(flaky.spoilt, flaky.results).filter(|_| of_test),
            ..part(PartLength::Week, counts)
        }
    };
    weeks.values().map(of_week).collect()
}

fn change(change: SuiteChange) -> TrendChange {
    let tests: BTreeSet<&str> = change.tests.iter().map(|one| one.test.as_str()).collect();
    let configurations: BTreeSet<_> = change.tests.iter().map(|one| &one.configuration).collect();
    let (tests, configurations) = (tests.len() as u64, configurations.len() as u64);
    let SuiteChange { id, kind, after, until, open, .. } = change;
    TrendChange { id, kind, time: until.uuid.time(), after, until, tests, configurations, open }
}

impl Tabular for Trends {
    /// Its days, then its weeks.
    fn table(&self) -> Result<Table, AnswerError> {
        let parts: Vec<TrendPart> = self.by_day.iter().chain(&self.by_week).cloned().collect();
        table::of_rows(&parts)
    }

    fn is_cut(&self) -> bool {
        self.is_cut
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use schema::seconds::{DAY, WEEK};

    /// 2026-11-23, a Monday.
    const MONDAY: u64 = 1_795_392_000;

    fn day(index: u64, runs: u64) -> DayCounts {
        DayCounts { from: MONDAY + index * DAY, runs, broken: runs / 3, results: 10 * runs, unexpected: runs }
    }

    #[test]
    fn a_week_begins_on_monday_and_has_what_is_known_of_it() {
        let times = [WeekDurations { from: MONDAY, timed: 4, p50: 1, p90: 2, p99: 3 }];
        let flaky = WeekFlakiness { tests: 2, spoilt: 5, results: 20 };
        let weeks = by_week(&[day(5, 6), day(6, 3), day(7, 0)], &times, &Flakiness([(MONDAY, flaky)].into()), true);
        assert_eq!(weeks.len(), 2);
        let (first, second) = (&weeks[0], &weeks[1]);
        assert_eq!((first.from, first.runs, first.broken, first.results, first.unexpected), (MONDAY, 9, 3, 90, 9));
        assert_eq!((first.rate, first.timed, first.p99), (Some(0.1), Some(4), Some(3)));
        assert_eq!((first.flaky, first.spoilt, first.spoilt_rate), (Some(2), Some(5), Some(0.25)));
        assert_eq!((second.from, second.rate, second.timed, second.p50), (MONDAY + WEEK, None, Some(0), None));
        assert_eq!((second.flaky, second.spoilt, second.spoilt_rate), (Some(0), Some(0), None));
    }

    proptest! {
        #[test]
        fn weeks_lose_no_run_of_their_days(runs in prop::collection::vec(0_u64..50, 0..60), first in 0_u64..7) {
            let days: Vec<DayCounts> = (first..).zip(&runs).map(|(index, runs)| day(index, *runs)).collect();
            let weeks = by_week(&days, &[], &Flakiness::default(), false);
            prop_assert_eq!(weeks.iter().map(|week| week.runs).sum::<u64>(), runs.iter().sum::<u64>());
            prop_assert!(weeks.iter().all(|week| week.from % WEEK == MONDAY % WEEK));
            prop_assert!(weeks.windows(2).all(|pair| pair[0].from < pair[1].from));
            prop_assert_eq!(weeks.len() as u64, days.last().map_or(0, |last| week_of(last.from) / WEEK - week_of(days[0].from) / WEEK + 1));
        }
    }
}
