//! Whether anything is known of what an entry is about. One that is about nothing is a slip of the pen, or comes before the
//! first run: it is kept, and its sender is told.

use clickhouse::Row;
use schema::configuration::Configuration;
use schema::run_notes::CHANGE_BRANCHES;
use serde::Deserialize;

use crate::checks::covered::CoveredFailures;
use crate::error::IntakeError;

/// So many configurations of a suite are looked at.
const MAX_CONFIGURATIONS: u64 = 10_000;

#[derive(Row, Deserialize)]
struct Ran {
    configuration: String,
}

/// What is odd about failures that somebody speaks of, in a sentence: no run is known of their suite, or none on such a
/// configuration. Runs of changes under review do not count.
///
/// # Errors
/// The store does not answer.
pub(super) async fn warning(
    client: &clickhouse::Client,
    covered: &CoveredFailures,
) -> Result<Option<String>, IntakeError> {
    let sql = "SELECT DISTINCT configuration FROM configurations WHERE (branch, config_id) IN \
               (SELECT branch, config_id FROM suites WHERE suite = ? AND NOT startsWith(branch, ?)) LIMIT ?";
    let query = client.query(sql).bind(&covered.suite).bind(CHANGE_BRANCHES).bind(MAX_CONFIGURATIONS);
    let ran: Vec<Ran> = query.fetch_all().await?;
    // Runs of all SDKs are one configuration. One that does not read back may be any.
    let asked = covered.configuration.without_sdk();
    let is_meant = |ran: &Ran| {
        let known: Option<Configuration> = serde_json::from_str(&ran.configuration).ok();
        known.is_none_or(|known| asked.describes(&known))
    };
    Ok(odd(covered, !ran.is_empty(), ran.iter().any(is_meant)))
}

fn odd(covered: &CoveredFailures, has_runs: bool, is_meant: bool) -> Option<String> {
    let CoveredFailures { suite, configuration, .. } = covered;
    let what = match (has_runs, is_meant) {
        (true, true) => return None,
        (false, _) => format!("of the suite '{suite}'"),
        (true, false) => format!("of '{suite}' on '{}'", configuration.name()),
    };
    Some(format!("No run {what} is known: the entry is kept, and is about nothing until there is one; check the names"))
}
