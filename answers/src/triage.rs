//! Which tests began to fail, still fail, were fixed, are flaky, or need a look for another reason, and since which commit.
//!
//! Data flow: the runs that started lately → the tests that failed or passed unexpectedly in them → their histories, by what
//! each run has of them → [`analysis::finding`]. Runs that broke as a whole are left out where sound ones came after them;
//! where none did, the suite is broken now and its tests are listed.

use std::collections::{BTreeMap, BTreeSet};

pub use analysis::finding::Group;
use analysis::finding::{Finding, finding_of};
use analysis::judge::Judgement;
use analysis::parallel;
use analysis::rules::RULE;
use rustc_hash::FxHashMap;
use schema::bug::BugLink;
use schema::configuration::Configuration;
use schema::ids::{CommitKey, ConfigId, TestId};
use schema::state::State;
use schemars::JsonSchema;
use serde::{Serialize, Serializer};
use uuid::Uuid;

use crate::ask::RunFilter;
use crate::broken_now;
pub use crate::broken_now::BrokenConfiguration;
use crate::bugs::{Failure, addresses};
use crate::cause_masks;
use crate::episodes::{self, Aftermath};
use crate::error::AnswerError;
use crate::histories::{Histories, JudgedTest};
use crate::late_runs::{self, Among, LateRuns};
use crate::messages;
use crate::quarantine::ListedEntry;
use crate::remarks;
use crate::search::{Field, Search, Subject};
use crate::stable_id;
use crate::store::Store;
use crate::suites;
use crate::table::{self, Table, Tabular};

/// What is called new or fixed, days: without a choice, and at most.
pub const DEFAULT_DAYS: u64 = late_runs::NEW_DAYS;
/// See [`DEFAULT_DAYS`].
pub const MAX_DAYS: u64 = 14;
/// What can be asked about the tests of the list.
pub const FIELDS: [Field; 11] = [
    Field::Status,
    Field::State,
    Field::On,
    Field::Only,
    Field::Count,
    Field::Flaky,
    Field::Row,
    Field::Since,
    Field::Bug,
    Field::Owner,
    Field::Suite,
];
/// Tests that are looked at: those that failed last.
pub const MAX_CANDIDATES: u64 = 5000;
/// Tests answered if the question names no limit, and at most.
const TESTS: u64 = 100;
const MAX_TESTS: u64 = 1000;
/// Commits of a test's small history.
const HISTORY: usize = 24;
/// Where a test passed, in its small history, and where it did not run.
const PASSED: char = '8';
const NOT_RUN: char = '.';

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
    /// The name that it had first, by which what is told of it is known.
    #[serde(skip)]
    pub first_name: String,
    /// Names its failure. One that was fixed and comes back is the same, under whichever name of the test.
    #[schemars(with = "String", extend("x-column" = false), regex(pattern = "^[0-9a-f-]{36}$"))]
    pub failure: Uuid,
    /// Why it is on the list.
    pub group: Group,
    /// Its worst state now; of the last failures where it passes.
    pub state: State,
    /// Configurations that put it in its group.
    pub configurations: Vec<Configuration>,
    /// Their ids.
    #[serde(skip)]
    config_ids: Vec<ConfigId>,
    /// The first commit of the failures, or the commit of the fix.
    pub since: CommitKey,
    /// The last commit before that.
    pub before: Option<CommitKey>,
    /// Where it failed before and became worse: the worst state until then.
    #[schemars(extend("x-column" = false))]
    pub worsened_from: Option<State>,
    /// How much it matters: configurations times the severity of the state.
    pub impact: usize,
    /// The suite's newest commits, newest first: the digit of the worst unexpected state, 8 where it did not fail, a dot
    /// where it did not run.
    #[schemars(extend("x-column" = false), regex(pattern = "^[0-8.]*$"))]
    pub history: String,
    /// Whether its failure came back, and whether a fix holds.
    #[schemars(extend("x-column" = false))]
    pub aftermath: Aftermath,
    /// Addresses of the bugs that explain its failures.
    #[serde(serialize_with = "addresses::serialize")]
    #[schemars(with = "Vec<String>")]
    pub bugs: Vec<BugLink>,
    /// Who owns it.
    pub owners: Vec<String>,
    /// The first line of what it said when it failed last, lately; only where that was asked for.
    #[schemars(extend("x-column" = false))]
    pub message: Option<String>,
    /// The cause that this message has, 32 hexadecimal digits.
    #[schemars(extend("x-column" = false), regex(pattern = "^[0-9a-f]{32}$"))]
    pub cause: Option<String>,
    /// Entries of the quarantine that are about its failures: they are listed, and do not count.
    #[schemars(extend("x-column" = false))]
    pub quarantine: Vec<ListedEntry>,
}

impl TriagedTest {
    /// Newest commits on which it failed.
    pub fn failed(&self) -> usize {
        self.tested().filter(|state| *state != PASSED).count()
    }

    /// Newest commits on which it ran.
    pub fn ran(&self) -> usize {
        self.tested().count()
    }

    /// Newest commits in a row on which it failed, without those on which it did not run.
    pub fn row(&self) -> usize {
        self.tested().take_while(|state| *state != PASSED).count()
    }

    /// Its states on the newest commits on which it ran.
    fn tested(&self) -> impl Iterator<Item = char> + '_ {
        self.history.chars().filter(|state| *state != NOT_RUN)
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
            share: self.failed() as f64 / self.ran().max(1) as f64,
            row: self.row() as u64,
            since: self.since.time(),
            bugs: &self.bugs.iter().collect::<Vec<_>>(),
            owners: &self.owners,
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
    /// Runs that broke as a whole and are left out, because sound ones came after them.
    pub broken_runs: u64,
    /// Configurations whose newest run broke as a whole.
    #[schemars(extend("x-column" = false))]
    pub broken: Vec<BrokenConfiguration>,
    /// Whether more tests failed in the last weeks than are looked at: then the others are neither counted nor listed.
    #[schemars(extend("x-column" = false))]
    pub is_cut: bool,
    /// How many tests are in each group.
    #[schemars(with = "BTreeMap<String, usize>")]
    pub counts: BTreeMap<Group, usize>,
    /// How many of these tests have an entry of the quarantine.
    #[schemars(extend("x-column" = false))]
    pub quarantined: usize,
    /// Group by group, the largest impact first.
    pub tests: Vec<TriagedTest>,
}

fn number_of<S: Serializer>(configurations: &[Configuration], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(configurations.len() as u64)
}

/// What the newest runs of a suite say of its tests.
pub async fn find(store: &Store, question: &TriageQuestion) -> Result<Triage, AnswerError> {
    let TriageQuestion { suite, days, groups, search, runs: filter, with_messages } = question;
    suites::expect(store, suite).await?;
    let limit = filter.limit.unwrap_or(TESTS).min(MAX_TESTS) as usize;
    let late = LateRuns::of(store, suite, filter, *days);
    let (late, remarks) = tokio::try_join!(late, remarks::of_suite(store, suite))?;
    let mut triage = Triage {
        suite: suite.clone(),
        days: *days,
        rule: RULE,
        configurations: late.sessions.configurations().filter_map(|id| late.configuration(id).cloned()).collect(),
        broken_runs: late.sessions.left_out(),
        broken: broken_now::of(&late),
        is_cut: false,
        counts: BTreeMap::new(),
        quarantined: 0,
        tests: Vec::new(),
    };
    if late.selection.is_empty() {
        return Ok(triage);
    }
    let is_wanted = |test: &str| search.may_match_owned(test, &remarks.owners);
    let (names, are_more) = late.meant_candidates(Among::Asked, MAX_CANDIDATES, is_wanted).await?;
    triage.is_cut = are_more;
    let (mut tests, histories, judged) = findings(&late, &names).await?;
    if !search.is_empty() {
        add_details(&late, &mut tests, &histories);
    }
    let names: Vec<String> = tests.iter().map(|test| test.test.clone()).collect();
    let said = remarks.bugs.said(&late, names.iter().map(String::as_str)).await?;
    for test in &mut tests {
        let (name, state) = (test.test.as_str(), test.state);
        let on = test.config_ids.iter().filter_map(|id| late.configuration(*id));
        let failure = Failure::new(state, said.get(name).map(String::as_str));
        test.bugs = remarks.bugs.explaining(name, on.clone(), failure).into_iter().cloned().collect();
        test.quarantine = remarks.quarantine.explaining(name, on, state).into_iter().cloned().collect();
        test.owners = remarks.owners.of(name);
    }
    tests.retain(|test| test.is_meant(suite, search));
    for test in &tests {
        *triage.counts.entry(test.group).or_default() += 1;
        triage.quarantined += usize::from(!test.quarantine.is_empty());
    }
    tests.retain(|test| groups.is_empty() || groups.contains(&test.group));
    let rank = |test: &TriagedTest| (test.group, usize::MAX - test.impact, std::cmp::Reverse(test.since));
    tests.sort_by(|one, other| rank(one).cmp(&rank(other)).then_with(|| one.test.cmp(&other.test)));
    tests.truncate(limit);
    if search.is_empty() {
        add_details(&late, &mut tests, &histories);
    }
    let aftermath = |test: &TriagedTest| {
        let judged = judged.get(&TestId::of(suite, &test.test));
        judged.map_or_else(Aftermath::default, |judged| {
            episodes::of(&histories, judged, &test.config_ids, &late.question.rules)
        })
    };
    let aftermaths = parallel::map(&tests, aftermath);
    tests.iter_mut().zip(aftermaths).for_each(|(test, aftermath)| test.aftermath = aftermath);
    if *with_messages {
        let names: Vec<String> = tests.iter().map(|test| test.test.clone()).collect();
        let names = names.iter().map(String::as_str);
        let lines = messages::newest_of(&late, names, messages::MAX_TESTS).await?;
        let masks = cause_masks::of_suite(&store.masks, suite);
        for test in &mut tests {
            test.message = lines.get(test.test.as_str()).cloned();
            let pattern = test.message.as_deref().and_then(|message| cause_masks::pattern_of(message, &masks));
            test.cause = pattern.map(|pattern| pattern.id.to_string());
        }
    }
    triage.tests = tests;
    Ok(triage)
}

/// The groups of some tests of a suite; of whatever a filter means, its branch and configurations count.
pub async fn groups_of(
    store: &Store,
    suite: &str,
    filter: &RunFilter,
    tests: Vec<String>,
) -> Result<BTreeMap<String, Group>, AnswerError> {
    if tests.is_empty() {
        return Ok(BTreeMap::new());
    }
    let late = LateRuns::of(store, suite, filter, DEFAULT_DAYS).await?;
    Ok(findings(&late, &tests).await?.0.into_iter().map(|test| (test.test, test.group)).collect())
}

/// Those of some tests that their histories put on the list, these histories, and the verdicts on them.
pub(crate) async fn findings(
    late: &LateRuns<'_>,
    names: &[String],
) -> Result<(Vec<TriagedTest>, Histories, FxHashMap<TestId, JudgedTest>), AnswerError> {
    let ids: BTreeSet<TestId> = names.iter().map(|test| TestId::of(late.suite, test)).collect();
    let (histories, judged) = late.judged_histories(&ids).await?;
    let judged: FxHashMap<TestId, JudgedTest> = judged.into_iter().map(|one| (one.test, one)).collect();
    let finding = |test: &String| {
        let id = TestId::of(late.suite, test);
        let places = &judged.get(&id)?.places;
        let judgements: Vec<&Judgement> = places.iter().map(|(_, judgement)| &**judgement).collect();
        let finding = finding_of(&judgements, |index| histories.on(id, places[index].0), &late.question)?;
        let Finding { group, state, affected, since, before, worsened_from, impact } = finding;
        let config_ids = affected.iter().filter_map(|index| Some(places.get(*index)?.0)).collect();
        let (history, configurations, aftermath, bugs, owners, message, cause) = Default::default();
        let first_name = late.renames.first_name(test);
        Some(TriagedTest {
            first_name: first_name.to_owned(),
            failure: stable_id::of(&[late.suite, first_name]),
            test: test.clone(),
            group,
            state,
            configurations,
            config_ids,
            since,
            before,
            worsened_from,
            impact,
            history,
            aftermath,
            bugs,
            owners,
            message,
            cause,
            quarantine: Vec::new(),
        })
    };
    let found = parallel::map(names, finding).into_iter().flatten().collect();
    Ok((found, histories, judged))
}

/// Adds the configurations of tests, and their small histories: the digit of the worst unexpected state on each of the
/// suite's newest commits.
fn add_details(late: &LateRuns<'_>, tests: &mut [TriagedTest], histories: &Histories) {
    let commits = late.sessions.commits().into_iter().take(HISTORY);
    let places: FxHashMap<CommitKey, usize> = commits.zip(0..).collect();
    let history = |test: &TriagedTest| {
        let mut worst = vec![NOT_RUN; places.len()];
        let id = TestId::of(late.suite, &test.test);
        for cell in histories.newest(id, |commit| places.contains_key(&commit)) {
            let Some(place) = places.get(&cell.commit) else { continue };
            let known = &mut worst[*place];
            *known = if *known == NOT_RUN { PASSED } else { *known }.min(cell.worst.digit());
        }
        worst.into_iter().collect()
    };
    let found: Vec<String> = parallel::map(tests, history);
    for (test, history) in tests.iter_mut().zip(found) {
        test.history = history;
        test.configurations = test.config_ids.iter().filter_map(|id| late.configuration(*id).cloned()).collect();
    }
}

impl Tabular for Triage {
    fn table(&self) -> Result<Table, AnswerError> {
        let own = table::columns::<TriagedTest>();
        let mut rows = Vec::new();
        for test in &self.tests {
            let cells = table::cells(&own, &[&table::members(test)?]);
            for configuration in &test.configurations {
                rows.push(table::row_with_configuration(cells.clone(), configuration, Vec::new())?);
            }
        }
        Ok(Table { columns: table::with_configuration(own, Vec::new()), rows })
    }

    fn is_cut(&self) -> bool {
        self.is_cut
    }
}
