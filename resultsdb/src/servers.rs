//! What the configuration has a process ask: the store, whether a server or the engine of this process, and the blobs.

use std::path::Path;

use anyhow::Context;
use embedded::Engine;
use schema::blobs::Blobs;
use schema::place::Place;
use schema::store::cluster::ClusterError;
use schema::store::{Cluster, StoreAddress};

use crate::config::{ClickHouse, ClusterMember, Config};

/// Compressed uploads stay far below this; Kafka's own default of 1 MB is too small for them.
pub(crate) const MAX_MESSAGE_BYTES: usize = 64 << 20;

/// The store that an engine of this process is.
pub(crate) fn embedded_address(engine: &Engine) -> StoreAddress {
    StoreAddress {
        tls: None,
        url: engine.url().to_owned(),
        database: "resultsdb".to_owned(),
        user: engine.user().to_owned(),
        password: engine.password().to_owned(),
        cluster: None,
    }
}

/// Where ClickHouse is.
pub(crate) fn store_address(config: &Config) -> anyhow::Result<StoreAddress> {
    let password = match &config.clickhouse.password_file {
        None => String::new(),
        Some(path) => password_of(path)?,
    };
    let ClickHouse { url, database, user, cluster, .. } = config.clickhouse.clone();
    let member = |member: ClusterMember| {
        let cluster = Cluster::new(&member.name, member.replicas)?;
        Ok::<_, ClusterError>(if member.sharded { cluster.sharded() } else { cluster })
    };
    let cluster = cluster.map(member).transpose().context("in clickhouse.cluster of the configuration")?;
    Ok(StoreAddress { url, tls: config.clickhouse.tls()?, database, user, password, cluster })
}

/// What a file with a password says.
pub(crate) fn password_of(file: &Path) -> anyhow::Result<String> {
    let text =
        std::fs::read_to_string(file).with_context(|| format!("reading the password file {}", file.display()))?;
    Ok(text.trim_end().to_owned())
}

/// The blob store.
pub(crate) fn blobs(config: &Config) -> anyhow::Result<Blobs> {
    let place = &config.blobs;
    let parsed: Place = place.parse().context("in blobs of the configuration")?;
    Blobs::at(&parsed).with_context(|| format!("opening the blob store {place}"))
}
