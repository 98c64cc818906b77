//! Writes facts as Parquet to the blob store.

use std::io::Write;
use std::path::Path;
use std::time::SystemTime;

use anyhow::{Context, anyhow};
use clickhouse::Client;
use embedded::{Engine, EngineError, EngineOptions};
use export::{ExportError, ExportReport};
use schema::blobs::Blobs;
use schema::retention::Retention;

use crate::config::Config;
use crate::{backup, servers};

/// Exports what a deployment has, which goes on meanwhile.
pub(crate) async fn deployed(config: &Config) -> anyhow::Result<()> {
    let (address, retention) = (servers::store_address(config)?, config.retention()?);
    let exported = work(&address.client(), &servers::blobs(config)?, &retention).await;
    exported.map_err(|error| match error.downcast_ref() {
        Some(ExportError::Views(_)) => error.context(format!("asking {}", address.url)),
        _ => error,
    })
}

/// Exports what `serve` has, which must not run; the configuration is the one that `serve` uses.
pub(crate) async fn embedded(data_dir: &Path, config: &Config) -> anyhow::Result<()> {
    let retention = config.retention()?;
    backup::expect_tables(data_dir)?;
    let data_dir = data_dir.canonicalize().with_context(|| format!("finding {}", data_dir.display()))?;
    let engine = Engine::start(EngineOptions::new(data_dir.join("store")));
    let engine = engine.await.map_err(|error| match error {
        EngineError::Open(_) => anyhow!(
            "{error}; if `serve` runs on this folder, stop it, or let it export by itself, with [export] in its configuration"
        ),
        _ => error.into(),
    })?;
    let worked = match Blobs::in_folder(&data_dir.join("blobs")) {
        Ok(blobs) => work(&servers::embedded_address(&engine).client(), &blobs, &retention).await,
        Err(error) => Err(error.into()),
    };
    engine.shutdown().await;
    worked
}

async fn work(client: &Client, blobs: &Blobs, retention: &Retention) -> anyhow::Result<()> {
    let exported = export::run(client, blobs, retention, SystemTime::now()).await?;
    let ExportReport { written, written_bytes, kept, removed } = exported;
    let told = format!(
        "{written} files written, {written_bytes} bytes; {kept} hold what there is; {removed} removed\n\
         exports/manifest.json in the blob store names them\n"
    );
    std::io::stdout().lock().write_all(told.as_bytes()).context("telling what was exported")
}
