//! Failures grouped by what they say: the patterns of their messages, with the tests, commits and configurations of each.
//!
//! Data flow: the runs that started lately → what failed in them, grouped by the pattern that was stored with it → masks of
//! the suite join patterns → the names and bugs of the tests. Failures that say nothing have no cause and are not counted.

mod joined;
mod said;

use std::collections::{BTreeMap, BTreeSet};

use schema::bug::BugLink;
use schema::cause::{CauseId, RULE};
use schema::configuration::Configuration;
use schema::ids::{CommitKey, TestId};
use schema::seconds::{DAY, WEEK};
use schema::state::State;
use schemars::JsonSchema;
use serde::Serialize;

use crate::ask::RunFilter;
use crate::bugs::{self, BugIndex, Failure, addresses};
use crate::error::{AnswerError, invalid};
use crate::reads::causes::{self as reads, CauseCounts, Failed, Steps};
use crate::reads::runs;
use crate::reads::selection::Selection;
use crate::store::Store;
use crate::suites;
use crate::table::{self, Table, Tabular};
use crate::test_name_cache::TestNames;
use crate::test_names;
use joined::Joined;
pub use said::{Messages, SaidMessage, messages};

/// Causes answered if the question names no limit, and at most.
const CAUSES: u64 = 100;
const MAX_CAUSES: u64 = 1000;
/// Weeks of which failures are counted by day; of more they are counted by week.
const WEEKS_OF_DAYS: u64 = 4;
/// Characters of a text that is looked for.
pub const MAX_TEXT: usize = 200;
/// Bugs that are named of a cause.
const BUGS: usize = 5;

/// What comes first on the list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum CauseOrder {
    /// The most failures.
    #[default]
    Failures,
    /// The most tests.
    Tests,
    /// What was seen last.
    Latest,
    /// What began last.
    Newest,
}

impl CauseOrder {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Failures, Self::Tests, Self::Latest, Self::Newest];

    /// Its name in addresses.
    pub fn name(self) -> &'static str {
        match self {
            Self::Failures => "failures",
            Self::Tests => "tests",
            Self::Latest => "latest",
            Self::Newest => "newest",
        }
    }

    /// The columns of the statement.
    fn columns(self) -> &'static str {
        match self {
            Self::Failures => "failures DESC, tests DESC",
            Self::Tests => "tests DESC, failures DESC",
            Self::Latest => "last_seen DESC, failures DESC",
            Self::Newest => "first_seen DESC, failures DESC",
        }
    }
}

/// Which failures are asked for.
#[derive(Debug, Clone, Default)]
pub struct CausesQuestion {
    /// The suite.
    pub suite: String,
    /// How far back, weeks.
    pub weeks: u64,
    /// Only this cause.
    pub cause: Option<CauseId>,
    /// Only this test, by the name of its results.
    pub test: Option<String>,
    /// Only failures that said this, whatever the case of its ASCII letters; at most [`MAX_TEXT`] characters.
    pub text: Option<String>,
    /// Whether failures that were expected are told, too.
    pub with_expected: bool,
    /// The version of the rule that made the patterns; the one of this version if there is none.
    pub rule: Option<u16>,
    /// What comes first.
    pub order: CauseOrder,
    /// Branch and configurations; its limit is one of causes, or of messages.
    pub runs: RunFilter,
}

/// What some failures have in common.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Cause {
    /// Its name: 32 hexadecimal digits.
    #[schemars(regex(pattern = "^[0-9a-f]{32}$"))]
    pub cause: String,
    /// What their messages have in common; each `*` stands for what differs.
    pub pattern: String,
    /// The worst state.
    pub state: State,
    /// Failures in the time asked about.
    pub failures: u64,
    /// Tests that failed so.
    pub tests: u64,
    /// Commits on which they did.
    pub commits: u64,
    /// Configurations on which they did.
    pub configurations: u64,
    /// Start of the first run with such a failure in the time asked about, seconds since 1970.
    pub first_seen: u32,
    /// Start of the last one.
    pub last_seen: u32,
    /// The oldest commit with such a failure.
    pub first_commit: CommitKey,
    /// The newest one.
    pub last_commit: CommitKey,
    /// Failures in each part of the time, oldest first.
    pub trend: Vec<u64>,
    /// Names of some of the tests.
    pub some_tests: Vec<String>,
    /// Some of the configurations, without their SDKs.
    pub some_configurations: Vec<Configuration>,
    /// Addresses of bugs that explain failures of these tests.
    #[serde(serialize_with = "addresses::serialize")]
    #[schemars(with = "Vec<String>")]
    pub bugs: Vec<BugLink>,
}

/// The causes of a suite's failures.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Causes {
    /// The suite.
    pub suite: String,
    /// How far back, weeks.
    pub weeks: u64,
    /// The version of the rule that made the patterns.
    pub rule: u16,
    /// Configurations that ran in this time; where there is none, nothing is known, and nothing passed.
    pub configurations: u64,
    /// Failures that said something and match.
    pub failures: u64,
    /// How many causes they have.
    pub total: u64,
    /// The time asked about begins here, seconds since 1970.
    pub since: u64,
    /// Seconds of each part of the time.
    pub step: u64,
    /// The causes in the order that was asked for.
    pub causes: Vec<Cause>,
}

/// The causes of failures.
///
/// # Errors
/// The text is too long, there is no such rule, or the store does not answer.
pub async fn find(store: &Store, question: &CausesQuestion) -> Result<Causes, AnswerError> {
    let (selection, joined) = asked(store, question).await?;
    let suite = &question.suite;
    let since = selection.bounds.started.after.map_or(0, u64::from);
    let step = if question.weeks <= WEEKS_OF_DAYS { DAY } else { WEEK };
    let mut answer = Causes {
        suite: suite.clone(),
        weeks: question.weeks,
        rule: question.rule.unwrap_or(RULE),
        configurations: 0,
        failures: 0,
        total: 0,
        since,
        step,
        causes: Vec::new(),
    };
    if selection.is_empty() {
        return Ok(answer);
    }
    let steps = Steps { since, length: step, count: question.weeks * WEEK / step + 1 };
    let limit = question.runs.limit.unwrap_or(CAUSES).min(MAX_CAUSES);
    let failed = failed(question, &selection, &joined);
    let (counts, links, ran) = tokio::try_join!(
        reads::by_cause(store, &failed, &joined.pairs, steps, question.order.columns(), limit),
        bugs::of_suite(store, suite),
        runs::last_starts(store, suite, &selection)
    )?;
    answer.configurations = ran.len() as u64;
    if let Some(first) = counts.first() {
        (answer.failures, answer.total) = (first.all_failures, first.all_causes);
    }
    let ids: BTreeSet<CauseId> = counts.iter().map(|row| row.cause).collect();
    let tests: BTreeSet<TestId> = counts.iter().flat_map(|row| row.some_tests.iter().copied()).collect();
    let (stored, names) = tokio::try_join!(
        reads::patterns(store, suite, answer.rule, ids.into_iter()),
        test_names::by_id(store, suite, tests.into_iter())
    )?;
    let mut patterns: BTreeMap<CauseId, String> = stored.into_iter().map(|row| (row.cause, row.pattern)).collect();
    patterns.extend(joined.patterns);
    let described = |row: CauseCounts| described(row, &patterns, &names, &selection, &links);
    answer.causes = counts.into_iter().map(described).collect();
    Ok(answer)
}

/// The runs that are asked about, and what the suite's masks join.
async fn asked(store: &Store, question: &CausesQuestion) -> Result<(Selection, Joined), AnswerError> {
    let CausesQuestion { suite, weeks, text, runs, rule, .. } = question;
    suites::expect(store, suite).await?;
    if text.as_ref().is_some_and(|text| text.chars().count() > MAX_TEXT) {
        return Err(invalid(format!("a text to look for has at most {MAX_TEXT} characters")));
    }
    if let Some(unknown) = rule.filter(|rule| !(1..=RULE).contains(rule)) {
        return Err(invalid(format!("there is no version {unknown} of the rule of causes; the newest is {RULE}")));
    }
    tokio::try_join!(
        Selection::started_within(store, suite, runs, *weeks, 1),
        Joined::of_suite(store, suite, rule.unwrap_or(RULE))
    )
}

fn failed<'a>(question: &'a CausesQuestion, selection: &'a Selection, joined: &Joined) -> Failed<'a> {
    Failed {
        suite: &question.suite,
        selection,
        rule: question.rule.unwrap_or(RULE),
        causes: question.cause.map(|cause| joined.parts(cause)).unwrap_or_default(),
        test: question.test.as_deref().map(|test| TestId::of(&question.suite, test)),
        text: question.text.as_deref().filter(|text| !text.is_empty()),
        unexpected: !question.with_expected,
    }
}

fn described(
    row: CauseCounts,
    patterns: &BTreeMap<CauseId, String>,
    names: &TestNames,
    selection: &Selection,
    links: &BugIndex,
) -> Cause {
    let mut some_tests: Vec<String> =
        row.some_tests.iter().filter_map(|test| names.get(*test)).map(|name| name.to_string()).collect();
    some_tests.sort_unstable();
    let mut places: Vec<Configuration> =
        row.some_places.iter().filter_map(|id| selection.matching.get(id)).cloned().collect();
    places.sort_unstable();
    let pattern = patterns.get(&row.cause).map(String::as_str);
    let mut bugs: Vec<BugLink> = Vec::new();
    for test in &some_tests {
        for link in links.explaining(test, &places, Failure::new(row.state, pattern)) {
            if bugs.len() < BUGS && bugs.iter().all(|known| known.url != link.url) {
                bugs.push(link.clone());
            }
        }
    }
    Cause {
        cause: row.cause.to_string(),
        pattern: pattern.unwrap_or_default().to_owned(),
        state: row.state,
        failures: row.failures,
        tests: row.tests,
        commits: row.commits,
        configurations: row.configurations,
        first_seen: row.first_seen,
        last_seen: row.last_seen,
        first_commit: row.first_commit,
        last_commit: row.last_commit,
        trend: row.trend,
        some_tests,
        some_configurations: places,
        bugs,
    }
}

impl Tabular for Causes {
    fn table(&self) -> Result<Table, AnswerError> {
        table::of_rows(&self.causes)
    }
}
