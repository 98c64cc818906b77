//! Links of runs to their CI, and of suites to the queues that run them.

use std::collections::{BTreeMap, HashSet};

use schema::commit::branch_key;
use schema::configuration::Configuration;
use schema::ids::CommitKey;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;

use crate::ask::RunFilter;
use crate::error::AnswerError;
use crate::reads::configurations;
use crate::reads::links::{self, StoredLinks, StoredQueue};
use crate::reads::selection::{RunPlace, Selection};
use crate::store::Store;

/// Rows of each configuration and suite if the question names no limit.
const LINKS: u64 = 100;

/// A configuration that names its suite, too.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct SuiteConfiguration {
    /// The configuration.
    #[serde(flatten)]
    pub configuration: Configuration,
    /// The suite.
    pub suite: String,
}

impl JsonSchema for SuiteConfiguration {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "SuiteConfiguration".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        // A configuration as answers have it may name its suite.
        Configuration::json_schema(generator)
    }
}

/// The links of one run.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RunLinks {
    /// The commit.
    pub uuid: CommitKey,
    /// Start of the run, seconds since 1970.
    pub start_time: u32,
    /// The queue that ran it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub queue: String,
    /// Its build.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub build: String,
    /// The worker that ran it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub worker: String,
}

/// The links of a configuration's runs, oldest first.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ConfigurationLinks {
    /// The configuration and its suite.
    pub configuration: SuiteConfiguration,
    /// The links.
    pub urls: Vec<RunLinks>,
}

/// The queue that runs a suite.
#[derive(Debug, Serialize, JsonSchema)]
pub struct QueueLink {
    /// The configuration and its suite.
    pub configuration: SuiteConfiguration,
    /// The queue's page.
    pub url: String,
}

/// The links of the runs that a filter means, of some suites, of all if none is named.
pub async fn of_runs(
    store: &Store,
    filter: &RunFilter,
    suites: &[String],
) -> Result<Vec<ConfigurationLinks>, AnswerError> {
    let selection = Selection::of(store, filter, LINKS).await?;
    if selection.is_empty() {
        return Ok(Vec::new());
    }
    let suites: Vec<&str> = suites.iter().map(String::as_str).collect();
    let mut rows = links::newest(store, &suites, &selection).await?;
    rows.retain(|row| !selection.is_over(&row.suite, row.uuid));
    selection.sort(&mut rows, StoredLinks::place);
    let mut groups: BTreeMap<SuiteConfiguration, Vec<RunLinks>> = BTreeMap::new();
    for row in rows {
        if let Some(configuration) = selection.configuration(&row.place()) {
            let StoredLinks { suite, uuid, start_time, queue, build, worker, .. } = row;
            let links = RunLinks { uuid, start_time, queue, build, worker };
            groups.entry(SuiteConfiguration { configuration, suite }).or_default().push(links);
        }
    }
    Ok(groups.into_iter().map(|(configuration, urls)| ConfigurationLinks { configuration, urls }).collect())
}

/// The queues that run some suites (any if none is named) on the configurations that a filter means.
pub async fn queues(store: &Store, filter: &RunFilter, suites: &[String]) -> Result<Vec<QueueLink>, AnswerError> {
    let branch = branch_key(filter.branch.as_deref());
    let matching = configurations::matching(store, filter, branch).await?;
    if matching.is_empty() {
        return Ok(Vec::new());
    }
    let limit = filter.limit.unwrap_or(LINKS);
    let rows = links::queues(store, branch, matching.keys().copied(), limit).await?;
    let is_asked = |row: &StoredQueue| {
        (suites.is_empty() || suites.contains(&row.suite)) && (filter.sdks.is_empty() || filter.sdks.contains(&row.sdk))
    };
    let link = |row: StoredQueue| {
        let StoredQueue { config_id, suite, sdk, queue } = row;
        let configuration = matching.get(&config_id)?.clone();
        let configuration = Configuration { sdk: (!sdk.is_empty()).then_some(sdk), ..configuration };
        Some(QueueLink { configuration: SuiteConfiguration { configuration, suite }, url: queue })
    };
    Ok(rows.into_iter().filter(is_asked).filter_map(link).collect())
}

/// A run by what tells it from others of its suite: its configuration with its SDK, commit and start.
pub type RunIdentity = (Configuration, CommitKey, u32);

/// The selected runs of a suite that have a link to their build.
pub async fn runs_with_build(
    store: &Store,
    suite: &str,
    selection: &Selection,
) -> Result<HashSet<RunIdentity>, AnswerError> {
    Ok(identities(selection, links::places_with_build(store, suite, selection).await?))
}

/// The selected runs of a suite that left an archive behind.
pub async fn runs_with_archive(
    store: &Store,
    suite: &str,
    selection: &Selection,
) -> Result<HashSet<RunIdentity>, AnswerError> {
    Ok(identities(selection, links::places_with_archive(store, suite, selection).await?))
}

fn identities(selection: &Selection, places: Vec<RunPlace>) -> HashSet<RunIdentity> {
    let identity = |place: RunPlace| Some((selection.configuration(&place)?, place.uuid, place.start_time));
    places.into_iter().filter_map(identity).collect()
}
