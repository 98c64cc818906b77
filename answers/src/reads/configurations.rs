//! Reads stored configurations, by way of what is remembered of them.

use std::collections::HashMap;
use std::sync::Arc;

use clickhouse::Row;
use schema::configuration::Configuration;
use schema::ids::ConfigId;
use schema::seconds::DAY;
use schema::store::rows::ConfigurationRow;
use serde::Deserialize;

pub(crate) use super::configuration_cache::{StoredConfiguration, StoredConfigurations};
use super::statement::Fragment;
use crate::ask::RunFilter;
use crate::error::{AnswerError, broken};
use crate::store::Store;

/// Configurations whose last run started longer ago are left out unless asked for, seconds.
const RECENT_SECONDS: u64 = 14 * DAY;

/// Configurations by their ids.
pub(crate) type Configurations = HashMap<ConfigId, Configuration>;

/// All configurations of a branch key.
pub(crate) async fn stored(store: &Store, branch: &str) -> Result<Arc<StoredConfigurations>, AnswerError> {
    store.configurations.get(branch, store.watermark.latest(), load(store, branch)).await
}

/// The configurations of a branch key that a filter means.
pub(crate) async fn matching(store: &Store, filter: &RunFilter, branch: &str) -> Result<Configurations, AnswerError> {
    let oldest = if filter.recent { store.clock.now().saturating_sub(RECENT_SECONDS) } else { 0 };
    let is_meant = |one: &&StoredConfiguration| {
        u64::from(one.last_start_time) >= oldest && filter.configurations.matches(&one.configuration)
    };
    let stored = stored(store, branch).await?;
    Ok(stored.all.iter().filter(is_meant).map(|one| (one.id, one.configuration.clone())).collect())
}

/// Branches beside the default one on which something ran, sorted.
pub(crate) async fn branches(store: &Store, limit: u64) -> Result<Vec<String>, AnswerError> {
    let sql = "SELECT DISTINCT branch FROM configurations WHERE branch != 'default' ORDER BY branch LIMIT {limit}";
    Fragment::new(sql).value("limit", limit).all(&store.client).await
}

#[derive(Row, Deserialize)]
struct SuiteOfConfiguration {
    config_id: ConfigId,
    suite: String,
}

#[derive(Row, Deserialize)]
struct FirstWeek {
    suite: String,
    commit_week: u32,
}

async fn load(store: &Store, branch: &str) -> Result<Arc<StoredConfigurations>, AnswerError> {
    let rows: Vec<ConfigurationRow> = Fragment::new("SELECT ?fields FROM configurations WHERE branch = {branch}")
        .value("branch", branch)
        .all(&store.client)
        .await?;
    let ran: Vec<SuiteOfConfiguration> =
        Fragment::new("SELECT config_id, suite FROM suites WHERE branch = {branch} ORDER BY suite")
            .value("branch", branch)
            .all(&store.client)
            .await?;
    let weeks: Vec<FirstWeek> = Fragment::new(
        "SELECT suite, min(commit_week) AS commit_week FROM tested_weeks WHERE branch = {branch} GROUP BY suite",
    )
    .value("branch", branch)
    .all(&store.client)
    .await?;
    let mut suites: HashMap<ConfigId, Vec<String>> = HashMap::new();
    for SuiteOfConfiguration { config_id, suite } in ran {
        suites.entry(config_id).or_default().push(suite);
    }
    let stored = rows.into_iter().map(|row| {
        let id = ConfigId(row.config_id);
        let configuration = serde_json::from_str(&row.configuration).map_err(broken)?;
        let suites = suites.remove(&id).unwrap_or_default();
        Ok(StoredConfiguration { id, configuration, suites, last_start_time: row.last_start_time })
    });
    let all = stored.collect::<Result<_, AnswerError>>()?;
    let first_weeks = weeks.into_iter().map(|first| (first.suite, u64::from(first.commit_week))).collect();
    Ok(Arc::new(StoredConfigurations { all, first_weeks }))
}
