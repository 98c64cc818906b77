//! Fills a new data directory from a backup.
//!
//! A marker lies in the directory until everything is on disk. While it does, `serve` refuses the directory, and
//! another `restore` empties it and begins anew.

use std::fs::{DirBuilder, File, OpenOptions};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use embedded::{Committed, LogCopy};
use eventlog::TopicSpec;
use futures_util::{StreamExt, TryStreamExt, stream};

use super::manifest::{FileEntry, Manifest, relative};
use super::target::Target;
use super::{AT_ONCE, LOG, LOST_AND_FOUND, UNFINISHED};

/// Restores a backup into a directory that is empty, not there, or half restored.
pub(super) async fn run(from: &str, data_dir: &Path) -> anyhow::Result<()> {
    let target = Target::open(from).await?;
    target.keep_apart(data_dir)?;
    let manifest = target.finished().await?;
    let marker = claim(data_dir)?;
    fill(&target, &manifest, data_dir).await.with_context(|| {
        format!("{} stays half restored, which `serve` refuses; nothing in the backup was changed", data_dir.display())
    })?;
    sync_folders(data_dir)?;
    std::fs::remove_file(data_dir.join(UNFINISHED)).context("removing the mark of an unfinished restore")?;
    sync(data_dir)?;
    drop(marker);
    println!("restored {} files and segments to {}", manifest.contents().count(), data_dir.display());
    Ok(())
}

/// Marks the directory as unfinished, for this process alone, and removes what another restore left.
fn claim(data_dir: &Path) -> anyhow::Result<File> {
    let shown = data_dir.display();
    let created = DirBuilder::new().recursive(true).mode(0o700).create(data_dir);
    created.with_context(|| format!("creating {shown}"))?;
    let entries = || std::fs::read_dir(data_dir).with_context(|| format!("reading {shown}"));
    let marker = data_dir.join(UNFINISHED);
    if !marker.exists() {
        for entry in entries()? {
            let name = entry?.file_name();
            if name != LOST_AND_FOUND {
                bail!("{shown} is not empty: it holds {}; give a new or an empty folder", name.display());
            }
        }
    }
    let lock = File::create(&marker).with_context(|| format!("creating {}", marker.display()))?;
    if lock.try_lock().is_err() {
        bail!("another restore into {shown} is running");
    }
    lock.sync_all().with_context(|| format!("writing {}", marker.display()))?;
    sync(data_dir)?;
    for entry in entries()? {
        let entry = entry?;
        if entry.file_name() == UNFINISHED || entry.file_name() == LOST_AND_FOUND {
            continue;
        }
        let path = entry.path();
        let is_folder = entry.file_type()?.is_dir();
        let removed = if is_folder { std::fs::remove_dir_all(&path) } else { std::fs::remove_file(&path) };
        removed.with_context(|| format!("removing {}", path.display()))?;
    }
    Ok(lock)
}

async fn fill(target: &Target, manifest: &Manifest, data_dir: &Path) -> anyhow::Result<()> {
    let files = stream::iter(&manifest.files).map(|file| async move {
        place(target, file, data_dir).await.with_context(|| format!("restoring {}", file.path))
    });
    files.buffer_unordered(AT_ONCE).try_for_each(async |()| Ok(())).await?;
    fill_log(target, manifest, &data_dir.join(LOG)).await
}

async fn place(target: &Target, file: &FileEntry, data_dir: &Path) -> anyhow::Result<()> {
    let path = data_dir.join(relative(&file.path).context("its path leads out of the data directory")?);
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut placed = OpenOptions::new().write(true).create_new(true).mode(file.mode & 0o777).open(&path)?;
    target.read(&file.contents, &mut placed).await?;
    Ok(tokio::task::spawn_blocking(move || placed.sync_all()).await??)
}

/// Writes a new log with the same records at the same offsets.
async fn fill_log(target: &Target, manifest: &Manifest, folder: &Path) -> anyhow::Result<()> {
    let log = LogCopy::create(folder)?;
    for topic in &manifest.topics {
        log.add_topic(&TopicSpec {
            name: topic.name.clone(),
            partitions: topic.partitions,
            retention: None,
            max_message_bytes: usize::try_from(topic.max_message_bytes)?,
        })?;
    }
    let mut place = ("", 0);
    let mut next = 0;
    for segment in &manifest.segments {
        let name = format!("topic {}, partition {}, offset {}", segment.topic, segment.partition, segment.first);
        if place != (segment.topic.as_str(), segment.partition) {
            (place, next) = ((segment.topic.as_str(), segment.partition), 0);
        }
        if segment.first != next {
            bail!("the backup has a gap in its events before {name}");
        }
        let mut bytes = Vec::new();
        target.read(&segment.contents, &mut bytes).await.with_context(|| format!("restoring events: {name}"))?;
        next = tokio::task::block_in_place(|| log.add_segment(&segment.topic, segment.partition, next, &bytes))?;
        if next != segment.next {
            bail!("the backup lacks events after {name}");
        }
    }
    for committed in &manifest.committed {
        log.commit(&Committed {
            group: committed.group.clone(),
            topic: committed.topic.clone(),
            partition: committed.partition,
            next: committed.next,
        })?;
    }
    Ok(log.finish()?)
}

/// Has the entries of all folders on disk.
fn sync_folders(root: &Path) -> anyhow::Result<()> {
    let mut folders: Vec<PathBuf> = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).with_context(|| format!("reading {}", folder.display()))? {
            let entry = entry?;
            if entry.file_type()?.is_dir() && entry.file_name() != LOST_AND_FOUND {
                folders.push(entry.path());
            }
        }
        sync(&folder)?;
    }
    Ok(())
}

fn sync(folder: &Path) -> anyhow::Result<()> {
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    synced.with_context(|| format!("writing {} to disk", folder.display()))
}
