//! What is remembered of stored configurations: a few hundred a branch, which almost every question needs.

use std::collections::HashMap;
use std::sync::Arc;

use moka::future::Cache;
use schema::configuration::Configuration;
use schema::ids::ConfigId;

use crate::error::AnswerError;

/// A stored configuration of a branch.
#[derive(Debug)]
pub(crate) struct StoredConfiguration {
    /// Its identity.
    pub(crate) id: ConfigId,
    /// Its members, without an SDK.
    pub(crate) configuration: Configuration,
    /// The suites that it ever ran, sorted.
    pub(crate) suites: Vec<String>,
    /// When its last run started, seconds since 1970.
    pub(crate) last_start_time: u32,
}

/// The stored configurations of a branch.
#[derive(Debug, Default)]
pub(crate) struct StoredConfigurations {
    /// Each of them.
    pub(crate) all: Vec<StoredConfiguration>,
    /// By suite: when the oldest week of commits begins that any of them ran, seconds since 1970.
    pub(crate) first_weeks: HashMap<String, u64>,
}

/// The configurations of branches as they were at a watermark.
#[derive(Clone)]
pub(crate) struct ConfigurationCache(Cache<(String, u64), Arc<StoredConfigurations>>);

impl ConfigurationCache {
    pub(crate) fn new() -> Self {
        Self(Cache::new(64))
    }

    /// The configurations of a branch key as they were at a watermark, which `load` reads if they are not remembered.
    pub(crate) async fn get(
        &self,
        branch: &str,
        watermark: u64,
        load: impl Future<Output = Result<Arc<StoredConfigurations>, AnswerError>>,
    ) -> Result<Arc<StoredConfigurations>, AnswerError> {
        self.0.try_get_with((branch.to_owned(), watermark), load).await.map_err(AnswerError::Shared)
    }
}
