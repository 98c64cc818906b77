//! Where a backup lies: objects under their digests, and the manifest, in a folder or a bucket.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, bail};
use bytes::Bytes;
use futures_util::TryStreamExt;
use object_store::path::Path as Key;
use object_store::{Error, ObjectStore, ObjectStoreExt, WriteMultipart};
use schema::blobs::Blobs;
use schema::place::Place;

use super::manifest::{Contents, Manifest};
use super::resolved;
use crate::folders;

const MANIFEST: &str = "manifest.json";
const OBJECTS: &str = "objects";
const LOCK: &str = "backup.lock";
/// Larger contents are sent in parts of this size.
const PART_BYTES: usize = 8 << 20;

/// A place for one backup.
pub(super) struct Target {
    name: String,
    store: Arc<dyn ObjectStore>,
    /// Sizes of the objects that are there, by digest.
    present: Mutex<HashMap<String, u64>>,
    /// Objects that were written, and their bytes.
    written: (AtomicU64, AtomicU64),
    /// Held while a backup is written into a folder.
    _lock: Option<File>,
}

impl Target {
    /// Opens a place to write a backup to. A folder is created, readable for its owner alone: secrets are in it.
    pub(super) async fn create(name: &str, data_dir: &Path) -> anyhow::Result<Self> {
        let place = place(name)?;
        let Place::Folder(folder) = &place else { return Self::listed(name, &place, None).await };
        let folder = kept_apart(folder, data_dir)?;
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(true).mode(0o700).create(&folder).with_context(|| format!("creating {name}"))?;
        let is_ours = |entry: &str| [MANIFEST, OBJECTS, LOCK, super::LOST_AND_FOUND].contains(&entry);
        for entry in std::fs::read_dir(&folder).with_context(|| format!("reading {name}"))? {
            let entry = entry?.file_name();
            let is_staged = entry.to_str().is_some_and(|entry| entry.starts_with(&format!("{MANIFEST}#")));
            if !is_staged && !entry.to_str().is_some_and(is_ours) {
                bail!(
                    "{name} holds {}, which is no part of a backup; give a folder for backups alone",
                    entry.display()
                );
            }
        }
        let path = folder.join(LOCK);
        let lock = File::create(&path).with_context(|| format!("creating {}", path.display()))?;
        if lock.try_lock().is_err() {
            bail!("another backup into {name} is running; wait until it is done");
        }
        remove_staged(&folder).with_context(|| format!("removing half objects from {name}"))?;
        Self::listed(name, &place, Some(lock)).await
    }

    /// Fails where a folder lies in the backup, or the backup in it.
    pub(super) fn keep_apart(&self, data_dir: &Path) -> anyhow::Result<()> {
        let Place::Folder(folder) = place(&self.name)? else { return Ok(()) };
        kept_apart(&folder, data_dir).map(drop)
    }

    /// Opens a place to read a backup from.
    pub(super) async fn open(name: &str) -> anyhow::Result<Self> {
        let place = place(name)?;
        if let Place::Folder(folder) = &place
            && !folders::is_there(folder).with_context(|| format!("looking for {name}"))?
        {
            bail!("there is no folder {name}");
        }
        Self::listed(name, &place, None).await
    }

    async fn listed(name: &str, place: &Place, lock: Option<File>) -> anyhow::Result<Self> {
        let store = Blobs::at(place).with_context(|| format!("opening {name}"))?.objects();
        let objects = store.list(Some(&Key::from(OBJECTS)));
        let named = objects.try_filter_map(|object| async move {
            Ok(object.location.filename().map(|digest| (digest.to_owned(), object.size)))
        });
        let present = named.try_collect().await.with_context(|| format!("listing {name}"))?;
        let written = (AtomicU64::new(0), AtomicU64::new(0));
        Ok(Self { name: name.to_owned(), store, present: Mutex::new(present), written, _lock: lock })
    }

    /// The manifest of the last backup that was finished, if there is one.
    pub(super) async fn manifest(&self) -> anyhow::Result<Option<Manifest>> {
        let stored = match self.store.get(&Key::from(MANIFEST)).await {
            Err(Error::NotFound { .. }) => return Ok(None),
            found => found.with_context(|| format!("reading {MANIFEST} of {}", self.name))?.bytes().await?,
        };
        let manifest = Manifest::decode(&stored);
        manifest.map(Some).with_context(|| format!("{MANIFEST} of the backup in {} cannot be used", self.name))
    }

    /// The manifest; an error that says what to do where no backup was finished.
    pub(super) async fn finished(&self) -> anyhow::Result<Manifest> {
        match self.manifest().await? {
            Some(manifest) => Ok(manifest),
            None if self.present().is_empty() => bail!("there is no backup in {}", self.name),
            None => bail!("the backup in {} was broken off; run `resultsdb backup` into it again", self.name),
        }
    }

    /// Finishes a backup: objects are there for good before the manifest names them, and those of the backup before go
    /// only once it is replaced.
    pub(super) async fn finish(&self, manifest: &Manifest) -> anyhow::Result<()> {
        let encoded = manifest.encode()?;
        self.store
            .put(&Key::from(MANIFEST), encoded.into())
            .await
            .with_context(|| format!("writing {MANIFEST} to {}", self.name))?;
        let used: HashSet<&str> = manifest.contents().map(|contents| contents.digest.as_str()).collect();
        let unused: Vec<String> =
            self.present().keys().filter(|digest| !used.contains(digest.as_str())).cloned().collect();
        for digest in unused {
            match self.store.delete(&key(&digest)).await {
                Ok(()) | Err(Error::NotFound { .. }) => {}
                Err(error) => {
                    return Err(error).with_context(|| format!("removing {} from {}", key(&digest), self.name));
                }
            }
        }
        Ok(())
    }

    /// How many objects were written, and how many bytes.
    pub(super) fn written(&self) -> (u64, u64) {
        (self.written.0.load(Ordering::Relaxed), self.written.1.load(Ordering::Relaxed))
    }

    /// Whether contents are there, as far as sizes tell.
    pub(super) fn has(&self, contents: &Contents) -> bool {
        self.present().get(&contents.digest) == Some(&contents.size)
    }

    /// Stores bytes that are not there yet.
    pub(super) async fn put(&self, bytes: Vec<u8>) -> anyhow::Result<Contents> {
        let contents = Contents::of(&bytes);
        if !self.has(&contents) {
            let key = key(&contents.digest);
            self.store.put(&key, bytes.into()).await.with_context(|| format!("writing {key} to {}", self.name))?;
            self.count(&contents);
        }
        Ok(contents)
    }

    /// Stores what a file holds, if it is not there yet. A file that changes meanwhile is an error.
    pub(super) async fn put_file(&self, mut file: File) -> anyhow::Result<Contents> {
        if file.metadata()?.len() <= PART_BYTES as u64 {
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes)?;
            return self.put(bytes).await;
        }
        let (mut file, contents) = tokio::task::spawn_blocking(move || {
            let mut hasher = blake3::Hasher::new();
            let size = std::io::copy(&mut file, &mut hasher)?;
            file.seek(SeekFrom::Start(0))?;
            let digest = hasher.finalize().to_hex().to_string();
            Ok::<_, std::io::Error>((file, Contents { digest, size }))
        })
        .await??;
        if self.has(&contents) {
            return Ok(contents);
        }
        let key = key(&contents.digest);
        let upload = self.store.put_multipart(&key).await.with_context(|| format!("writing {key} to {}", self.name))?;
        let mut upload = WriteMultipart::new_with_chunk_size(upload, PART_BYTES);
        let mut hasher = blake3::Hasher::new();
        loop {
            let (rest, part) = tokio::task::spawn_blocking(move || {
                let mut part = Vec::with_capacity(PART_BYTES);
                (&mut file).take(PART_BYTES as u64).read_to_end(&mut part)?;
                Ok::<_, std::io::Error>((file, part))
            })
            .await??;
            file = rest;
            if part.is_empty() {
                break;
            }
            hasher.update(&part);
            upload.put(Bytes::from(part));
            upload.wait_for_capacity(2).await?;
        }
        if hasher.finalize().to_hex().as_str() != contents.digest {
            upload.abort().await?;
            bail!("it changes while it is read; run the backup again");
        }
        upload.finish().await.with_context(|| format!("writing {key} to {}", self.name))?;
        self.count(&contents);
        Ok(contents)
    }

    /// Writes contents to `to`, and fails if they are not what the manifest says.
    pub(super) async fn read(&self, contents: &Contents, to: &mut impl Write) -> anyhow::Result<()> {
        let key = key(&contents.digest);
        let found = match self.store.get(&key).await {
            Err(Error::NotFound { .. }) => bail!("{key} is missing in {}", self.name),
            found => found.with_context(|| format!("reading {key} of {}", self.name))?,
        };
        let (mut hasher, mut size) = (blake3::Hasher::new(), 0);
        let mut chunks = found.into_stream();
        while let Some(chunk) = chunks.try_next().await.with_context(|| format!("reading {key} of {}", self.name))? {
            hasher.update(&chunk);
            size += chunk.len() as u64;
            to.write_all(&chunk)?;
        }
        if size != contents.size || hasher.finalize().to_hex().as_str() != contents.digest {
            bail!("{key} in {} is damaged: its checksum does not match", self.name);
        }
        Ok(())
    }

    fn present(&self) -> std::sync::MutexGuard<'_, HashMap<String, u64>> {
        self.present.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self, contents: &Contents) {
        self.present().insert(contents.digest.clone(), contents.size);
        self.written.0.fetch_add(1, Ordering::Relaxed);
        self.written.1.fetch_add(contents.size, Ordering::Relaxed);
    }
}

/// The folder of a backup as it is, wherever links lead; fails where it lies in a data directory, or that in it.
fn kept_apart(folder: &Path, data_dir: &Path) -> anyhow::Result<PathBuf> {
    let (found, data) = (resolved(folder)?, resolved(data_dir)?);
    if found.starts_with(&data) || data.starts_with(&found) {
        bail!("{} and {} lie in each other; give a folder elsewhere", folder.display(), data_dir.display());
    }
    Ok(found)
}

/// Whether a folder is a backup, whole or not.
pub(super) fn is_backup(folder: &Path) -> bool {
    folder.join(OBJECTS).is_dir() && (folder.join(MANIFEST).exists() || folder.join(LOCK).exists())
}

fn place(name: &str) -> anyhow::Result<Place> {
    Ok(name.parse()?)
}

/// Spread over folders, because file systems and people dislike very long listings.
fn key(digest: &str) -> Key {
    Key::from_iter([OBJECTS, digest.get(..2).unwrap_or_default(), digest])
}

/// Removes what a killed backup had not renamed yet: such names have a `#`.
fn remove_staged(folder: &Path) -> std::io::Result<()> {
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder)? {
            let entry = entry?;
            let path: PathBuf = entry.path();
            let is_staged = entry.file_name().to_str().is_some_and(|name| name.contains('#'));
            match entry.file_type()? {
                kind if kind.is_dir() && entry.file_name() != super::LOST_AND_FOUND => folders.push(path),
                kind if kind.is_file() && is_staged => std::fs::remove_file(path)?,
                _ => {}
            }
        }
    }
    Ok(())
}
