//! Says what is damaged, in a data directory or in a backup.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use anyhow::{Context, bail};
use embedded::{Damage, Engine, EngineError, EngineOptions, LocalLog};
use eventlog::LogError;
use futures_util::{StreamExt, stream};

use super::manifest::Contents;
use super::take::{blob_digest, blobs};
use super::target::Target;
use super::{AT_ONCE, LOG, STORE, expect_log};
use crate::causes;

/// Checks what `serve` uses, and prints what is damaged. Damage is an error.
pub(super) async fn data_dir(data_dir: &Path) -> anyhow::Result<()> {
    let shown = data_dir.display();
    expect_log(data_dir)?;
    let log = match LocalLog::check(&data_dir.join(LOG)) {
        Err(LogError::InUse { .. }) => bail!("{shown} is in use by another process; stop `serve`, then check"),
        checked => checked?,
    };
    log.notes.iter().for_each(|note| println!("{note}"));
    println!("log: {} records read", log.records);
    let mut damages = log.damages;
    let files = blobs(data_dir)?;
    println!("blobs: {} files read", files.len());
    for (file, path) in &files {
        damages.extend(check_blob(file, path)?);
    }
    if data_dir.join(STORE).is_dir() {
        damages.extend(tables(&data_dir.join(STORE)).await?);
        println!("tables: all parts read");
    }
    report(&damages, &shown.to_string())
}

/// A blob whose contents are not those of its name.
fn check_blob(file: &Path, path: &Path) -> anyhow::Result<Option<Damage>> {
    let Some(named) = blob_digest(path) else { return Ok(None) };
    let mut hasher = blake3::Hasher::new();
    let read = std::fs::File::open(file).and_then(|mut blob| io::copy(&mut blob, &mut hasher));
    let cause = match read {
        Ok(_) if hasher.finalize().to_hex().as_str() == named => return Ok(None),
        Ok(_) => "the contents of this blob do not have its name as digest".to_owned(),
        Err(error) => format!("this blob cannot be read: {error}"),
    };
    Ok(Some(Damage { place: file.display().to_string(), cause }))
}

/// Tables that the engine cannot open are damaged; an engine that is not there is an error.
async fn tables(store: &Path) -> anyhow::Result<Vec<Damage>> {
    let engine = match Engine::start(EngineOptions::new(store)).await {
        Err(EngineError::Open(error)) => {
            let place = store.display().to_string();
            return Ok(vec![Damage { place, cause: format!("the engine cannot open its tables: {error}") }]);
        }
        started => started?,
    };
    let damages = engine.check().await;
    engine.shutdown().await;
    damages.context("checking the tables")
}

/// Reads every object of a backup, and prints those that are damaged. Damage is an error.
pub(super) async fn backup(name: &str) -> anyhow::Result<()> {
    let target = Target::open(name).await?;
    let manifest = target.finished().await?;
    // What each object is for; contents that occur twice are read once.
    let mut objects: BTreeMap<&str, (&Contents, String)> = BTreeMap::new();
    for file in &manifest.files {
        objects.insert(&file.contents.digest, (&file.contents, file.path.clone()));
    }
    for segment in &manifest.segments {
        let events = format!("events of topic {}, partition {}", segment.topic, segment.partition);
        objects.insert(&segment.contents.digest, (&segment.contents, events));
    }
    let checked = stream::iter(objects.values()).map(|(contents, place)| {
        let target = &target;
        async move {
            let read = target.read(contents, &mut io::sink()).await;
            read.err().map(|error| Damage { place: place.clone(), cause: causes::told(&error) })
        }
    });
    let damages: Vec<Damage> = checked.buffer_unordered(AT_ONCE).filter_map(async |damage| damage).collect().await;
    println!("backup: {} objects read", objects.len());
    report(&damages, name)
}

fn report(damages: &[Damage], name: &str) -> anyhow::Result<()> {
    damages.iter().for_each(|damage| println!("DAMAGED {damage}"));
    if !damages.is_empty() {
        bail!("{name} is damaged in {} places", damages.len());
    }
    println!("nothing is damaged");
    Ok(())
}
