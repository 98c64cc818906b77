//! Which tests failed: their names over all runs, or run by run.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use rustc_hash::FxHashSet;
use schema::ids::{CommitKey, ConfigId, TestId};
use schema::state::State;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::ask::RunFilter;
use crate::commit_range::RunBounds;
use crate::error::{AnswerError, not_found};
pub use crate::reads::failures::Failure;
use crate::reads::runs::PlacedRun;
use crate::reads::selection::{OfConfiguration, RunPlace, Selection};
use crate::reads::{failures, runs};
use crate::run_outcomes::{self, RunOutcomes, WantedRun};
use crate::store::Store;
use crate::table::{self, CellKind, Table, Tabular};
use crate::test_names;

/// Runs of each configuration if the question names no limit.
const RUNS: u64 = 1000;

/// Which failures are asked for.
#[derive(Debug, Clone, Default)]
pub struct FailuresQuestion {
    /// The suite.
    pub suite: String,
    /// The runs.
    pub runs: RunFilter,
    /// Whether failures that were expected are told, too.
    pub with_expected: bool,
    /// Whether they are told run by run.
    pub by_run: bool,
}

/// The failures of one run: its commit, its start in seconds since 1970, and the state of each test that failed.
#[derive(Debug, PartialEq)]
pub struct RunFailures {
    /// The commit.
    pub uuid: CommitKey,
    /// Start of the run, seconds since 1970.
    pub start_time: u32,
    /// Tests and their states.
    pub tests: Vec<(String, State)>,
}

/// What failed.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Failures {
    /// Names over all runs, sorted.
    Names(BTreeSet<String>),
    /// Run by run.
    ByRun(Vec<OfConfiguration<RunFailures>>),
}

/// The tests that failed.
///
/// # Errors
/// No run is selected, or the store does not answer.
pub async fn find(store: &Store, question: &FailuresQuestion) -> Result<Failures, AnswerError> {
    let FailuresQuestion { suite, runs, with_expected, by_run } = question;
    let selection = Selection::of(store, runs, RUNS).await?;
    if selection.is_empty() {
        return Err(no_run());
    }
    let placed = runs::newest_places(store, suite, &selection).await?;
    let selection = narrowed(&selection, &placed).ok_or_else(no_run)?;
    if !by_run {
        let names = match outcomes(store, suite, &selection, &placed).await? {
            Some(outcomes) => names(store, suite, &outcomes, !with_expected).await?,
            None => failures::names(store, suite, &selection, !with_expected).await?.into_iter().collect(),
        };
        return Ok(Failures::Names(names));
    }
    let rows = in_placed(store, suite, &selection, placed, !with_expected).await?;
    let run = |(RunPlace { uuid, start_time, .. }, failures): (RunPlace, Vec<Failure>)| {
        let tests = failures.into_iter().map(|failure| (failure.test, failure.state)).collect();
        Ok(RunFailures { uuid, start_time, tests })
    };
    Ok(Failures::ByRun(selection.group(of_each_run(rows), |(place, _)| place.clone(), run)?))
}

/// Failures by run, where those of one run stand together.
pub(crate) fn of_each_run(failures: Vec<Failure>) -> Vec<(RunPlace, Vec<Failure>)> {
    let mut runs: Vec<(RunPlace, Vec<Failure>)> = Vec::new();
    for failure in failures {
        let place = failure.place();
        match runs.last_mut() {
            Some((last, of_run)) if *last == place => of_run.push(failure),
            _ => runs.push((place, vec![failure])),
        }
    }
    runs
}

/// Nothing ran of what is asked for.
fn no_run() -> AnswerError {
    not_found("No test runs found with the specified criteria")
}

/// The failures of the selected runs, those of one run together.
pub async fn in_selection(
    store: &Store,
    suite: &str,
    selection: &Selection,
    unexpected: bool,
) -> Result<Vec<Failure>, AnswerError> {
    if selection.is_empty() {
        return Ok(Vec::new());
    }
    let placed = runs::newest_places(store, suite, selection).await?;
    in_placed(store, suite, selection, placed, unexpected).await
}

/// The same of runs that are known: the newest of the selection.
pub(crate) async fn in_placed(
    store: &Store,
    suite: &str,
    selection: &Selection,
    placed: Vec<PlacedRun>,
    unexpected: bool,
) -> Result<Vec<Failure>, AnswerError> {
    match outcomes(store, suite, selection, &placed).await? {
        Some(outcomes) => of_runs(store, suite, placed, &outcomes, unexpected).await,
        None => failures::by_run(store, suite, selection, unexpected).await,
    }
}

/// The selection without the time before its first run and without configurations that have none: each of them would
/// cost a granule. None if it has no run.
fn narrowed(selection: &Selection, placed: &[PlacedRun]) -> Option<Selection> {
    let begin = placed.iter().map(|run| run.uuid).min()?;
    let ran: HashSet<ConfigId> = placed.iter().map(|run| run.config_id).collect();
    let mut matching = selection.matching.clone();
    matching.retain(|config_id, _| ran.contains(config_id));
    Some(Selection { matching, bounds: RunBounds { begin, ..selection.bounds }, ..selection.clone() })
}

/// What the tests of some runs did, in their order; none if that is not known of all of them.
async fn outcomes(
    store: &Store,
    suite: &str,
    selection: &Selection,
    placed: &[PlacedRun],
) -> Result<Option<Vec<Arc<RunOutcomes>>>, AnswerError> {
    let wanted =
        |run: &PlacedRun| WantedRun { upload: run.upload(), roster: run.roster, failed: run.tests_unexpected_failed };
    let uploads: Vec<WantedRun> = placed.iter().map(wanted).collect();
    run_outcomes::of_uploads(store, suite, selection, &uploads).await
}

/// Names of the tests that failed in some runs.
async fn names(
    store: &Store,
    suite: &str,
    outcomes: &[Arc<RunOutcomes>],
    unexpected: bool,
) -> Result<BTreeSet<String>, AnswerError> {
    let failing: FxHashSet<TestId> =
        outcomes.iter().flat_map(|run| run.failing(unexpected)).map(|(test, _)| test).collect();
    let names = test_names::by_id(store, suite, failing.iter().copied()).await?;
    Ok(failing.into_iter().filter_map(|test| names.get(test)).map(|name| name.to_string()).collect())
}

/// The failures of some runs, those of one run together, by name.
async fn of_runs(
    store: &Store,
    suite: &str,
    placed: Vec<PlacedRun>,
    outcomes: &[Arc<RunOutcomes>],
    unexpected: bool,
) -> Result<Vec<Failure>, AnswerError> {
    let failing: Vec<Vec<(TestId, State)>> = outcomes.iter().map(|run| run.failing(unexpected)).collect();
    let tests: FxHashSet<TestId> = failing.iter().flatten().map(|(test, _)| *test).collect();
    let names = test_names::by_id(store, suite, tests.into_iter()).await?;
    let mut failures = Vec::with_capacity(failing.iter().map(Vec::len).sum());
    for (PlacedRun { config_id, uuid, sdk, start_time, .. }, failing) in placed.into_iter().zip(failing) {
        let named = failing.iter().filter_map(|(test, state)| Some((names.get(*test)?, *state)));
        let mut named: Vec<(&Arc<str>, State)> = named.collect();
        named.sort_unstable();
        failures.extend(named.into_iter().map(|(test, state)| {
            let (test, sdk) = (test.to_string(), sdk.clone());
            Failure { config_id, uuid, sdk, start_time, test, state }
        }));
    }
    Ok(failures)
}

impl Serialize for RunFailures {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut members = Map::new();
        members.insert("uuid".to_owned(), self.uuid.0.into());
        members.insert("start_time".to_owned(), self.start_time.into());
        // The reference's answer has the tests beside these two, which a test may be called like.
        members.extend(self.tests.iter().map(|(test, state)| (test.clone(), Value::from(state.name()))));
        members.serialize(serializer)
    }
}

impl JsonSchema for RunFailures {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "RunFailures".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "object",
            "properties": { "uuid": CommitKey::json_schema(generator), "start_time": { "type": "integer", "minimum": 0 } },
            "required": ["uuid", "start_time"],
            "additionalProperties": State::json_schema(generator),
        })
    }
}

impl Tabular for Failures {
    fn table(&self) -> Result<Table, AnswerError> {
        let of_configurations = match self {
            Self::Names(names) => {
                let rows = names.iter().map(|name| vec![Value::from(name.as_str())]).collect();
                return Ok(Table { columns: table::of_kind(CellKind::Text, ["test"]), rows });
            }
            Self::ByRun(of_configurations) => of_configurations,
        };
        let mut rows = Vec::new();
        for OfConfiguration { configuration, results } in of_configurations {
            for run in results {
                for (test, state) in &run.tests {
                    let own = vec![run.uuid.0.into(), run.start_time.into(), test.as_str().into(), state.name().into()];
                    rows.push(table::row_with_configuration(Vec::new(), configuration, own)?);
                }
            }
        }
        let own = [
            table::of_kind(CellKind::Whole, ["uuid", "start_time"]),
            table::of_kind(CellKind::Text, ["test", "state"]),
        ]
        .concat();
        Ok(Table { columns: table::with_configuration(Vec::new(), own), rows })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use schema::configuration::Configuration;

    #[test]
    fn names_are_one_column() {
        let table = Failures::Names(["a".to_owned(), "b,c".to_owned()].into()).table().unwrap();
        assert_eq!((table.columns, table.rows.len()), (table::of_kind(CellKind::Text, ["test"]), 2));
    }

    #[test]
    fn each_failure_of_a_run_is_a_row() {
        let configuration = Configuration { platform: Some("mac".into()), ..Configuration::default() };
        let tests = vec![("a.html".to_owned(), State::at(4)), ("uuid".to_owned(), State::CRASH)];
        let run = RunFailures { uuid: CommitKey(7), start_time: 8, tests };
        let table = Failures::ByRun(vec![OfConfiguration { configuration, results: vec![run] }]).table().unwrap();
        let ends: Vec<&[Value]> = table.rows.iter().map(|row| &row[9..13]).collect();
        let row = |test: &str, state: &str| vec![Value::from(7), 8.into(), test.into(), state.into()];
        assert_eq!(ends, [row("a.html", "TEXT"), row("uuid", "CRASH")]);
    }
}
