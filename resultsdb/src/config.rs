//! The configuration file.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::Context;
use ingest::IntakeOptions;
use query::{BugTracker, Limits, QueryOptions, Repository as KnownRepository};
use schema::links::MasterIds;
use serde::Deserialize;

/// Everything that can be configured; absent members have defaults that suit `serve`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    /// Title of the pages.
    pub(crate) title: String,
    /// Where a single service listens.
    pub(crate) listen: String,
    /// Kafka, for the three services.
    pub(crate) kafka: Kafka,
    /// ClickHouse, for the three services.
    pub(crate) clickhouse: ClickHouse,
    /// Where archives are kept by the three services: a folder, or `s3://bucket/prefix`.
    pub(crate) blobs: String,
    /// Repositories by id.
    pub(crate) repositories: BTreeMap<String, Repository>,
    /// Buildbot masters by host; a master without ids is asked for them over HTTPS.
    pub(crate) buildbot: BTreeMap<String, Master>,
    /// Suite → where the parts of its archives are found; answered as it is.
    pub(crate) archive_routes: toml::Table,
    /// Bug trackers by name.
    pub(crate) bug_trackers: BTreeMap<String, BugTracker>,
    /// Suites that a hosted CI runs.
    pub(crate) xcode_cloud_suites: Vec<String>,
    /// The architecture that pages prefer.
    pub(crate) default_architecture: Option<String>,
    /// Limits of timelines of tests.
    pub(crate) tests_limits: Limits,
    /// Limits of timelines of suites.
    pub(crate) suites_limits: Limits,
    /// Limits of lists of commits.
    pub(crate) commits_limits: Limits,
    /// Queries of the dashboards.
    pub(crate) dashboard_queries: Vec<toml::Table>,
}

/// Where the event log is.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Kafka {
    /// `host:port`, separated by commas.
    pub(crate) brokers: String,
}

/// Where the store is.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ClickHouse {
    /// Address of its HTTP interface.
    pub(crate) url: String,
    /// Database.
    pub(crate) database: String,
    /// User.
    pub(crate) user: String,
    /// A file that holds the password; no file means none.
    pub(crate) password_file: Option<PathBuf>,
}

/// A repository whose commits runs name.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Repository {
    /// What main, master and trunk are stored as.
    #[serde(default = "main_branch")]
    pub(crate) default_branch: String,
    /// How its commits are named, the preferred way first.
    #[serde(default)]
    pub(crate) representations: Vec<String>,
    /// Link template; `<commit>` is replaced by the commit's name.
    #[serde(default)]
    pub(crate) commit_url: Option<String>,
}

/// A buildbot master.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Master {
    /// Builder name → id.
    pub(crate) builders: BTreeMap<String, u64>,
    /// Worker name → id.
    pub(crate) workers: BTreeMap<String, u64>,
}

fn main_branch() -> String {
    "main".to_owned()
}

impl Default for Config {
    fn default() -> Self {
        Self {
            title: "Results Database".to_owned(),
            listen: "127.0.0.1:8080".to_owned(),
            kafka: Kafka::default(),
            clickhouse: ClickHouse::default(),
            blobs: "blobs".to_owned(),
            repositories: BTreeMap::new(),
            buildbot: BTreeMap::new(),
            archive_routes: toml::Table::new(),
            bug_trackers: BTreeMap::new(),
            xcode_cloud_suites: Vec::new(),
            default_architecture: None,
            tests_limits: Limits { max: 50_000, default: 5000 },
            suites_limits: Limits { max: 10_000, default: 1000 },
            commits_limits: Limits { max: 10_000, default: 1000 },
            dashboard_queries: Vec::new(),
        }
    }
}

impl Default for Kafka {
    fn default() -> Self {
        Self { brokers: "127.0.0.1:9092".to_owned() }
    }
}

impl Default for ClickHouse {
    fn default() -> Self {
        Self {
            url: "http://127.0.0.1:8123".to_owned(),
            database: "resultsdb".to_owned(),
            user: "default".to_owned(),
            password_file: None,
        }
    }
}

impl Config {
    /// Reads the file; none means defaults.
    pub(crate) fn load(path: Option<&Path>) -> anyhow::Result<Self> {
        let Some(path) = path else { return Ok(Self::default()) };
        let text =
            std::fs::read_to_string(path).with_context(|| format!("reading the configuration {}", path.display()))?;
        toml::from_str(&text).with_context(|| format!("in the configuration {}", path.display()))
    }

    /// What the intake needs of it.
    pub(crate) fn intake(&self, default_wait: Option<std::time::Duration>) -> IntakeOptions {
        let default_branches =
            self.repositories.iter().map(|(id, found)| (id.clone(), found.default_branch.clone())).collect();
        let masters = self.buildbot.iter().map(|(host, master)| {
            let Master { builders, workers } = master.clone();
            let known = !(builders.is_empty() && workers.is_empty());
            (host.clone(), known.then_some(MasterIds { builders, workers }))
        });
        IntakeOptions { default_branches, masters: masters.collect(), default_wait }
    }

    /// What the query service needs of it.
    pub(crate) fn query(&self) -> anyhow::Result<QueryOptions> {
        let repositories = self.repositories.iter().map(|(id, found)| KnownRepository {
            id: id.clone(),
            default_branch: found.default_branch.clone(),
            representations: found.representations.clone(),
            commit_url: found.commit_url.clone(),
        });
        let routes = serde_json::to_value(&self.archive_routes).context("archive_routes")?;
        let dashboards = self.dashboard_queries.iter().map(serde_json::to_value).collect::<Result<_, _>>();
        Ok(QueryOptions {
            title: self.title.clone(),
            repositories: repositories.collect(),
            archive_routes: routes.as_object().cloned().unwrap_or_default(),
            xcode_cloud_suites: self.xcode_cloud_suites.clone(),
            default_architecture: self.default_architecture.clone(),
            tests_limits: self.tests_limits,
            suites_limits: self.suites_limits,
            commits_limits: self.commits_limits,
            dashboard_queries: dashboards.context("dashboard_queries")?,
            masters: self.buildbot.keys().cloned().collect::<BTreeSet<_>>(),
            bug_trackers: self.bug_trackers.clone(),
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn unknown_members_are_refused_by_name() {
        let error = toml::from_str::<Config>("[kafka]\nbroker = 'x'").unwrap_err().to_string();
        assert!(error.contains("broker") && error.contains("brokers"), "{error}");
    }

    #[test]
    fn the_examples_load() {
        let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
        for name in ["minimal.toml", "webkit.toml"] {
            Config::load(Some(&examples.join(name))).unwrap().query().unwrap();
        }
    }
}
