//! Runs of a suite, and results of one test, by configuration.

use schema::ids::CommitKey;
use schema::state::States;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::ask::RunFilter;
use crate::error::{AnswerError, broken};
use crate::reads::results::StoredResult;
use crate::reads::selection::{OfConfiguration, RunPlace, Selection};
use crate::reads::{results, runs};
use crate::renames;
use crate::statistics::RunCounts;
use crate::store::Store;
use crate::table::{self, CellKind, Table, Tabular};

/// Runs of each configuration if the question names no limit.
const RUNS: u64 = 1000;

/// A run of a suite.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SuiteRun {
    /// The commit.
    pub uuid: CommitKey,
    /// Start of the run, seconds since 1970.
    pub start_time: u32,
    /// What is known beside the statistics.
    pub details: RunDetails,
    /// Statistics, as they were uploaded and counted.
    #[schemars(with = "Map<String, Value>")]
    pub stats: Box<RawValue>,
}

/// What is known of a run beside its statistics.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RunDetails {
    /// Tests that failed and then passed.
    pub number_of_flaky_tests: u32,
}

/// The runs of a suite, by configuration, oldest first.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct SuiteRuns(pub Vec<OfConfiguration<SuiteRun>>);

/// The runs of a suite that a filter means.
pub async fn runs_of_suite(store: &Store, suite: &str, filter: &RunFilter) -> Result<SuiteRuns, AnswerError> {
    Ok(SuiteRuns(runs_in(store, suite, &Selection::of(store, filter, RUNS).await?).await?))
}

/// The runs of a suite in a selection.
pub async fn runs_in(
    store: &Store,
    suite: &str,
    selection: &Selection,
) -> Result<Vec<OfConfiguration<SuiteRun>>, AnswerError> {
    if selection.is_empty() {
        return Ok(Vec::new());
    }
    let rows = runs::newest(store, suite, selection).await?;
    selection.group(
        rows,
        |row| RunPlace { config_id: row.config_id, uuid: row.uuid, sdk: row.sdk.clone(), start_time: row.start_time },
        |row| {
            Ok(SuiteRun {
                uuid: row.uuid,
                start_time: row.start_time,
                details: RunDetails { number_of_flaky_tests: row.flaky },
                stats: RawValue::from_string(row.stats).map_err(broken)?,
            })
        },
    )
}

/// Members that every result of a test has.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(extend("additionalProperties" = true))]
struct ResultMembers {
    /// The commit.
    uuid: CommitKey,
    /// Start of the run, seconds since 1970.
    start_time: u32,
    /// The states that it had, the worst first.
    actual: String,
    /// The states that were expected.
    expected: String,
    /// How long it took, milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u32")]
    time: Option<u32>,
}

/// A result of a test. Its JSON is the reference's, which has no state for a test that did not run and says PASS of it; rows
/// and answers of our own have the states that it had.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct TestResult {
    /// Its commit, its start, its states as the reference has them, and whatever else its uploader said, which may replace
    /// those.
    #[schemars(with = "ResultMembers")]
    members: Map<String, Value>,
    /// The states that it had.
    #[serde(skip)]
    actual: States,
    /// The states that were expected.
    #[serde(skip)]
    expected: States,
}

impl TestResult {
    /// Its members with the states that it had: what did not run is no pass.
    fn with_all_states(&self) -> Map<String, Value> {
        let mut members = self.members.clone();
        members.insert("actual".to_owned(), self.actual.to_string().into());
        members.insert("expected".to_owned(), self.expected.to_string().into());
        members
    }
}

/// The results of a test, by configuration, oldest first.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct TestResults(pub Vec<OfConfiguration<TestResult>>);

impl TestResults {
    /// The same for answers that are not the reference's: what did not run is no pass.
    #[must_use]
    pub fn with_all_states(mut self) -> Self {
        for result in self.0.iter_mut().flat_map(|of| &mut of.results) {
            result.members = result.with_all_states();
        }
        self
    }
}

/// The results of a test that a filter means.
pub async fn results_of_test(
    store: &Store,
    suite: &str,
    test: &str,
    filter: &RunFilter,
) -> Result<TestResults, AnswerError> {
    let selection = Selection::of(store, filter, RUNS).await?;
    let rows = rows_of_test(store, suite, test, &selection).await?;
    let results = selection.group(rows, StoredResult::place, |row| {
        let (actual, expected) = (States::from_bits(row.actual), States::from_bits(row.expected));
        let mut members = table::members(&ResultMembers {
            uuid: row.uuid,
            start_time: row.start_time,
            actual: actual.of_reference().to_string(),
            expected: expected.of_reference().to_string(),
            time: row.time(),
        })?;
        if !row.extra.is_empty() {
            let mut extra = serde_json::from_str::<Map<String, Value>>(&row.extra).map_err(broken)?;
            // States as they were written, where the reference knows no such states.
            extra.retain(|name, _| name != "actual" && name != "expected");
            members.extend(extra);
        }
        Ok(TestResult { members, actual, expected })
    })?;
    Ok(TestResults(results))
}

/// The selected rows of one test, those of its former names among them.
pub(crate) async fn rows_of_test(
    store: &Store,
    suite: &str,
    test: &str,
    selection: &Selection,
) -> Result<Vec<StoredResult>, AnswerError> {
    if selection.is_empty() {
        return Ok(Vec::new());
    }
    let tenures = renames::tenures(store, suite, test).await?;
    results::newest(store, suite, &tenures, selection).await
}

impl Tabular for SuiteRuns {
    fn table(&self) -> Result<Table, AnswerError> {
        let own = [table::columns::<SuiteRun>(), table::columns::<RunCounts>()].concat();
        let mut rows = Vec::new();
        for OfConfiguration { configuration, results } in &self.0 {
            for run in results {
                let stats: Map<String, Value> = serde_json::from_str(run.stats.get()).unwrap_or_default();
                let cells = table::cells(&own, &[&table::members(run)?, &stats]);
                rows.push(table::row_with_configuration(Vec::new(), configuration, cells)?);
            }
        }
        Ok(Table { columns: table::with_configuration(Vec::new(), own), rows })
    }
}

impl Tabular for TestResults {
    fn table(&self) -> Result<Table, AnswerError> {
        let own = table::columns::<ResultMembers>();
        let mut rows = Vec::new();
        for OfConfiguration { configuration, results } in &self.0 {
            for result in results {
                let members = result.with_all_states();
                let others = members.iter().filter(|(name, _)| !own.iter().any(|column| column.name == **name));
                let others: Map<String, Value> = others.map(|(name, value)| (name.clone(), value.clone())).collect();
                let more = if others.is_empty() { Value::Null } else { Value::Object(others).to_string().into() };
                let cells = [table::cells(&own, &[&members]), vec![more]].concat();
                rows.push(table::row_with_configuration(Vec::new(), configuration, cells)?);
            }
        }
        Ok(Table {
            columns: table::with_configuration(Vec::new(), [own, table::of_kind(CellKind::Text, ["more"])].concat()),
            rows,
        })
    }
}
