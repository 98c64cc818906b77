//! Removes blobs that no event names.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::{Context, bail};
use clap::Args;
use embedded::LocalLog;
use eventlog::EventLog;
use processor::sweep::{self, SweepOptions, SweepReport};
use schema::blobs::Blobs;
use schema::retention::Retention;
use schema::seconds::DAY;

use crate::config::Config;
use crate::{backup, right, servers};

/// What to remove.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Leave blobs alone that were stored within so many days; 2 at least
    #[arg(long, default_value_t = 7)]
    grace_days: u64,
    /// Only tell what would be removed
    #[arg(long)]
    dry_run: bool,
}

impl Arguments {
    fn options(&self) -> SweepOptions {
        SweepOptions { grace: Duration::from_secs(self.grace_days.saturating_mul(DAY)), is_rehearsal: self.dry_run }
    }
}

/// Sweeps the blobs of a deployment, which goes on meanwhile.
pub(crate) async fn deployed(config: &Config, arguments: Arguments) -> anyhow::Result<()> {
    let log: Arc<dyn EventLog> = Arc::new(config.kafka.connect()?);
    let blobs = servers::blobs(config)?;
    right::alone(&blobs, work(log, &blobs, &config.retention()?, &arguments)).await
}

/// Sweeps the blobs of `serve`, which must not run.
pub(crate) async fn embedded(data_dir: &Path, config: &Config, arguments: Arguments) -> anyhow::Result<()> {
    if !data_dir.join("log").is_dir() {
        bail!("there is no event log in {}; give the folder that `serve` uses", data_dir.display());
    }
    backup::refuse_unfinished(data_dir)?;
    let log = LocalLog::open(&data_dir.join("log")).context("is `serve` still running? it sweeps by itself")?;
    let blobs = Blobs::in_folder(&data_dir.join("blobs"))?;
    work(Arc::new(log), &blobs, &config.retention()?, &arguments).await
}

async fn work(
    log: Arc<dyn EventLog>,
    blobs: &Blobs,
    retention: &Retention,
    arguments: &Arguments,
) -> anyhow::Result<()> {
    let swept = sweep::run(log, blobs, retention, arguments.options(), SystemTime::now()).await?;
    let SweepReport { events, unreadable, kept, swept, swept_bytes } = swept;
    println!("{events} events, {unreadable} of them unreadable, name {kept} blobs that are older");
    let done = if arguments.dry_run { "would be removed" } else { "removed" };
    println!("{done}: {swept} blobs, {swept_bytes} bytes");
    Ok(())
}
