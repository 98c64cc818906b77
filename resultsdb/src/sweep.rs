//! Removes blobs that no event names.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::{Context, anyhow};
use clap::Args;
use clickhouse::Client;
use embedded::{Engine, EngineOptions, LocalLog};
use eventlog::{EventLog, LogError};
use processor::sweep::{self, SweepOptions, SweepReport};
use schema::blobs::Blobs;
use schema::seconds::DAY;

use crate::config::Config;
use crate::{backup, right, servers};

/// What to remove.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Leave blobs alone that were stored within so many days, 2 at least; without it, as the configuration says
    #[arg(long)]
    grace_days: Option<u64>,
    /// Only tell what would be removed
    #[arg(long)]
    dry_run: bool,
}

impl Arguments {
    fn options(&self, config: &Config) -> SweepOptions {
        let days = self.grace_days.unwrap_or(config.sweep.grace_days);
        SweepOptions { grace: Duration::from_secs(days.saturating_mul(DAY)), is_rehearsal: self.dry_run }
    }
}

/// Sweeps the blobs of a deployment, which goes on meanwhile.
pub(crate) async fn deployed(config: &Config, arguments: Arguments) -> anyhow::Result<()> {
    let log: Arc<dyn EventLog> = Arc::new(config.kafka.connect()?);
    let (client, blobs) = (servers::store_address(config)?.client(), servers::blobs(config)?);
    right::alone(&blobs, work(log, &client, &blobs, config, &arguments)).await
}

/// Sweeps the blobs of `serve`, which must not run.
pub(crate) async fn embedded(data_dir: &Path, config: &Config, arguments: Arguments) -> anyhow::Result<()> {
    backup::expect_log(data_dir)?;
    let data_dir = data_dir.canonicalize().with_context(|| format!("finding {}", data_dir.display()))?;
    let log = LocalLog::open(&data_dir.join("log")).map_err(|error| match error {
        LogError::InUse { .. } => anyhow!("{error}; a `serve` that runs sweeps by itself"),
        _ => error.into(),
    })?;
    let engine = Engine::start(EngineOptions::new(data_dir.join("store"))).await?;
    let client = servers::embedded_address(&engine).client();
    let blobs = Blobs::in_folder(&data_dir.join("blobs"))?;
    let worked = work(Arc::new(log), &client, &blobs, config, &arguments).await;
    engine.shutdown().await;
    worked
}

async fn work(
    log: Arc<dyn EventLog>,
    client: &Client,
    blobs: &Blobs,
    config: &Config,
    arguments: &Arguments,
) -> anyhow::Result<()> {
    let (retention, options) = (config.retention()?, arguments.options(config));
    let swept = sweep::run(log, client, blobs, &retention, options, SystemTime::now()).await?;
    let SweepReport { events, unreadable, kept, swept, swept_bytes, over, over_bytes } = swept;
    println!("{events} events, {unreadable} of them unreadable, name {kept} blobs that are older");
    let done = if arguments.dry_run { "would be removed" } else { "removed" };
    println!("{done}: {swept} blobs, {swept_bytes} bytes");
    let done = if arguments.dry_run { "would be shortened" } else { "shortened" };
    println!("{done}: {over} events that are over, by {over_bytes} bytes");
    Ok(())
}
