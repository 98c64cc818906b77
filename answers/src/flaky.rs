//! Which tests of a suite are unreliable, over weeks.
//!
//! Almost all results are passes, so the question goes to the failures first: they name the tests that can be on the
//! list at all, at a hundredth of the rows. Only for those is every result read, which gives exact counts, flips and
//! disagreements. Runs that failed as a whole say nothing about their tests and are left out.

use std::collections::HashMap;

use analysis::interval::wilson;
use schema::bug::BugLink;
use schema::configuration::Configuration;
use schema::ids::{ConfigId, TestId};
use schemars::JsonSchema;
use serde::Serialize;

use crate::ask::RunFilter;
use crate::bugs::{self, addresses};
use crate::commit_range::RunBounds;
use crate::error::AnswerError;
use crate::reads::failures::FailedShare;
use crate::reads::results::TestHistory;
use crate::reads::selection::Selection;
use crate::reads::{failures, results, runs};
use crate::search::{Field, Search, Subject};
use crate::store::Store;
use crate::table::{self, Table, Tabular};

/// The version of the rule, for whoever keeps its verdicts.
pub const RULE: &str = "wilson-1";
/// Tests whose results are read for each one that is answered.
const CANDIDATES: u64 = 3;
/// What can be asked about the tests of the list.
pub const FIELDS: [Field; 3] = [Field::Flaky, Field::Count, Field::Bug];
/// Tests answered if the question names no limit, and at most.
const TESTS: u64 = 100;
const MAX_TESTS: u64 = 1000;

/// Which tests are asked for.
#[derive(Debug, Clone, Default)]
pub struct FlakyQuestion {
    /// The suite.
    pub suite: String,
    /// How far back, weeks.
    pub weeks: u64,
    /// Branch and configurations; its limit is one of tests.
    pub runs: RunFilter,
    /// Narrows the list.
    pub search: Search,
}

/// How unreliable a test was.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct UnreliableTest {
    /// The test.
    pub test: String,
    /// Results in the time asked about.
    pub runs: u64,
    /// Those that failed unexpectedly.
    pub unexpected: u64,
    /// Their share.
    #[schemars(range(min = 0, max = 1))]
    pub rate: f64,
    /// The lower end of the interval that holds the true share with 95 % confidence ([`wilson`]); it ranks.
    #[schemars(range(min = 0, max = 1))]
    pub lower: f64,
    /// The upper end.
    #[schemars(range(min = 0, max = 1))]
    pub upper: f64,
    /// Neighbouring results, in the order of commits on one configuration, that differ.
    pub flips: u64,
    /// Those on the configuration with the most of them.
    #[serde(skip)]
    pub most_flips: u64,
    /// Commits on which one configuration saw it both fail and pass.
    pub disagreements: u64,
    /// Configurations on which it ran.
    pub configurations: u64,
    /// Addresses of the bugs that explain its failures.
    #[serde(serialize_with = "addresses::serialize")]
    #[schemars(with = "Vec<String>")]
    pub bugs: Vec<BugLink>,
}

/// The most unreliable tests of a suite.
#[derive(Debug, Serialize, JsonSchema)]
pub struct FlakyTests {
    /// The suite.
    pub suite: String,
    /// How far back, weeks.
    pub weeks: u64,
    /// The version of the rule.
    pub rule: &'static str,
    /// Runs that broke as a whole and are left out.
    pub broken: u64,
    /// Whether there are more tests than the list has.
    #[serde(skip)]
    pub is_cut: bool,
    /// The tests, the most unreliable first.
    pub tests: Vec<UnreliableTest>,
}

impl UnreliableTest {
    fn of(history: TestHistory, test: &str) -> Self {
        let TestHistory { runs, unexpected, flips, most_flips, disagreements, configurations, .. } = history;
        let (lower, upper) = wilson(unexpected, runs);
        Self {
            test: test.to_owned(),
            runs,
            unexpected,
            rate: unexpected as f64 / runs.max(1) as f64,
            lower,
            upper,
            flips,
            most_flips,
            disagreements,
            configurations,
            bugs: Vec::new(),
        }
    }

    fn is_meant(&self, suite: &str, search: &Search) -> bool {
        search.matches(&Subject {
            suite,
            test: &self.test,
            share: self.rate,
            count: self.configurations,
            bugs: &self.bugs.iter().collect::<Vec<_>>(),
            ..Subject::default()
        })
    }
}

/// The most unreliable tests.
pub async fn find(store: &Store, question: &FlakyQuestion) -> Result<FlakyTests, AnswerError> {
    let FlakyQuestion { suite, weeks, runs: filter, search } = question;
    let limit = filter.limit.unwrap_or(TESTS).min(MAX_TESTS);
    let selection = Selection::within(store, filter, RunBounds::last_weeks(store, *weeks), limit).await?;
    let mut found =
        FlakyTests { suite: suite.clone(), weeks: *weeks, rule: RULE, broken: 0, is_cut: false, tests: Vec::new() };
    if selection.is_empty() {
        return Ok(found);
    }
    let counts = runs::counts(store, suite, &selection).await?;
    found.broken = counts.iter().map(|count| count.broken).sum();
    let ran: Vec<(ConfigId, u64)> = counts.into_iter().map(|count| (count.config_id, count.runs)).collect();
    let candidates = candidates(store, suite, &selection, &ran, search, limit * CANDIDATES).await?;
    let names: HashMap<TestId, &String> = candidates.iter().map(|test| (TestId::of(suite, test), test)).collect();
    if names.is_empty() {
        return Ok(found);
    }
    let histories = results::histories(store, suite, &selection, found.broken > 0, names.keys().copied()).await?;
    let links = bugs::of_suite(store, suite).await?;
    let places: Vec<Configuration> =
        ran.iter().filter_map(|(config_id, _)| selection.matching.get(config_id).cloned()).collect();
    for history in histories {
        let Some(name) = names.get(&history.test_id) else { continue };
        let mut test = UnreliableTest::of(history, name);
        test.bugs = links.of(&test.test, &places).into_iter().cloned().collect();
        if test.is_meant(suite, search) {
            found.tests.push(test);
        }
    }
    let tests = &mut found.tests;
    tests.sort_by(|one, other| other.lower.total_cmp(&one.lower).then_with(|| one.test.cmp(&other.test)));
    found.is_cut = tests.len() as u64 > limit;
    tests.truncate(limit as usize);
    Ok(found)
}

/// The tests that may be the most unreliable. How often a test ran is not known here; the runs of the configurations
/// on which it failed stand in for it, which favours tests that fail on few configurations.
async fn candidates(
    store: &Store,
    suite: &str,
    selection: &Selection,
    ran: &[(ConfigId, u64)],
    search: &Search,
    limit: u64,
) -> Result<Vec<String>, AnswerError> {
    let shares = failures::shares(store, suite, selection, ran).await?;
    let lower = |share: FailedShare| (wilson(share.failed, share.ran).0, share.test);
    let mut ranked: Vec<(f64, String)> =
        shares.into_iter().filter(|share| search.may_match(&share.test)).map(lower).collect();
    ranked.sort_by(|one, other| other.0.total_cmp(&one.0).then_with(|| one.1.cmp(&other.1)));
    ranked.truncate(limit as usize);
    Ok(ranked.into_iter().map(|(_, test)| test).collect())
}

impl Tabular for FlakyTests {
    fn table(&self) -> Result<Table, AnswerError> {
        table::of_rows(&self.tests)
    }
}
