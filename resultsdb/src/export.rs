//! Writes facts as Parquet to the blob store.

use std::io::Write;
use std::path::Path;
use std::time::SystemTime;

use anyhow::{Context, anyhow, bail};
use clickhouse::Client;
use embedded::{Engine, EngineOptions};
use export::{ExportError, ExportReport};
use schema::blobs::Blobs;

use crate::config::Config;
use crate::{backup, servers};

/// Exports what a deployment has, which goes on meanwhile.
pub(crate) async fn deployed(config: &Config) -> anyhow::Result<()> {
    let address = servers::store_address(config)?;
    let exported = work(&address.client(), &servers::blobs(config)?).await;
    exported.map_err(|error| match error.downcast_ref() {
        Some(ExportError::Views(_)) => error.context(format!("asking {}", address.url)),
        _ => error,
    })
}

/// Exports what `serve` has, which must not run.
pub(crate) async fn embedded(data_dir: &Path) -> anyhow::Result<()> {
    if !data_dir.join("store").is_dir() {
        bail!("there are no tables in {}; give the folder that `serve` uses", data_dir.display());
    }
    backup::refuse_unfinished(data_dir)?;
    let data_dir = data_dir.canonicalize().with_context(|| format!("finding {}", data_dir.display()))?;
    let engine = Engine::start(EngineOptions::new(data_dir.join("store")));
    let engine = engine.await.map_err(|error| {
        anyhow!("{error}; if `serve` runs on this folder, stop it, or let it export by itself, with [export] in its configuration")
    })?;
    let worked = match Blobs::in_folder(&data_dir.join("blobs")) {
        Ok(blobs) => work(&servers::embedded_address(&engine).client(), &blobs).await,
        Err(error) => Err(error.into()),
    };
    engine.shutdown().await;
    worked
}

async fn work(client: &Client, blobs: &Blobs) -> anyhow::Result<()> {
    let ExportReport { written, written_bytes, kept, removed } = export::run(client, blobs, SystemTime::now()).await?;
    let told = format!(
        "{written} files written, {written_bytes} bytes; {kept} hold what there is; {removed} removed\n\
         exports/manifest.json in the blob store names them\n"
    );
    std::io::stdout().lock().write_all(told.as_bytes()).context("telling what was exported")
}
