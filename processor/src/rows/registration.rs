//! What each event about a run registers: the configuration and the suite that ran on a branch.

use schema::commit::{Commit, branch_keys, run_uuid};
use schema::configuration::{Configuration, stable_hash};
use schema::store::results::Run;
use schema::store::rows::{ConfigurationRow, SuiteRow};

use super::columns::{json, seconds, week};
use super::event_rows::EventRows;

/// Seconds of an hour.
///
/// Only the day matters of when a configuration ran last. Rows therefore say in which hour it started last, so that all
/// uploads of an hour write it once.
pub(super) const HOUR_SECONDS: u32 = schema::seconds::HOUR as u32;

/// The runs that an event writes: one for each branch key of its commits. `timestamp` is the start of the run in seconds
/// since 1970.
pub(super) fn runs_of_branches(
    suite: &str,
    configuration: &Configuration,
    commits: &[Commit],
    timestamp: i64,
    version: u64,
) -> Vec<Run> {
    let uuid = run_uuid(commits);
    let run = |branch| Run {
        suite: suite.into(),
        branch,
        config_id: configuration.id(),
        uuid,
        sdk: configuration.sdk.as_deref().unwrap_or_default().into(),
        start_time: seconds(timestamp),
        version,
    };
    branch_keys(commits).into_iter().map(run).collect()
}

/// Adds the configuration and the suite of runs that were received at a time, seconds since 1970.
pub(super) fn add(rows: &mut EventRows, runs: &[Run], configuration: &Configuration, received_at: i64) {
    add_configuration(rows, runs, configuration);
    let week = week(received_at);
    for run in runs {
        let (branch, id) = (run.branch.as_bytes(), run.config_id.to_le_bytes());
        if rows.is_new(stable_hash(&[b"suite", branch, &id, run.suite.as_bytes()]), week) {
            rows.suites.push(SuiteRow {
                branch: run.branch.clone(),
                config_id: run.config_id,
                suite: run.suite.clone(),
                last_upload: week,
            });
        }
    }
}

/// Adds the configuration of runs.
pub(super) fn add_configuration(rows: &mut EventRows, runs: &[Run], configuration: &Configuration) {
    for run in runs {
        let (branch, id) = (run.branch.as_bytes(), run.config_id.to_le_bytes());
        let hour = run.start_time.div_ceil(HOUR_SECONDS).saturating_mul(HOUR_SECONDS);
        if rows.is_new(stable_hash(&[b"configuration", branch, &id]), hour) {
            rows.configurations.push(ConfigurationRow {
                branch: run.branch.clone(),
                config_id: run.config_id,
                configuration: json(&configuration.without_sdk()),
                last_start_time: hour,
            });
        }
    }
}
