//! Configurations that fell silent: they ran a suite, but not for some hours.

use schema::configuration::Configuration;
use schema::seconds::HOUR;

use crate::ask::RunFilter;
use crate::error::AnswerError;
use crate::reads::runs::{self, LastStart};
use crate::reads::selection::Selection;
use crate::store::Store;

/// Configurations that stopped to run longer ago are gone.
const WEEKS: u64 = 4;

/// A configuration that fell silent.
#[derive(Debug, Clone)]
pub struct SilentConfiguration {
    /// The configuration.
    pub configuration: Configuration,
    /// Start of its last run, seconds since 1970.
    pub last_start_time: u32,
    /// Hours since then.
    pub hours: u64,
}

/// Configurations of the default branch that ran a suite, but not for these hours.
pub async fn find(store: &Store, suite: &str, hours: u64) -> Result<Vec<SilentConfiguration>, AnswerError> {
    let selection = Selection::started_within(store, suite, &RunFilter::default(), WEEKS, 1).await?;
    if selection.is_empty() {
        return Ok(Vec::new());
    }
    let now = store.clock.now();
    let silent = |LastStart { config_id, last_start_time }: LastStart| {
        let silent_for = now.saturating_sub(u64::from(last_start_time)) / HOUR;
        let configuration = selection.matching.get(&config_id).filter(|_| silent_for >= hours)?.clone();
        Some(SilentConfiguration { configuration, last_start_time, hours: silent_for })
    };
    Ok(runs::last_starts(store, suite, &selection).await?.into_iter().filter_map(silent).collect())
}
