//! The rows of a change under review: one for each test that failed or was flaky.

use schema::results;
use schema::store::results::Run;
use schema::store::rows::EwsRow;
use serde_json::{Map, Value};

use super::columns::{json, seconds};
use super::event_rows::EventRows;

/// What the uploader says of all tests of a change.
pub(super) struct Change {
    /// How the tests were found to be flaky; none if they failed.
    pub(super) flaky_type: Option<String>,
    /// What the uploader says of the change.
    pub(super) details: Option<Map<String, Value>>,
    /// When the intake took the upload, seconds since 1970.
    pub(super) received_at: i64,
}

/// Adds the tests of a change: `test_results` is the JSON text of an object with a member for each test.
pub(super) fn add(rows: &mut EventRows, runs: &[Run], test_results: &str, change: &Change) {
    let details = change.details.as_ref().map_or_else(String::new, json);
    let tests = results::members(test_results).unwrap_or_default();
    for run in runs {
        for (test, result) in &tests {
            rows.ews_results.push(EwsRow {
                flaky: u8::from(change.flaky_type.is_some()),
                suite: run.suite.clone(),
                test: test.to_string(),
                branch: run.branch.clone(),
                config_id: run.config_id,
                uuid: run.uuid,
                sdk: run.sdk.clone(),
                start_time: run.start_time,
                uploaded_at: seconds(change.received_at),
                result: (*result).to_owned(),
                details: details.clone(),
                flaky_type: change.flaky_type.clone().unwrap_or_default(),
                version: run.version,
            });
        }
    }
}
