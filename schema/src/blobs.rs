//! Large payloads, stored once under the digest of their contents.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures_util::TryStreamExt;
use object_store::local::LocalFileSystem;
use object_store::path::Path as Key;
use object_store::{Error, ObjectMeta, ObjectStore, ObjectStoreExt, WriteMultipart};

use crate::place::Place;
use crate::seconds::DAY;

const CHUNK_BYTES: usize = 8 << 20;
/// A blob that is older is stored anew when its contents come again, so that nobody takes it away for its age meanwhile.
const FRESH: Duration = Duration::from_secs(DAY);
/// The shortest time that a blob is left alone which nothing names (yet): twice as long as one counts as fresh.
pub const SHORTEST_GRACE: Duration = Duration::from_secs(2 * DAY);
/// Hexadecimal digits of a digest.
const DIGEST_DIGITS: usize = 64;

/// Why a blob cannot be stored or read.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// Nothing has this digest.
    #[error("no blob has the digest {0}; it may have expired")]
    Missing(String),
    /// The store failed.
    #[error("the blob store is not available: {0}")]
    Store(#[from] Error),
    /// A temporary file failed.
    #[error("a temporary file cannot be used: {0}")]
    Io(#[from] io::Error),
}

/// Contents by digest, on a file system or in a bucket.
#[derive(Clone, Debug)]
pub struct Blobs {
    store: Arc<dyn ObjectStore>,
}

impl Blobs {
    /// In a folder, which is created; writes are durable before they are visible.
    pub fn in_folder(folder: &Path) -> Result<Self, BlobError> {
        std::fs::create_dir_all(folder)?;
        let store = LocalFileSystem::new_with_prefix(folder)?.with_automatic_cleanup(true).with_fsync(true);
        Ok(Self { store: Arc::new(store) })
    }

    /// At a place; credentials and region of a bucket come from the usual AWS variables.
    pub fn at(place: &Place) -> Result<Self, BlobError> {
        match place {
            Place::Folder(folder) => Self::in_folder(folder),
            Place::Bucket(url) => Self::in_bucket(url),
        }
    }

    fn in_bucket(url: &str) -> Result<Self, BlobError> {
        let bucket = object_store::aws::AmazonS3Builder::from_env().with_url(url).build()?;
        let prefix = url.trim_start_matches("s3://").split_once('/').map_or("", |(_, prefix)| prefix);
        Ok(Self { store: Arc::new(object_store::prefix::PrefixStore::new(bucket, prefix)) })
    }

    /// The store behind the blobs, for objects that have names.
    pub fn objects(&self) -> Arc<dyn ObjectStore> {
        Arc::clone(&self.store)
    }

    /// Stores what a file holds and returns its digest (64 hexadecimal digits of BLAKE3) and its size in bytes.
    pub async fn put(&self, mut contents: File) -> Result<(String, u64), BlobError> {
        let (contents, digest, size) = tokio::task::spawn_blocking(move || {
            contents.seek(SeekFrom::Start(0))?;
            let mut hasher = blake3::Hasher::new();
            let size = io::copy(&mut contents, &mut hasher)?;
            Ok::<_, io::Error>((contents, hasher.finalize().to_hex().to_string(), size))
        })
        .await
        .map_err(io::Error::other)??;
        let key = key(&digest);
        let is_fresh = |found: &ObjectMeta| age(found, SystemTime::now()) < FRESH;
        if self.store.head(&key).await.is_ok_and(|found| found.size == size && is_fresh(&found)) {
            return Ok((digest, size));
        }
        let mut upload = WriteMultipart::new_with_chunk_size(self.store.put_multipart(&key).await?, CHUNK_BYTES);
        let mut rest = contents;
        rest.seek(SeekFrom::Start(0))?;
        loop {
            let (file, chunk) = tokio::task::spawn_blocking(move || {
                let mut chunk = Vec::with_capacity(CHUNK_BYTES);
                (&mut rest).take(CHUNK_BYTES as u64).read_to_end(&mut chunk)?;
                Ok::<_, io::Error>((rest, chunk))
            })
            .await
            .map_err(io::Error::other)??;
            rest = file;
            if chunk.is_empty() {
                break;
            }
            upload.put(chunk.into());
            upload.wait_for_capacity(2).await?;
        }
        upload.finish().await?;
        Ok((digest, size))
    }

    /// Blobs that were stored longer ago than `grace` at a time, by digest.
    pub async fn older_than(
        &self,
        grace: Duration,
        now: SystemTime,
    ) -> Result<BTreeMap<String, StoredBlob>, BlobError> {
        let mut found = BTreeMap::new();
        let mut listed = self.store.list(None);
        while let Some(object) = listed.try_next().await? {
            let Some(digest) = digest_of(&object.location) else { continue };
            if age(&object, now) > grace {
                found.insert(
                    digest,
                    StoredBlob { bytes: object.size, stored_at: SystemTime::from(object.last_modified) },
                );
            }
        }
        Ok(found)
    }

    /// Removes a blob, unless it was stored again since; whether it did.
    pub async fn remove(&self, digest: &str, blob: &StoredBlob) -> Result<bool, BlobError> {
        let key = key(digest);
        match self.store.head(&key).await {
            Ok(found) if SystemTime::from(found.last_modified) == blob.stored_at => {}
            Ok(_) | Err(Error::NotFound { .. }) => return Ok(false),
            Err(error) => return Err(error.into()),
        }
        Ok(delete(self.store.as_ref(), &key).await?)
    }

    /// The contents in a file that can be read and sought.
    pub async fn open(&self, digest: &str) -> Result<File, BlobError> {
        use futures_util::StreamExt;
        let found = match self.store.get(&key(digest)).await {
            Err(Error::NotFound { .. }) => return Err(BlobError::Missing(digest.to_owned())),
            other => other?,
        };
        if let object_store::GetResultPayload::File(file, _) = found.payload {
            return Ok(file);
        }
        let mut file = tempfile::tempfile()?;
        let mut chunks = found.into_stream();
        while let Some(chunk) = chunks.next().await {
            file.write_all(&chunk?)?;
        }
        file.seek(SeekFrom::Start(0))?;
        Ok(file)
    }
}

/// A blob that is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredBlob {
    /// Its size in bytes.
    pub bytes: u64,
    /// When it was stored, for the last time.
    pub stored_at: SystemTime,
}

/// Deletes an object; whether it was there.
pub(crate) async fn delete(store: &dyn ObjectStore, key: &Key) -> Result<bool, Error> {
    match store.delete(key).await {
        Ok(()) => Ok(true),
        Err(Error::NotFound { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

/// How long ago an object was stored; none at all if that is later than now.
fn age(object: &ObjectMeta, now: SystemTime) -> Duration {
    now.duration_since(SystemTime::from(object.last_modified)).unwrap_or_default()
}

/// The digest whose contents an object has; none if it is another one, such as an archived event.
fn digest_of(location: &Key) -> Option<String> {
    let digest = location.filename()?;
    let is_digest = digest.len() == DIGEST_DIGITS && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
    (is_digest && *location == key(digest)).then(|| digest.to_owned())
}

/// Spread over folders, because file systems and people dislike very long listings.
fn key(digest: &str) -> Key {
    Key::from_iter([digest.get(..2).unwrap_or_default(), digest])
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn contents_come_back_and_are_kept_once() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = Blobs::in_folder(folder.path()).unwrap();
        let file = || {
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(b"some contents").unwrap();
            file
        };
        let (digest, size) = blobs.put(file()).await.unwrap();
        assert_eq!((blobs.put(file()).await.unwrap(), size), ((digest.clone(), 13), 13));
        let mut text = String::new();
        blobs.open(&digest).await.unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "some contents");
        assert!(matches!(blobs.open(&"0".repeat(64)).await, Err(BlobError::Missing(_))));
    }
}
