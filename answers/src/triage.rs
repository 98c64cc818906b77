//! Which tests began to fail, still fail, were fixed or are flaky, and since which commit.
//!
//! Data flow: the newest runs of each configuration, without those that broke as a whole → the failures of just these →
//! per test one [`History`] for each configuration → [`analysis::triage::finding`]. A test that has no failure in a run
//! passed in it, or did not run: of those that seem to be fixed the newest results tell which.

use std::collections::{BTreeMap, HashMap};

pub use analysis::triage::Group;
use analysis::triage::{Finding, History, finding};
use schema::bug::BugLink;
use schema::configuration::Configuration;
use schema::ids::{CommitKey, ConfigId, TestId};
use schema::seconds::DAY;
use schema::state::State;
use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use crate::ask::RunFilter;
use crate::bugs::{self, addresses};
use crate::commit_range::RunBounds;
use crate::error::AnswerError;
use crate::messages;
use crate::reads::failures::Failure;
use crate::reads::selection::{RunPlace, Selection};
use crate::reads::{failures, results, runs};
use crate::search::{Field, Search, Subject};
use crate::store::Store;
use crate::table::{self, Table, Tabular};

/// The version of the rule, for whoever keeps its findings.
pub const RULE: &str = "triage-1";
/// What is called new or fixed, days: without a choice, and at most.
pub const DEFAULT_DAYS: u64 = 3;
/// See [`DEFAULT_DAYS`].
pub const MAX_DAYS: u64 = 14;
/// What can be asked about the tests of the list.
pub const FIELDS: [Field; 10] = [
    Field::Status,
    Field::State,
    Field::On,
    Field::Only,
    Field::Count,
    Field::Flaky,
    Field::Row,
    Field::Since,
    Field::Bug,
    Field::Suite,
];
/// How far back runs are looked at, and what a test said last.
const WEEKS: u64 = 4;
const MESSAGE_WEEKS: u64 = 2;
/// The newest runs of each configuration that count.
const RUNS: u64 = 30;
/// Tests answered if the question names no limit, and at most.
const TESTS: u64 = 100;
const MAX_TESTS: u64 = 1000;
/// Commits of a test's small history.
const HISTORY: usize = 24;
/// Tests that are looked up because they seem to be fixed.
const MAX_FIXED: usize = 2000;
/// Where a test did not fail, in its small history.
const PASSED: char = '8';

/// Which tests are asked for.
#[derive(Debug, Clone)]
pub struct TriageQuestion {
    /// The suite.
    pub suite: String,
    /// What is called new or fixed, days.
    pub days: u64,
    /// Only these groups; all if empty.
    pub groups: Vec<Group>,
    /// Narrows the list.
    pub search: Search,
    /// Branch and configurations; its limit is one of tests.
    pub runs: RunFilter,
    /// Whether it is told what each test said last.
    pub with_messages: bool,
}

impl TriageQuestion {
    /// Everything about a suite.
    pub fn of_suite(suite: impl Into<String>) -> Self {
        Self {
            suite: suite.into(),
            days: DEFAULT_DAYS,
            groups: Vec::new(),
            search: Search::default(),
            runs: RunFilter::default(),
            with_messages: false,
        }
    }
}

/// A test on the list.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct TriagedTest {
    /// The test.
    pub test: String,
    /// Why it is on the list.
    pub group: Group,
    /// Its worst state now; of the last failures where it passes.
    pub state: State,
    /// Configurations that put it in its group.
    pub configurations: Vec<Configuration>,
    /// The first commit of the failures, or the commit of the fix.
    pub since: CommitKey,
    /// The last commit before that.
    pub before: Option<CommitKey>,
    /// How much it matters: configurations times the severity of the state.
    pub impact: usize,
    /// The suite's newest commits, newest first: the digit of the worst unexpected state, 8 where it did not fail.
    #[schemars(extend("x-column" = false), regex(pattern = "^[0-8]*$"))]
    pub history: String,
    /// Addresses of the bugs that explain its failures.
    #[serde(serialize_with = "addresses::serialize")]
    #[schemars(with = "Vec<String>")]
    pub bugs: Vec<BugLink>,
    /// The first line of what it said when it failed last, lately; only where that was asked for.
    #[schemars(extend("x-column" = false))]
    pub message: Option<String>,
}

impl TriagedTest {
    /// Newest commits on which it failed.
    pub fn failed(&self) -> usize {
        self.history.chars().filter(|state| *state != PASSED).count()
    }

    /// Newest commits in a row on which it failed.
    pub fn row(&self) -> usize {
        self.history.chars().take_while(|state| *state != PASSED).count()
    }

    fn is_meant(&self, suite: &str, search: &Search) -> bool {
        if search.is_empty() {
            return true;
        }
        let configurations: Vec<String> = self.configurations.iter().map(Configuration::name).collect();
        search.matches(&Subject {
            suite,
            test: &self.test,
            status: Some(self.group),
            state: self.state,
            configurations: &configurations,
            count: configurations.len() as u64,
            share: self.failed() as f64 / self.history.len().max(1) as f64,
            row: self.row() as u64,
            since: self.since.time(),
            bugs: &self.bugs.iter().collect::<Vec<_>>(),
        })
    }
}

/// What a suite's newest runs say.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Triage {
    /// The suite.
    pub suite: String,
    /// What is called new or fixed, days.
    pub days: u64,
    /// The version of the rule.
    pub rule: &'static str,
    /// Configurations that ran; the answer has their number.
    #[serde(serialize_with = "number_of")]
    #[schemars(with = "usize")]
    pub configurations: Vec<Configuration>,
    /// How many tests are in each group.
    #[schemars(with = "BTreeMap<String, usize>")]
    pub counts: BTreeMap<Group, usize>,
    /// Group by group, the largest impact first.
    pub tests: Vec<TriagedTest>,
}

fn number_of<S: Serializer>(configurations: &[Configuration], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(configurations.len() as u64)
}

/// The runs of one configuration, newest first.
#[derive(Default)]
struct ConfigurationRuns {
    commits: Vec<CommitKey>,
    /// Where the run of a commit, a start and an SDK is.
    positions: HashMap<(CommitKey, u32, String), usize>,
}

/// What the newest runs of a suite say of its tests.
pub async fn find(store: &Store, question: &TriageQuestion) -> Result<Triage, AnswerError> {
    let TriageQuestion { suite, days, groups, search, runs: filter, with_messages } = question;
    let limit = filter.limit.unwrap_or(TESTS).min(MAX_TESTS) as usize;
    let selection = Selection::within(store, filter, RunBounds::last_weeks(store, WEEKS), RUNS).await?;
    let mut triage = Triage {
        suite: suite.clone(),
        days: *days,
        rule: RULE,
        configurations: Vec::new(),
        counts: BTreeMap::new(),
        tests: Vec::new(),
    };
    if selection.is_empty() {
        return Ok(triage);
    }
    let runs = by_configuration(runs::sound_places(store, suite, &selection).await?);
    triage.configurations = runs.keys().filter_map(|id| selection.matching.get(id).cloned()).collect();
    let mut commits: Vec<CommitKey> = runs.values().flat_map(|runs| runs.commits.iter().copied()).collect();
    commits.sort_unstable_by(|one, other| other.cmp(one));
    commits.dedup();
    let times = Times {
        newest: commits.first().copied().unwrap_or_default(),
        since: store.clock.commit_key().earlier(days.saturating_mul(DAY)),
    };
    commits.truncate(HISTORY);
    let ids: Vec<ConfigId> = runs.keys().copied().collect();
    let judged = judge(failures::of_sound_runs(store, suite, &selection).await?, &runs, &times);
    let judged = without_removed(store, suite, &selection, &ids, judged, &times).await?;
    let mut tests: Vec<TriagedTest> =
        judged.into_iter().map(|judged| judged.into_test(&ids, &selection, &commits)).collect();
    let links = bugs::of_suite(store, suite).await?;
    for test in &mut tests {
        test.bugs = links.of(&test.test, &test.configurations).into_iter().cloned().collect();
    }
    tests.retain(|test| test.is_meant(suite, search));
    for test in &tests {
        *triage.counts.entry(test.group).or_default() += 1;
    }
    tests.retain(|test| groups.is_empty() || groups.contains(&test.group));
    let rank = |test: &TriagedTest| (test.group, usize::MAX - test.impact, std::cmp::Reverse(test.since));
    tests.sort_by(|one, other| rank(one).cmp(&rank(other)).then_with(|| one.test.cmp(&other.test)));
    tests.truncate(limit);
    if *with_messages {
        let lately = RunBounds::last_weeks(store, MESSAGE_WEEKS);
        let lately = Selection { bounds: lately, ..selection };
        let names: Vec<String> = tests.iter().map(|test| test.test.clone()).collect();
        let lines = messages::newest(store, suite, &lately, names.iter().map(String::as_str)).await?;
        for test in &mut tests {
            test.message = lines.get(test.test.as_str()).cloned();
        }
    }
    triage.tests = tests;
    Ok(triage)
}

fn by_configuration(mut places: Vec<RunPlace>) -> BTreeMap<ConfigId, ConfigurationRuns> {
    places.sort_by_key(|place| std::cmp::Reverse((place.uuid, place.start_time)));
    let mut found: BTreeMap<ConfigId, ConfigurationRuns> = BTreeMap::new();
    for RunPlace { config_id, uuid, sdk, start_time } in places {
        let runs = found.entry(config_id).or_default();
        runs.positions.insert((uuid, start_time, sdk), runs.commits.len());
        runs.commits.push(uuid);
    }
    found
}

/// The commits that findings go by.
struct Times {
    /// The suite's newest commit.
    newest: CommitKey,
    /// Where "new" and "fixed" begin.
    since: CommitKey,
}

/// A test that is on the list, and why.
struct JudgedTest<'a> {
    test: String,
    /// One for each configuration that ran.
    histories: Vec<History<'a>>,
    finding: Finding,
}

/// Findings of what failed.
fn judge<'a>(
    failures: Vec<Failure>,
    runs: &'a BTreeMap<ConfigId, ConfigurationRuns>,
    times: &Times,
) -> Vec<JudgedTest<'a>> {
    let nothing_failed =
        || runs.values().map(|runs| History { runs: &runs.commits, failed: BTreeMap::new() }).collect::<Vec<_>>();
    let ids: Vec<ConfigId> = runs.keys().copied().collect();
    let mut tests: HashMap<String, Vec<History<'_>>> = HashMap::new();
    for Failure { config_id, uuid, start_time, sdk, test, state } in failures {
        let (Some(runs), Ok(index)) = (runs.get(&config_id), ids.binary_search(&config_id)) else { continue };
        let Some(position) = runs.positions.get(&(uuid, start_time, sdk)) else { continue };
        tests.entry(test).or_insert_with(nothing_failed)[index].failed.insert(*position, state);
    }
    let judged = |(test, histories): (String, Vec<History<'a>>)| {
        let finding = finding(&histories, times.newest, times.since)?;
        Some(JudgedTest { test, histories, finding })
    };
    tests.into_iter().filter_map(judged).collect()
}

/// Judges again what seems to be fixed, without the configurations on which the test did not run since it failed: what was
/// removed or is skipped has no failures either.
async fn without_removed<'a>(
    store: &Store,
    suite: &str,
    selection: &Selection,
    ids: &[ConfigId],
    judged: Vec<JudgedTest<'a>>,
    times: &Times,
) -> Result<Vec<JudgedTest<'a>>, AnswerError> {
    let (mut fixed, mut kept): (Vec<_>, Vec<_>) =
        judged.into_iter().partition(|judged| judged.finding.group == Group::Fixed);
    if fixed.is_empty() {
        return Ok(kept);
    }
    // Whoever fixes more than this at once reads about the largest of it.
    fixed.sort_by_key(|judged| std::cmp::Reverse(judged.finding.impact));
    fixed.truncate(MAX_FIXED);
    // Nothing before the fixes is needed, which are lately.
    let recent = Selection { bounds: RunBounds { begin: times.since, ..selection.bounds }, ..selection.clone() };
    let tests = fixed.iter().map(|judged| TestId::of(suite, &judged.test));
    let ran = results::last_commits(store, suite, &recent, tests).await?;
    let ran: HashMap<(TestId, ConfigId), CommitKey> =
        ran.into_iter().map(|last| ((last.test_id, last.config_id), last.newest)).collect();
    for mut judged in fixed {
        let test = TestId::of(suite, &judged.test);
        for (history, config_id) in judged.histories.iter_mut().zip(ids) {
            let failed = history.failed.keys().next().and_then(|position| history.runs.get(*position));
            if failed.is_some() && ran.get(&(test, *config_id)) <= failed {
                *history = History::default();
            }
        }
        if let Some(finding) = finding(&judged.histories, times.newest, times.since) {
            kept.push(JudgedTest { finding, ..judged });
        }
    }
    Ok(kept)
}

impl JudgedTest<'_> {
    fn into_test(self, ids: &[ConfigId], selection: &Selection, commits: &[CommitKey]) -> TriagedTest {
        let history = history(commits, &self.histories);
        let Finding { group, state, affected, since, before, impact } = self.finding;
        let known = |index: &usize| selection.matching.get(ids.get(*index)?).cloned();
        let configurations = affected.iter().filter_map(known).collect();
        let (bugs, message) = (Vec::new(), None);
        TriagedTest { test: self.test, group, state, configurations, since, before, impact, history, bugs, message }
    }
}

/// The digit of the worst unexpected state on each of the commits.
fn history(commits: &[CommitKey], histories: &[History<'_>]) -> String {
    let mut worst = vec![PASSED; commits.len()];
    for history in histories {
        for (position, state) in &history.failed {
            let commit = commits.binary_search_by(|commit| history.runs[*position].cmp(commit));
            if let Ok(index) = commit {
                worst[index] = worst[index].min(state.digit());
            }
        }
    }
    worst.into_iter().collect()
}

impl Tabular for Triage {
    fn table(&self) -> Result<Table, AnswerError> {
        let own = table::columns::<TriagedTest>();
        let mut rows = Vec::new();
        for test in &self.tests {
            let cells = table::cells(&own, &[&table::members(test)?]);
            for configuration in &test.configurations {
                let on = table::cells(&table::CONFIGURATION, &[&table::members(configuration)?]);
                rows.push([cells.clone(), on].concat());
            }
        }
        Ok(Table { columns: table::with_configuration(own, Vec::new()), rows })
    }
}
