//! Uploads as they came, and what processing makes of them.

use std::collections::BTreeSet;

use schema::configuration::Configuration;
use schema::event::{CI_URLS, STEPS};
use schema::links::{self, MasterIds};
use schema::results::{self, ResultsError};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use crate::ask::RunFilter;
use crate::error::{AnswerError, broken, not_found};
use crate::reads::selection::Selection;
use crate::reads::uploads::{self, StoredUpload};
use crate::store::Store;
use crate::suites;

/// Uploads of each configuration if the question names no limit.
const UPLOADS: u64 = 100;

/// An upload as it came.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Upload {
    /// The configuration.
    pub configuration: Configuration,
    /// The suite.
    pub suite: String,
    /// The commits.
    #[schemars(with = "Vec<schema::commit::Commit>")]
    pub commits: Box<RawValue>,
    /// Start of the run, seconds since 1970.
    pub timestamp: u32,
    /// The document of the results.
    #[schemars(with = "Map<String, Value>")]
    pub test_results: Box<RawValue>,
}

/// What processing made of an upload.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ProcessedUpload {
    /// The configuration.
    pub configuration: Configuration,
    /// The suite.
    pub suite: String,
    /// The commits.
    #[schemars(with = "Vec<schema::commit::Commit>")]
    pub commits: Box<RawValue>,
    /// Start of the run, seconds since 1970.
    pub timestamp: u32,
    /// What each step came to.
    #[schemars(extend("$ref" = "#/components/schemas/Processing"))]
    pub processing: Value,
}

/// The uploads of the runs that a filter means, of some suites, of all if none is named.
pub async fn find(store: &Store, filter: &RunFilter, suites: &[String]) -> Result<Vec<Upload>, AnswerError> {
    let rows = rows(store, filter, suites).await?;
    let upload = |(configuration, suite, row): (Configuration, String, StoredUpload)| {
        Ok(Upload {
            configuration,
            suite,
            commits: RawValue::from_string(row.commits).map_err(broken)?,
            timestamp: row.start_time,
            test_results: RawValue::from_string(row.test_results).map_err(broken)?,
        })
    };
    rows.into_iter().map(upload).collect()
}

/// What processing makes of the same uploads. The views are a pure function of the events, so that processing an upload
/// again changes nothing. `masters` are the hosts whose links can be derived.
///
/// # Errors
/// There is no such upload.
pub async fn processed(
    store: &Store,
    filter: &RunFilter,
    suites: &[String],
    masters: &BTreeSet<String>,
) -> Result<Vec<ProcessedUpload>, AnswerError> {
    let rows = rows(store, filter, suites).await?;
    if rows.is_empty() {
        return Err(not_found("No uploads matching the specified criteria"));
    }
    let processed = |(configuration, suite, row): (Configuration, String, StoredUpload)| {
        Ok(ProcessedUpload {
            configuration,
            suite,
            commits: RawValue::from_string(row.commits).map_err(broken)?,
            timestamp: row.start_time,
            processing: steps(masters, &row.test_results),
        })
    };
    rows.into_iter().map(processed).collect()
}

fn steps(masters: &BTreeSet<String>, test_results: &str) -> Value {
    let document = serde_json::from_str::<&RawValue>(test_results)
        .map_err(|error| ResultsError::Json(error.to_string()))
        .and_then(|document| results::members(document.get()));
    let member = |name: &str| results::member(document.as_ref().ok()?, name);
    let walked = member("results").map_or(Err(ResultsError::NotAnObject), |tree| results::walk(tree, |_, _| {}));
    let details: Map<String, Value> =
        member("details").and_then(|details| serde_json::from_str(details).ok()).unwrap_or_default();
    let is_known = links::master(&details).is_some_and(|master| masters.contains(master));
    let linked = links::derive(&details, is_known.then(MasterIds::default).as_ref());
    let steps = STEPS.iter().map(|step| {
        let failed = |error: &dyn std::fmt::Display| json!({ "status": "error", "description": error.to_string() });
        let status = match (&walked, &linked) {
            (Err(error), _) if step.reads_results => failed(error),
            (_, Err(error)) if step.name == CI_URLS => failed(error),
            _ => json!({ "status": "ok" }),
        };
        (step.name.to_owned(), status)
    });
    Value::Object(steps.collect())
}

async fn rows(
    store: &Store,
    filter: &RunFilter,
    suites: &[String],
) -> Result<Vec<(Configuration, String, StoredUpload)>, AnswerError> {
    let selection = Selection::of(store, filter, UPLOADS).await?;
    if selection.is_empty() {
        return Ok(Vec::new());
    }
    let asked: BTreeSet<String> = if suites.is_empty() {
        suites::of_selection(store, &selection).await?
    } else {
        suites.iter().cloned().collect()
    };
    let mut found = Vec::new();
    for suite in asked {
        let mut rows = uploads::newest(store, &suite, &selection).await?;
        selection.sort(&mut rows, StoredUpload::place);
        for row in rows {
            if let Some(configuration) = selection.configuration(&row.place()) {
                found.push((configuration, suite.clone(), row));
            }
        }
        if found.len() as u64 >= selection.limit {
            break;
        }
    }
    Ok(found)
}
