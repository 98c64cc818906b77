//! The configuration file.

mod address;
mod door;
mod kafka;
mod origins;
mod owner_files;
mod servers;
mod sql;
mod tls;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use access::{AccessOptions, Door};
use alerts::AlertOptions;
use answers::{OwnerPattern, Repository as KnownRepository, StatementLimits, SuiteMask, SuiteRules};
use anyhow::{Context, bail};
use ingest::sources::Source;
use ingest::{IntakeOptions, SuiteFile};
use outbound::Outbound;
use query::{ArchiveOrigin, BugTracker, Limits, QueryOptions, Representations};
use schema::links::MasterIds;
use schema::retention::{Retention, RetentionRule};
use serde::Deserialize;

use origins::Origins;

pub(crate) use kafka::Kafka;
pub(crate) use servers::{Archive, ClickHouse, ClusterMember, Export, Sweep, Traces};
pub(crate) use sql::Sql;
pub(crate) use tls::Tls;

/// Everything that can be configured; absent members have defaults that suit `serve`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    /// Title of the pages.
    pub(crate) title: String,
    /// Where users find the pages, such as `https://results.example.org`; for feeds and alerts.
    #[serde(deserialize_with = "address::read")]
    pub(crate) address: Option<String>,
    /// Another name of the query service, such as `https://archives.example.net`, by which it serves archived files alone.
    pub(crate) archive_origin: Option<ArchiveOrigin>,
    /// Who may come in; anybody where it is absent.
    pub(crate) access: Option<AccessOptions>,
    /// Who is told what broke.
    pub(crate) alerts: AlertOptions,
    /// Hosts and networks that the servers ask though they are not public.
    pub(crate) outbound: Outbound,
    /// Weeks after a commit's time that its results are kept where no `[[retention]]` says otherwise; five years if absent.
    pub(crate) retention_weeks: Option<u64>,
    /// Weeks that the results of some suites and branches are kept; the first that matches counts.
    pub(crate) retention: Vec<RetentionRule>,
    /// Where answers follow the reference though something better is known.
    pub(crate) compatibility: Compatibility,
    /// Thresholds of verdicts by suite; the first entry that is for a suite counts.
    pub(crate) rules: Vec<SuiteRules>,
    /// What becomes a `*` in patterns of messages, by suite; all entries that are for a suite count.
    pub(crate) masks: Vec<SuiteMask>,
    /// Who owns tests, by suite and name; of the entries that match a test the last one counts.
    pub(crate) owners: Vec<OwnerPattern>,
    /// Where a single service listens.
    pub(crate) listen: String,
    /// The files of a service that speaks TLS; HTTP alone where it is absent.
    pub(crate) tls: Option<Tls>,
    /// What the intake takes.
    pub(crate) intake: Intake,
    /// Kafka, for the three services.
    pub(crate) kafka: Kafka,
    /// The archive of events, which outlives Kafka's retention.
    pub(crate) archive: Archive,
    /// When blobs that no event names are removed.
    pub(crate) sweep: Sweep,
    /// When facts are written as Parquet to the blob store.
    pub(crate) export: Export,
    /// Where traces go.
    pub(crate) traces: Traces,
    /// ClickHouse, for the three services.
    pub(crate) clickhouse: ClickHouse,
    /// What one statement of a question may take.
    pub(crate) statements: StatementLimits,
    /// As whom SQL of others is asked; without it none is answered.
    pub(crate) sql: Option<Sql>,
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

/// What answers do as the reference does, for clients that count on it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Compatibility {
    /// A test's own timeline goes on to show results that a later upload of the run does not name any more.
    pub(crate) keep_replaced_results: bool,
}

/// What the intake takes.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Intake {
    /// Whether uploads whose senders have no preference are refused rather than taken in part.
    pub(crate) strict: bool,
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
    /// Where commits that nobody registered are looked up.
    #[serde(default)]
    pub(crate) source: Option<Source>,
    /// In which of its files owners of tests are said, by suite.
    #[serde(default)]
    pub(crate) owners: Vec<SuiteFile>,
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
            address: None,
            archive_origin: None,
            access: None,
            alerts: AlertOptions::default(),
            outbound: Outbound::default(),
            listen: "127.0.0.1:8080".to_owned(),
            tls: None,
            intake: Intake::default(),
            kafka: Kafka::default(),
            archive: Archive::default(),
            sweep: Sweep::default(),
            export: Export::default(),
            traces: Traces::default(),
            clickhouse: ClickHouse::default(),
            statements: StatementLimits::default(),
            sql: None,
            blobs: "blobs".to_owned(),
            retention_weeks: None,
            retention: Vec::new(),
            compatibility: Compatibility::default(),
            rules: Vec::new(),
            masks: Vec::new(),
            owners: Vec::new(),
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

/// Variables of the environment that set a member: `RESULTSDB__KAFKA__BROKERS` sets `kafka.brokers`.
const ENVIRONMENT: &str = "RESULTSDB__";

impl Config {
    /// Reads the file (none means defaults), then members from the environment, then `member=value` from flags.
    pub(crate) fn load(path: Option<&Path>, flags: &[String]) -> anyhow::Result<Self> {
        let mut table = match path {
            None => toml::Table::new(),
            Some(path) => {
                let text = std::fs::read_to_string(path)
                    .with_context(|| format!("reading the configuration {}", path.display()))?;
                toml::from_str(&text).with_context(|| format!("in the configuration {}", path.display()))?
            }
        };
        let mut origins = Origins::new(path, &table);
        for (name, value) in std::env::vars_os() {
            let Some(member) = name.to_str().and_then(|name| name.strip_prefix(ENVIRONMENT)) else { continue };
            let member = member.to_lowercase().replace("__", ".");
            let origin = format!("the environment variable {}", name.display());
            let value = value.to_str().with_context(|| format!("in {origin}: its value is no text"))?;
            set(&mut table, &member, value).with_context(|| format!("in {origin}"))?;
            origins.add(&member, origin);
        }
        for flag in flags {
            let (member, value) = flag.split_once('=').with_context(|| format!("--set {flag} is not MEMBER=VALUE"))?;
            // The value may be long, or a secret.
            let origin = format!("the flag --set {member}");
            set(&mut table, member, value).with_context(|| format!("in {origin}"))?;
            origins.add(member, origin);
        }
        serde_path_to_error::deserialize(table).map_err(|error| {
            let (place, text) = (origins.place(error.path()), error.inner().message().to_owned());
            match nearest(&text) {
                Some(known) => anyhow::anyhow!("in {place}: {text}; did you mean `{known}`?"),
                None => anyhow::anyhow!("in {place}: {text}"),
            }
        })
    }

    /// How long results are kept; an error names the member that makes no sense.
    pub(crate) fn retention(&self) -> anyhow::Result<Retention> {
        Ok(Retention::new(self.retention_weeks, self.retention.clone())?)
    }

    /// What the intake needs of it behind a door; an error names the member that makes no sense.
    pub(crate) fn intake(&self, door: Door, default_wait: Option<Duration>) -> anyhow::Result<IntakeOptions> {
        let default_branches =
            self.repositories.iter().map(|(id, found)| (id.clone(), found.default_branch.clone())).collect();
        let masters = self.buildbot.iter().map(|(host, master)| {
            let Master { builders, workers } = master.clone();
            let known = !(builders.is_empty() && workers.is_empty());
            (host.clone(), known.then_some(MasterIds { builders, workers }))
        });
        let sources = self.repositories.iter().filter_map(|(id, found)| Some((id.clone(), found.source.clone()?)));
        Ok(IntakeOptions {
            door,
            default_branches,
            sources: sources.collect(),
            owner_files: owner_files::of(&self.repositories)?,
            owners_every: None,
            masters: masters.collect(),
            outbound: self.outbound.clone(),
            default_wait,
            is_strict: self.intake.strict,
            report_after: None,
            retention: self.retention()?,
        })
    }

    /// Whether services would start with it, keys and secrets aside; an error names the member that makes no sense.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        self.intake(Door::open(), None)?;
        self.query(Door::open())?;
        self.sweep.pace()?;
        Ok(())
    }

    /// The configured repositories.
    pub(crate) fn repositories(&self) -> Vec<KnownRepository> {
        let repository = |(id, found): (&String, &Repository)| KnownRepository {
            id: id.clone(),
            default_branch: found.default_branch.clone(),
        };
        self.repositories.iter().map(repository).collect()
    }

    /// Where archives are served apart; an error says why they cannot be.
    pub(crate) fn archive_origin(&self) -> anyhow::Result<Option<ArchiveOrigin>> {
        let Some(origin) = &self.archive_origin else { return Ok(None) };
        if self.address.as_ref().is_some_and(|address| origin.has(address)) {
            bail!("archive_origin is the origin of address; give archives another host, best of another domain");
        }
        Ok(Some(origin.clone()))
    }

    /// What the query service needs of it behind a door.
    pub(crate) fn query(&self, door: Door) -> anyhow::Result<QueryOptions> {
        let repositories = self.repositories.iter().map(|(id, found)| {
            let Repository { representations, commit_url, .. } = found.clone();
            (id.clone(), Representations { representations, commit_url })
        });
        let routes = serde_json::to_value(&self.archive_routes).context("archive_routes")?;
        let dashboards = self.dashboard_queries.iter().map(serde_json::to_value).collect::<Result<Vec<_>, _>>();
        let dashboard_queries = dashboards.context("dashboard_queries")?;
        query::check_dashboards(&dashboard_queries).context("dashboard_queries")?;
        alerts::check_alerts(&self.alerts).context("alerts")?;
        Ok(QueryOptions {
            door,
            intake: ingest::OPERATIONS,
            title: self.title.clone(),
            address: self.address.clone(),
            archive_origin: self.archive_origin()?,
            repositories: repositories.collect(),
            archive_routes: routes.as_object().cloned().unwrap_or_default(),
            xcode_cloud_suites: self.xcode_cloud_suites.clone(),
            default_architecture: self.default_architecture.clone(),
            tests_limits: self.tests_limits,
            suites_limits: self.suites_limits,
            commits_limits: self.commits_limits,
            dashboard_queries,
            masters: self.buildbot.keys().cloned().collect::<BTreeSet<_>>(),
            bug_trackers: self.bug_trackers.clone(),
        })
    }
}

/// Sets a member by its path; what is no TOML value is a text.
fn set(table: &mut toml::Table, member: &str, value: &str) -> anyhow::Result<()> {
    let parsed = toml::from_str::<toml::Table>(&format!("value = {value}")).ok();
    let value = parsed.and_then(|mut table| table.remove("value")).unwrap_or_else(|| toml::Value::from(value));
    let (parents, name) = member.rsplit_once('.').map_or((None, member), |(parents, name)| (Some(parents), name));
    let mut place = table;
    for parent in parents.into_iter().flat_map(|parents| parents.split('.')) {
        let below = place.entry(parent).or_insert_with(|| toml::Table::new().into());
        place = below.as_table_mut().with_context(|| format!("`{parent}` has no members"))?;
    }
    place.insert(name.to_owned(), value);
    Ok(())
}

/// The known name that is most like the unknown one of serde's message, which names both in backquotes.
fn nearest(message: &str) -> Option<&str> {
    let mut names = message.split('`').skip(1).step_by(2);
    let unknown = names.next().filter(|_| message.starts_with("unknown field"))?;
    let likeness = |known: &str| strsim::jaro_winkler(unknown, known);
    names.max_by(|one, other| likeness(one).total_cmp(&likeness(other)))
}

#[cfg(test)]
mod tests;
