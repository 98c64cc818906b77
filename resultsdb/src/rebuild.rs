//! Makes views anew from the events.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use chrono::NaiveDate;
use clap::Args;
use embedded::{Engine, EngineOptions, LocalLog};
use eventlog::EventLog;
use indicatif::{ProgressBar, ProgressStyle};
use processor::rebuild::{self, Plan, Report, SwapOptions, VIEWS};
use schema::blobs::Blobs;
use schema::retention::Retention;
use schema::store::{self, StoreAddress};

use crate::config::Config;
use crate::{backup, right, servers};

/// What to rebuild and how.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Views to make anew, separated by commas; without this, all
    #[arg(long, value_delimiter = ',')]
    views: Vec<String>,
    /// Make only weeks from this day's on anew, such as 2026-01-31; commits before are taken over as they are
    #[arg(long)]
    from: Option<NaiveDate>,
    /// Swap although rows were lost or gained, or although a table that is to be replaced cannot be read
    #[arg(long)]
    accept_differences: bool,
    /// Forget a rebuild that was broken off
    #[arg(long)]
    start_over: bool,
    /// Only remove the tables that the last rebuild replaced
    #[arg(long, conflicts_with_all = ["views", "from", "accept_differences", "start_over"])]
    drop_old: bool,
}

/// Rebuilds the views of a deployment, which goes on meanwhile.
pub(crate) async fn deployed(config: &Config, arguments: Arguments) -> anyhow::Result<()> {
    let (address, retention) = (servers::store_address(config)?, config.retention()?);
    store::migrate(&address, &retention).await?;
    let log: Arc<dyn EventLog> = Arc::new(config.kafka.connect()?);
    let blobs = servers::blobs(config)?;
    right::alone(&blobs, work(log, &address, blobs.clone(), retention, arguments)).await
}

/// Rebuilds the views of `serve`, which must not run; the configuration is the one that `serve` uses.
pub(crate) async fn embedded(data_dir: &Path, config: &Config, arguments: Arguments) -> anyhow::Result<()> {
    let retention = config.retention()?;
    backup::expect_log(data_dir)?;
    let data_dir = data_dir.canonicalize().with_context(|| format!("finding {}", data_dir.display()))?;
    let log = LocalLog::open(&data_dir.join("log"))?;
    let engine = Engine::start(EngineOptions::new(data_dir.join("store"))).await?;
    let address = servers::embedded_address(&engine);
    store::migrate(&address, &retention).await?;
    let blobs = Blobs::in_folder(&data_dir.join("blobs"))?;
    let worked = work(Arc::new(log), &address, blobs, retention, arguments).await;
    engine.shutdown().await;
    worked
}

async fn work(
    log: Arc<dyn EventLog>,
    store: &StoreAddress,
    blobs: Blobs,
    retention: Retention,
    arguments: Arguments,
) -> anyhow::Result<()> {
    if arguments.drop_old {
        let dropped = rebuild::drop_old(store).await?;
        println!("removed {} old tables", dropped.len());
        return Ok(());
    }
    let views = if arguments.views.is_empty() { VIEWS.map(str::to_owned).to_vec() } else { arguments.views };
    let since = arguments.from.and_then(|day| day.and_hms_opt(0, 0, 0)).map(|time| time.and_utc().timestamp());
    let options = SwapOptions { accept_differences: arguments.accept_differences, start_over: arguments.start_over };
    let style = ProgressStyle::with_template("{bar:40} {pos} of {len} events, {per_sec}, {eta} left");
    let bar = ProgressBar::new(0).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    let progress = |done, total| {
        bar.set_length(total);
        bar.set_position(done);
    };
    let report = rebuild::run(log, store, blobs, retention, Plan { views, since }, options, progress).await?;
    bar.finish_and_clear();
    print(&report);
    Ok(())
}

fn print(report: &Report) {
    println!("{} events, {} of them unreadable", report.events, report.unreadable);
    println!("{:<16}{:>14}{:>14}", "view", "rows before", "rows after");
    for count in &report.counts {
        let before = count.before.map_or_else(|| "unknown".to_owned(), |before| before.to_string());
        println!("{:<16}{before:>14}{:>14}", count.view, count.after);
    }
    println!("new uploads waited {:.1} s to be shown", report.held.as_secs_f64());
    println!("the old tables are kept; `resultsdb rebuild --drop-old` removes them");
}
