//! Results of changes under review, and the names of their tests.

use std::collections::BTreeMap;

use schema::commit::branch_key;
use schema::configuration::Configuration;
use schema::ids::CommitKey;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::ask::RunFilter;
use crate::error::{AnswerError, broken, invalid, not_found};
use crate::reads::configurations;
use crate::reads::ews::{self as reads, EwsRows, StoredEwsResult, newest};
use crate::store::Store;

/// Tests that one question may name.
const TESTS: usize = 100;
/// Results of each test and configuration if the question names no limit.
const RESULTS: u64 = 100;

/// Which results are asked for.
#[derive(Debug, Clone, Default)]
pub struct EwsQuestion {
    /// The suite.
    pub suite: String,
    /// The tests, at most a hundred.
    pub tests: Vec<String>,
    /// Flaky results rather than failures.
    pub flaky: bool,
    /// Branch, configurations and start times.
    pub runs: RunFilter,
}

/// One result.
#[derive(Debug, Serialize, JsonSchema)]
pub struct EwsResult {
    /// The commit that the change was tested on.
    pub uuid: CommitKey,
    /// Start of the run, seconds since 1970.
    pub start_time: u32,
    /// The result as it was uploaded.
    #[schemars(with = "Map<String, Value>")]
    pub result: Box<RawValue>,
    /// What is known of the change.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Map<String, Value>")]
    pub details: Option<Box<RawValue>>,
    /// In which way it was flaky.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub flaky_type: Option<String>,
}

/// The results of one test on one configuration, oldest first.
#[derive(Debug, Serialize, JsonSchema)]
pub struct EwsResults {
    /// The test.
    pub test: String,
    /// The configuration.
    pub configuration: Configuration,
    /// The results.
    pub results: Vec<EwsResult>,
}

/// Results of some tests.
///
/// # Errors
/// No test or too many are named, or there is no such result.
pub async fn find(store: &Store, question: &EwsQuestion) -> Result<Vec<EwsResults>, AnswerError> {
    let EwsQuestion { suite, tests, flaky, runs } = question;
    let mut tests = tests.clone();
    tests.sort_unstable();
    tests.dedup();
    match tests.len() {
        0 => return Err(invalid("No valid test specified")),
        count if count > TESTS => {
            return Err(invalid(format!("Cannot query more than {TESTS} tests at a time, got {count} tests")));
        }
        _ => {}
    }
    let branch = branch_key(runs.branch.as_deref());
    let matching = configurations::matching(store, runs, branch).await?;
    let limit = runs.limit.unwrap_or(RESULTS);
    let asked = EwsRows { flaky: *flaky, suite, tests: &tests, branch, started: runs.started, sdks: &runs.sdks, limit };
    let rows = if matching.is_empty() { Vec::new() } else { newest(store, &asked, matching.keys().copied()).await? };
    let mut groups: BTreeMap<(String, Configuration), Vec<EwsResult>> = BTreeMap::new();
    for row in rows {
        let Some(configuration) = matching.get(&row.config_id) else { continue };
        let StoredEwsResult { test, uuid, sdk, start_time, result, details, flaky_type, .. } = row;
        let configuration = Configuration { sdk: (!sdk.is_empty()).then_some(sdk), ..configuration.clone() };
        let details = (!details.is_empty()).then(|| RawValue::from_string(details)).transpose().map_err(broken)?;
        groups.entry((test, configuration)).or_default().push(EwsResult {
            uuid,
            start_time,
            result: RawValue::from_string(result).map_err(broken)?,
            details,
            flaky_type: (!flaky_type.is_empty()).then_some(flaky_type),
        });
    }
    if groups.is_empty() {
        return Err(not_found("No EWS results matching the specified criteria"));
    }
    let of_test = |((test, configuration), mut results): ((String, Configuration), Vec<EwsResult>)| {
        results.sort_by_key(|result| (result.uuid, result.start_time));
        EwsResults { test, configuration, results }
    };
    Ok(groups.into_iter().map(of_test).collect())
}

/// Names of tests that have such results and begin with one of the prefixes, sorted, at most `limit` over all prefixes.
pub async fn test_names(
    store: &Store,
    suite: &str,
    flaky: bool,
    prefixes: &[String],
    limit: u64,
) -> Result<Vec<String>, AnswerError> {
    reads::test_names(store, flaky, suite, prefixes, limit).await
}
