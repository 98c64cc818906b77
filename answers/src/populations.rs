//! Which tests fail more often in one population of runs than in another: on a branch, in some weeks, or on some
//! configurations.
//!
//! Data flow: two run filters with their weeks → the tests that failed in the sample → what each of them did on every commit
//! of both populations, all attempts together → [`analysis::populations`]. A test that failed and passed on a commit passed:
//! flakes are no regression.

use std::collections::HashMap;

use analysis::compare::Attempts;
use analysis::history::Outcome;
use analysis::populations::{self as rule, Regression};
use schema::ids::{CommitKey, TestId};
use schema::seconds::WEEK;
use schema::state::States;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

use crate::ask::RunFilter;
use crate::commit_range::RunBounds;
use crate::error::{AnswerError, invalid};
use crate::reads::populations::{self as reads, AttemptCount, PopulationSize};
use crate::reads::selection::Selection;
use crate::store::Store;
use crate::suites;
use crate::table::{self, Table, Tabular};

/// Weeks of a sample, and of what it is compared with, if the question does not say.
pub const SAMPLE_WEEKS: u64 = 1;
/// See [`SAMPLE_WEEKS`].
pub const BASE_WEEKS: u64 = 4;
/// How far back a population may reach, weeks.
pub const MAX_WEEKS: u64 = 52;
/// Tests answered if the question names no limit, and at most.
const TESTS: u64 = 500;
const MAX_TESTS: u64 = 10_000;
/// Tests that are looked at: those that failed on the most commits of the sample. The others count as compared, and as no
/// regression.
const MOST_FAILED: u64 = 2000;

/// Runs that are compared with others.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PopulationFilter {
    /// Branch and configurations.
    pub runs: RunFilter,
    /// How many weeks of commits it has; 1 to [`MAX_WEEKS`].
    pub weeks: u64,
    /// How many weeks ago the last of them ends.
    pub ago: u64,
}

impl PopulationFilter {
    fn bounds(&self, store: &Store) -> RunBounds {
        let end = store.clock.commit_key().weeks_earlier(self.ago);
        // The first commit of a population is not the last one of the population before it.
        RunBounds::between(end.weeks_earlier(self.weeks).next(), end)
    }
}

/// Which populations of a suite are compared.
#[derive(Debug, Clone, Default)]
pub struct PopulationsQuestion {
    /// The suite.
    pub suite: String,
    /// Where regressions are looked for; the limit of its runs is one of tests.
    pub sample: PopulationFilter,
    /// What it is compared with.
    pub base: PopulationFilter,
    /// Whether failures that were expected count, too.
    pub with_expected: bool,
}

/// A population.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Population {
    /// The branch key.
    pub branch: String,
    /// The first commit that may belong to it.
    pub begin: CommitKey,
    /// The last one.
    pub end: CommitKey,
    /// Its runs.
    pub runs: u64,
    /// Runs that broke as a whole and are left out.
    pub broken: u64,
    /// Configurations that ran.
    pub configurations: u64,
}

/// A test in both populations. A place is a commit on a configuration, with all runs that it has there.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ComparedTest {
    /// The test.
    pub test: String,
    /// Whether it fails more often in the sample.
    #[serde(serialize_with = "level")]
    #[schemars(schema_with = "levels")]
    pub regression: Regression,
    /// Places of the sample where it failed, and never passed.
    pub sample_failed: u64,
    /// The other places of the sample where it ran.
    pub sample_passed: u64,
    /// Places of the base where it failed, and never passed.
    pub base_failed: u64,
    /// The other places of the base where it ran.
    pub base_passed: u64,
    /// The probability that chance alone makes such a difference ([`rule::fisher`], one-sided).
    #[schemars(range(min = 0, max = 1))]
    pub chance: f64,
    /// The same, adjusted for the number of tests that are compared ([`rule::benjamini_hochberg`]).
    #[schemars(range(min = 0, max = 1))]
    pub adjusted: f64,
}

/// Two populations and what is different.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Populations {
    /// The suite.
    pub suite: String,
    /// Where regressions are looked for.
    pub sample: Population,
    /// What it is compared with.
    pub base: Population,
    /// How many tests are compared, those that did not fail included.
    pub compared: u64,
    /// How many of them regressed extremely.
    pub extreme: u64,
    /// How many regressed significantly, but not extremely.
    pub significant: u64,
    /// Tests that failed in the sample: regressions first, the least likely to be chance first.
    pub tests: Vec<ComparedTest>,
}

/// The name of a level in answers.
pub fn level_name(regression: Regression) -> &'static str {
    match regression {
        Regression::None => "none",
        Regression::Significant => "significant",
        Regression::Extreme => "extreme",
    }
}

fn level<S: Serializer>(regression: &Regression, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(level_name(*regression))
}

fn levels(_: &mut SchemaGenerator) -> Schema {
    let names = [Regression::None, Regression::Significant, Regression::Extreme].map(level_name);
    json_schema!({ "type": "string", "enum": names })
}

/// How often a test failed and passed.
type Counts = (u64, u64);

/// Compares two populations.
///
/// # Errors
/// Both populations are the same, or one reaches back too far.
pub async fn find(store: &Store, question: &PopulationsQuestion) -> Result<Populations, AnswerError> {
    let PopulationsQuestion { suite, sample, base, with_expected } = question;
    for population in [sample, base] {
        let weeks = population.weeks.saturating_add(population.ago);
        if population.weeks == 0 || weeks > MAX_WEEKS {
            return Err(invalid(format!(
                "A population has 1 to {MAX_WEEKS} weeks, and begins at most {MAX_WEEKS} weeks ago"
            )));
        }
    }
    suites::expect(store, suite).await?;
    let (selected, selected_base) = tokio::try_join!(
        Selection::within(store, &sample.runs, sample.bounds(store), 1),
        Selection::within(store, &base.runs, base.bounds(store), 1)
    )?;
    if are_same(&selected, &selected_base) {
        return Err(invalid("Both populations are the same; name another branch, configuration or time for the base"));
    }
    let (size, size_base) =
        tokio::try_join!(population(store, suite, &selected), population(store, suite, &selected_base))?;
    let mut found = Populations {
        suite: suite.clone(),
        sample: size,
        base: size_base,
        compared: 0,
        extreme: 0,
        significant: 0,
        tests: Vec::new(),
    };
    if selected.is_empty() {
        return Ok(found);
    }
    let names = reads::most_failed(store, suite, &selected, !with_expected, MOST_FAILED).await?;
    let ids: Vec<TestId> = names.iter().map(|test| TestId::of(suite, test)).collect();
    let known = reads::tests_since(store, suite, selected.bounds.begin.time().saturating_sub(WEEK)).await?;
    let (counts, counts_base) = tokio::try_join!(
        counts(store, suite, &selected, &ids, *with_expected),
        counts(store, suite, &selected_base, &ids, *with_expected)
    )?;
    let of = |counts: &HashMap<TestId, Counts>, id: &TestId| counts.get(id).copied().unwrap_or_default();
    let tests = names.into_iter().zip(&ids).map(|(test, id)| (test, of(&counts, id), of(&counts_base, id)));
    found.compared = known.max(ids.len() as u64);
    found.tests = judged(tests.collect(), found.compared);
    let count = |level| found.tests.iter().filter(|test| test.regression == level).count() as u64;
    (found.extreme, found.significant) = (count(Regression::Extreme), count(Regression::Significant));
    found.tests.truncate(sample.runs.limit.unwrap_or(TESTS).min(MAX_TESTS) as usize);
    Ok(found)
}

/// Whether two selections have the same runs, however they were named.
fn are_same(one: &Selection, other: &Selection) -> bool {
    let is_in_other = |id| other.matching.contains_key(id);
    !one.is_empty()
        && (&one.branch, one.bounds, &one.sdks) == (&other.branch, other.bounds, &other.sdks)
        && one.matching.len() == other.matching.len()
        && one.matching.keys().all(is_in_other)
}

/// How much a selection has.
async fn population(store: &Store, suite: &str, selection: &Selection) -> Result<Population, AnswerError> {
    let size = match selection.is_empty() {
        true => PopulationSize::default(),
        false => reads::size(store, suite, selection).await?,
    };
    let PopulationSize { runs, broken, configurations } = size;
    let (begin, end) = (selection.bounds.begin, selection.bounds.end);
    Ok(Population { branch: selection.branch.clone(), begin, end, runs, broken, configurations })
}

/// How often some tests failed and passed.
async fn counts(
    store: &Store,
    suite: &str,
    selection: &Selection,
    tests: &[TestId],
    with_expected: bool,
) -> Result<HashMap<TestId, Counts>, AnswerError> {
    let mut counts: HashMap<TestId, Counts> = HashMap::new();
    if selection.is_empty() {
        return Ok(counts);
    }
    for AttemptCount { test_id, attempts, places } in reads::attempts(store, suite, selection, tests).await? {
        let mut joined = Attempts::default();
        for (actual, expected) in attempts {
            joined.add(States::from_bits(actual), States::from_bits(expected), with_expected);
        }
        let (failed, passed) = counts.entry(test_id).or_default();
        match joined.outcome() {
            Some(Outcome::Bad) => *failed += places,
            Some(_) => *passed += places,
            None => {}
        }
    }
    Ok(counts)
}

/// The tests with what the rule says of them, in the order of the answer. Of all that are `compared` those that are not
/// given did not fail.
fn judged(tests: Vec<(String, Counts, Counts)>, compared: u64) -> Vec<ComparedTest> {
    let mut chances: Vec<f64> =
        tests.iter().map(|(_, sample, base)| rule::fisher(sample.0, sample.1, base.0, base.1)).collect();
    chances.resize(tests.len().max(compared as usize), 1.0);
    let adjusted = rule::benjamini_hochberg(&chances);
    let judge = |((test, sample, base), (chance, adjusted)): ((String, Counts, Counts), (f64, f64))| ComparedTest {
        test,
        regression: rule::regression(sample, base, adjusted),
        sample_failed: sample.0,
        sample_passed: sample.1,
        base_failed: base.0,
        base_passed: base.1,
        chance,
        adjusted,
    };
    let mut tests: Vec<ComparedTest> = tests.into_iter().zip(chances.into_iter().zip(adjusted)).map(judge).collect();
    tests.sort_by(|one, other| {
        let by_level = other.regression.cmp(&one.regression);
        let by_chance = one.adjusted.total_cmp(&other.adjusted).then(one.chance.total_cmp(&other.chance));
        let by_failures = other.sample_failed.cmp(&one.sample_failed);
        by_level.then(by_chance).then(by_failures).then_with(|| one.test.cmp(&other.test))
    });
    tests
}

impl Tabular for Populations {
    fn table(&self) -> Result<Table, AnswerError> {
        table::of_rows(&self.tests)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level_of(sample: Counts, base: Counts, compared: u64) -> Regression {
        judged(vec![("a".to_owned(), sample, base)], compared)[0].regression
    }

    #[test]
    fn a_difference_counts_less_the_more_tests_are_compared() {
        assert_eq!(level_of((3, 17), (2, 198), 1), Regression::Significant);
        assert_eq!(level_of((3, 17), (2, 198), 20), Regression::None);
        assert_eq!(level_of((15, 5), (2, 198), 100_000), Regression::Extreme);
    }

    #[test]
    fn regressions_come_first_and_the_surest_of_them_before_others() {
        let tests = [("none", (1, 99), (0, 100)), ("some", (8, 92), (0, 400)), ("sure", (60, 40), (0, 400))];
        let tests = tests.map(|(test, sample, base)| (test.to_owned(), sample, base)).to_vec();
        let judged = judged(tests, 50);
        let order: Vec<&str> = judged.iter().map(|test| test.test.as_str()).collect();
        assert_eq!(order, ["sure", "some", "none"]);
        assert!(judged.iter().all(|test| test.adjusted >= test.chance));
    }
}
