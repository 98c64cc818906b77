//! Which tests are flaky, over weeks.
//!
//! Almost all results are passes, so the question goes to the failures first: those of the weeks asked about name the tests that
//! can be on the list at all. Only the histories of those are looked at. A test is listed for the segments of its histories in
//! which the rule of verdicts calls it flaky, if it spoilt a run of these weeks in one of them; one that always fails, or that
//! broke and was fixed, is not. The rule goes by four weeks at least ([`crate::late_runs`]), so that a longer time lists no fewer
//! tests; everything that is counted is of the weeks asked about.

use std::collections::BTreeSet;

use analysis::interval::wilson;
use analysis::parallel;
use analysis::rules::RULE;
use rustc_hash::FxHashMap;
use schema::bug::BugLink;
use schema::configuration::Configuration;
use schema::ids::{ConfigId, TestId};
use schema::state::State;
use schemars::JsonSchema;
use serde::Serialize;

use crate::ask::RunFilter;
use crate::bugs::{Failure, addresses};
use crate::error::AnswerError;
use crate::histories::{Histories, JudgedTest};
use crate::late_runs::{FailedShare, LateRuns, NEW_DAYS, Weeks};
use crate::owners::OwnerIndex;
use crate::quarantine::ListedEntry;
use crate::remarks::{self, Remarks};
use crate::search::{Field, Search, Subject};
use crate::store::Store;
use crate::suites;
use crate::table::{self, Table, Tabular};
use crate::test_names;

/// Tests whose results are read for each one that is answered.
const CANDIDATES: u64 = 3;
/// What can be asked about the tests of the list.
pub const FIELDS: [Field; 4] = [Field::Flaky, Field::Count, Field::Bug, Field::Owner];
/// Tests answered if the question names no limit, and at most.
const TESTS: u64 = 100;
const MAX_TESTS: u64 = 1000;

/// What comes first on the list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum FlakyOrder {
    /// The largest share of spoilt runs that is certain.
    #[default]
    Certainty,
    /// The most spoilt runs.
    Spoilt,
    /// The most time that was lost.
    Time,
}

impl FlakyOrder {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Certainty, Self::Spoilt, Self::Time];

    /// Its name in addresses.
    pub fn name(self) -> &'static str {
        match self {
            Self::Certainty => "certainty",
            Self::Spoilt => "spoilt",
            Self::Time => "time",
        }
    }
}

/// Which tests are asked for.
#[derive(Debug, Clone, Default)]
pub struct FlakyQuestion {
    /// The suite; every suite that ran lately on the default branch if there is none.
    pub suite: Option<String>,
    /// How far back runs are counted, weeks.
    pub weeks: u64,
    /// What comes first.
    pub order: FlakyOrder,
    /// Branch and configurations; its limit is one of tests.
    pub runs: RunFilter,
    /// Narrows the list.
    pub search: Search,
}

/// How flaky a test was.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct FlakyTest {
    /// The test.
    pub test: String,
    /// Results in the time asked about, on all configurations.
    pub runs: u64,
    /// Those that failed unexpectedly, by chance or not.
    pub unexpected: u64,
    /// Share of the results that failed unexpectedly while the test was flaky: `spoilt` of `flaky_runs`.
    #[schemars(range(min = 0, max = 1))]
    pub rate: f64,
    /// The lower end of the interval that holds the true share with 95 % confidence ([`wilson`]), from the same two numbers.
    #[schemars(range(min = 0, max = 1))]
    pub lower: f64,
    /// The upper end.
    #[schemars(range(min = 0, max = 1))]
    pub upper: f64,
    /// Neighbouring commits on one configuration that differ, in the time asked about while the test was flaky.
    pub flips: u64,
    /// Commits on which one configuration saw it both fail and pass in the time asked about.
    pub disagreements: u64,
    /// Configurations on which it spoilt runs.
    pub configurations: u64,
    /// The suite.
    pub suite: String,
    /// Results of the time asked about that failed unexpectedly while the test was flaky.
    pub spoilt: u64,
    /// All results of the time asked about while it was flaky, on the configurations on which it spoilt some.
    pub flaky_runs: u64,
    /// Milliseconds of the results that it spoilt.
    pub time_lost: u64,
    /// Whether it is flaky now on one of them.
    pub is_flaky_now: bool,
    /// Addresses of the bugs that explain its failures.
    #[serde(serialize_with = "addresses::serialize")]
    #[schemars(with = "Vec<String>")]
    pub bugs: Vec<BugLink>,
    /// Entries of the quarantine that are about its failures.
    #[schemars(extend("x-column" = false))]
    pub quarantine: Vec<ListedEntry>,
    /// Where it was flaky.
    #[serde(skip)]
    pub places: Vec<Configuration>,
    /// The worst states of the runs that it spoilt there.
    #[serde(skip)]
    pub states: BTreeSet<State>,
    /// Who owns it.
    pub owners: Vec<String>,
}

/// The flakiest tests.
#[derive(Debug, Serialize, JsonSchema)]
pub struct FlakyTests {
    /// The suite; empty for all.
    pub suite: String,
    /// How far back runs are counted, weeks. Tests are judged by four weeks at least.
    pub weeks: u64,
    /// The version of the rule.
    pub rule: &'static str,
    /// Configurations that ran in the time asked about, those of each suite; where there is none, nothing is known, and nothing
    /// passed.
    pub configurations: u64,
    /// Runs of the time asked about that broke as a whole and are left out.
    pub broken: u64,
    /// Whether there are more tests than the list has.
    #[serde(skip)]
    pub is_cut: bool,
    /// The tests in the order that was asked for.
    pub tests: Vec<FlakyTest>,
}

/// The flakiest tests.
pub async fn find(store: &Store, question: &FlakyQuestion) -> Result<FlakyTests, AnswerError> {
    let limit = question.runs.limit.unwrap_or(TESTS).min(MAX_TESTS);
    let suites = suites::asked(store, question.suite.as_deref()).await?;
    let mut found = FlakyTests {
        suite: question.suite.clone().unwrap_or_default(),
        weeks: question.weeks,
        rule: RULE,
        configurations: 0,
        broken: 0,
        is_cut: false,
        tests: Vec::new(),
    };
    for suite in &suites {
        let late = LateRuns::within(store, suite, &question.runs, NEW_DAYS, Weeks::of(question.weeks));
        let (late, remarks) = tokio::try_join!(late, remarks::of_suite(store, suite))?;
        found.broken += late.sessions.left_out();
        found.configurations += late.sessions.asked_configurations();
        if !late.asked.is_empty() {
            found.tests.extend(of_suite(&late, &remarks, &question.search, limit * CANDIDATES).await?);
        }
    }
    let rank = |test: &FlakyTest| match question.order {
        FlakyOrder::Certainty => test.lower,
        FlakyOrder::Spoilt => test.spoilt as f64,
        FlakyOrder::Time => test.time_lost as f64,
    };
    let name = |test: &FlakyTest| (test.suite.clone(), test.test.clone());
    found.tests.sort_by(|one, other| rank(other).total_cmp(&rank(one)).then_with(|| name(one).cmp(&name(other))));
    found.is_cut = found.tests.len() as u64 > limit;
    found.tests.truncate(limit as usize);
    Ok(found)
}

/// The flaky ones among so many tests of a suite that failed.
async fn of_suite(
    late: &LateRuns<'_>,
    remarks: &Remarks,
    search: &Search,
    most: u64,
) -> Result<Vec<FlakyTest>, AnswerError> {
    let LateRuns { suite, .. } = late;
    let Remarks { bugs, quarantine, owners } = remarks;
    let names = candidates(late, search, owners, most).await?;
    let ids: BTreeSet<TestId> = names.iter().map(|test| TestId::of(suite, test)).collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let (histories, judged) = late.judged_histories(&ids).await?;
    let judged: FxHashMap<TestId, JudgedTest> = judged.into_iter().map(|one| (one.test, one)).collect();
    let said = bugs.said(late, names.iter().map(String::as_str)).await?;
    let flaky = |name: &String| {
        let id = TestId::of(suite, name);
        let judged = judged.get(&id)?;
        let (mut test, places) = joined(late, name, judged, &histories)?;
        test.places = places.iter().filter_map(|id| late.configuration(*id).cloned()).collect();
        test.quarantine = quarantine.of(name, &test.places).into_iter().cloned().collect();
        let places = places.iter().filter_map(|id| late.configuration(*id));
        let failure = Failure { state: None, message: said.get(name.as_str()).map(String::as_str) };
        test.bugs = bugs.explaining(name, places, failure).into_iter().cloned().collect();
        test.owners = owners.of(name);
        let subject = Subject {
            suite,
            test: name,
            share: test.rate,
            count: test.configurations,
            bugs: &test.bugs.iter().collect::<Vec<_>>(),
            owners: &test.owners,
            ..Subject::default()
        };
        search.matches(&subject).then_some(test)
    };
    Ok(parallel::map(&names, flaky).into_iter().flatten().collect())
}

/// What the configurations of a test say together, and those on which it spoilt a run of the time asked about; none if there
/// is none.
fn joined(
    late: &LateRuns<'_>,
    name: &str,
    judged: &JudgedTest,
    histories: &Histories,
) -> Option<(FlakyTest, Vec<ConfigId>)> {
    let mut test = FlakyTest {
        suite: late.suite.to_owned(),
        test: name.to_owned(),
        runs: 0,
        unexpected: 0,
        spoilt: 0,
        rate: 0.0,
        lower: 0.0,
        upper: 0.0,
        flips: 0,
        disagreements: 0,
        flaky_runs: 0,
        time_lost: 0,
        configurations: 0,
        is_flaky_now: false,
        bugs: Vec::new(),
        quarantine: Vec::new(),
        places: Vec::new(),
        states: BTreeSet::new(),
        owners: Vec::new(),
    };
    let mut places = Vec::new();
    let rules = &late.question.rules;
    for (id, judgement) in &judged.places {
        let flaky = histories.flaky_time(judged.test, *id, judgement, rules);
        // Where it was flaky before the time asked about alone, it spoilt no run.
        if flaky.evidence.iter().all(|evidence| evidence.unexpected == 0) {
            continue;
        }
        for evidence in &flaky.evidence {
            test.flaky_runs += u64::from(evidence.runs);
            test.spoilt += u64::from(evidence.unexpected);
            test.flips += u64::from(evidence.flips);
        }
        test.time_lost += flaky.spoilt.iter().map(|run| u64::from(run.time)).sum::<u64>();
        test.states.extend(&flaky.states);
        places.push(*id);
        test.is_flaky_now |= judgement.standing == analysis::judge::Standing::Flaky;
    }
    if places.is_empty() {
        return None;
    }
    for id in histories.configurations(judged.test) {
        let evidence = histories.asked_evidence(judged.test, id);
        test.runs += u64::from(evidence.runs);
        test.unexpected += u64::from(evidence.unexpected);
        test.disagreements += u64::from(evidence.both_ways);
    }
    test.configurations = places.len() as u64;
    (test.lower, test.upper) = wilson(test.spoilt, test.flaky_runs);
    test.rate = test.spoilt as f64 / test.flaky_runs.max(1) as f64;
    Some((test, places))
}

/// The tests that may be the flakiest: those of which failures and passes are both certain come first. How often a test ran
/// is not known here; the runs of the configurations on which it failed stand in for it.
async fn candidates(
    late: &LateRuns<'_>,
    search: &Search,
    owners: &OwnerIndex,
    most: u64,
) -> Result<Vec<String>, AnswerError> {
    let LateRuns { store, suite, renames, .. } = late;
    let mut shares = late.shares().await?;
    if !search.is_empty() {
        let names = test_names::by_id(store, suite, shares.iter().map(|share| share.test)).await?;
        shares.retain(|share| {
            let name = names.get(share.test).map(|name| name.to_string());
            renames.owners(name.into_iter().collect()).iter().any(|test| search.may_match_owned(test, owners))
        });
    }
    let score = |share: FailedShare| {
        let rarer = share.failed.min(share.ran - share.failed);
        ((wilson(rarer, share.ran).0, share.failed), share.test)
    };
    let mut ranked: Vec<((f64, u64), TestId)> = shares.into_iter().map(score).collect();
    let order = |((one, failed), test): &((f64, u64), TestId), ((other, more), id): &((f64, u64), TestId)| {
        other.total_cmp(one).then(more.cmp(failed)).then_with(|| test.cmp(id))
    };
    let most = most as usize;
    if ranked.len() > most {
        ranked.select_nth_unstable_by(most, order);
        ranked.truncate(most);
    }
    ranked.sort_unstable_by(order);
    let names = test_names::by_id(store, suite, ranked.iter().map(|(_, test)| *test)).await?;
    let names = ranked.iter().filter_map(|(_, test)| names.get(*test).map(|name| name.to_string()));
    let mut tests = renames.owners(names.collect());
    tests.retain(|test| search.may_match_owned(test, owners));
    Ok(tests)
}

impl Tabular for FlakyTests {
    fn table(&self) -> Result<Table, AnswerError> {
        table::of_rows(&self.tests)
    }

    fn is_cut(&self) -> bool {
        self.is_cut
    }
}
