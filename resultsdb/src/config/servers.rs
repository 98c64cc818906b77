//! The parts of the configuration that say where the servers are that the services use.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use processor::archive::ArchiveOptions;
use processor::sweep::SweepOptions;
use schema::seconds::{DAY, HOUR};
use schema::store::cluster::ClusterError;
use schema::store::{Cluster, StoreTls};
use serde::Deserialize;

/// When a segment of events is archived in the blob store.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Archive {
    /// Seconds after its first event; far less than Kafka keeps them.
    pub(crate) seconds: u64,
    /// MiB of events that are enough.
    pub(crate) mebibytes: usize,
}

/// When blobs that no event names are removed.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Sweep {
    /// Days from one time to the next; 0 is never.
    pub(crate) days: u64,
    /// Days that a blob is left alone after it was stored; 2 at least.
    pub(crate) grace_days: u64,
}

impl Default for Sweep {
    fn default() -> Self {
        Self { days: 7, grace_days: 7 }
    }
}

impl Sweep {
    /// How often, and what; none where it is never done.
    pub(crate) fn pace(&self) -> anyhow::Result<Option<(Duration, SweepOptions)>> {
        ensure!(
            self.grace_days >= 2,
            "sweep.grace_days is {}; give 2 days or more, in which an upload can be under way",
            self.grace_days
        );
        let days = |days: u64| Duration::from_secs(days.saturating_mul(DAY));
        let options = SweepOptions { grace: days(self.grace_days), is_rehearsal: false };
        Ok((self.days > 0).then(|| (days(self.days), options)))
    }
}

/// When facts are written as Parquet to the blob store.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Export {
    /// Hours from one time to the next; 0 is never.
    pub(crate) hours: u64,
}

impl Export {
    /// How often; none where it is never done.
    pub(crate) fn every(&self) -> Option<Duration> {
        (self.hours > 0).then(|| Duration::from_secs(self.hours.saturating_mul(HOUR)))
    }
}

/// Where traces go.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Traces {
    /// Address of a collector that takes OTLP over HTTP, such as `http://collector:4318`.
    pub(crate) collector: Option<String>,
}

/// Where the store is.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ClickHouse {
    /// Address of its HTTP interface, over `http://` or `https://`.
    pub(crate) url: String,
    /// A PEM file with the authorities that sign its certificate; those of the system without it.
    pub(crate) ca: Option<PathBuf>,
    /// The PEM file of this service's certificate, for a server that asks for one.
    pub(crate) certificate: Option<PathBuf>,
    /// The PEM file of its private key.
    pub(crate) key: Option<PathBuf>,
    /// Database.
    pub(crate) database: String,
    /// User.
    pub(crate) user: String,
    /// A file that holds the password; no file means none.
    pub(crate) password_file: Option<PathBuf>,
    /// The cluster that this server is one of; none for a server alone.
    pub(crate) cluster: Option<ClusterMember>,
}

/// A cluster of ClickHouse servers, whose name and replicas make one.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "WrittenMember")]
pub(crate) struct ClusterMember {
    /// What its servers call it.
    pub(crate) name: String,
    /// How many servers of a shard must have what is written before it counts as shown: all that are asked by anybody.
    pub(crate) replicas: u32,
    /// Whether rows are divided among the cluster's shards; otherwise each server has all of them.
    pub(crate) sharded: bool,
}

/// The same as the file has it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenMember {
    name: String,
    replicas: u32,
    #[serde(default)]
    sharded: bool,
}

impl TryFrom<WrittenMember> for ClusterMember {
    type Error = ClusterError;

    fn try_from(written: WrittenMember) -> Result<Self, ClusterError> {
        let WrittenMember { name, replicas, sharded } = written;
        Cluster::new(&name, replicas)?;
        Ok(Self { name, replicas, sharded })
    }
}

impl Default for Archive {
    fn default() -> Self {
        let ArchiveOptions { bytes, age } = ArchiveOptions::default();
        Self { seconds: age.as_secs(), mebibytes: bytes >> 20 }
    }
}

impl Archive {
    pub(crate) fn options(&self) -> ArchiveOptions {
        ArchiveOptions { bytes: self.mebibytes.max(1) << 20, age: Duration::from_secs(self.seconds) }
    }
}

impl Default for ClickHouse {
    fn default() -> Self {
        Self {
            url: "http://127.0.0.1:8123".to_owned(),
            ca: None,
            certificate: None,
            key: None,
            database: "resultsdb".to_owned(),
            user: "default".to_owned(),
            password_file: None,
            cluster: None,
        }
    }
}

impl ClickHouse {
    /// What HTTPS is spoken with, if it is; an error names the member or the file that makes no sense.
    pub(crate) fn tls(&self) -> anyhow::Result<Option<StoreTls>> {
        let identity = match (&self.certificate, &self.key) {
            (None, None) => None,
            (Some(certificate), Some(key)) => Some((certificate.as_path(), key.as_path())),
            _ => bail!("clickhouse.certificate and clickhouse.key belong together: name both files, or neither"),
        };
        if self.url.starts_with("https://") {
            return Ok(Some(
                StoreTls::new(self.ca.as_deref(), identity).context("in [clickhouse] of the configuration")?,
            ));
        }
        ensure!(
            self.ca.is_none() && identity.is_none(),
            "clickhouse.url does not begin with https://, so the files for TLS are of no use: change it, or take them away"
        );
        Ok(None)
    }
}
