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
/// The longest cause that is told, characters: buckets answer with whole documents.
const MAX_CAUSE: usize = 300;

/// Why a blob cannot be stored or read.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// Nothing has this digest.
    #[error("no blob has the digest {0}; it may have expired")]
    Missing(String),
    /// The store failed.
    #[error("the blob store cannot be read or written: {}; check that it is there and that this user may write to it", cause(.0))]
    Store(Error),
    /// There is no folder to store blobs in.
    #[error("the folder {folder} cannot be made for blobs: {cause}; name another one, or let this user write there")]
    Folder {
        /// Its path.
        folder: String,
        /// Why.
        cause: io::Error,
    },
    /// A temporary file failed.
    #[error("a temporary file cannot be used: {0}")]
    Io(io::Error),
}

// Texts name their cause themselves, so that it is no source, which would be told once more.
impl From<Error> for BlobError {
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}

impl From<io::Error> for BlobError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// What went wrong in a store: a line, which is not too long, without what every error of a store begins with.
pub fn cause(error: &Error) -> String {
    let text = match error {
        Error::Generic { source, .. } => source.to_string(),
        other => other.to_string(),
    };
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(MAX_CAUSE) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// Contents by digest, on a file system or in a bucket.
#[derive(Clone, Debug)]
pub struct Blobs {
    store: Arc<dyn ObjectStore>,
}

impl Blobs {
    /// In a folder, which is created; writes are durable before they are visible.
    pub fn in_folder(folder: &Path) -> Result<Self, BlobError> {
        std::fs::create_dir_all(folder)
            .map_err(|cause| BlobError::Folder { folder: folder.display().to_string(), cause })?;
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
    async fn a_cause_is_told_once_and_in_one_line() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = Blobs::in_folder(&folder.path().join("blobs")).unwrap();
        // A file is where a folder should be.
        std::fs::write(folder.path().join("blobs/00"), "").unwrap();
        let told = blobs.objects().put(&Key::from("00/0"), "x".into()).await.map_err(BlobError::from).unwrap_err();
        assert!(std::error::Error::source(&told).is_none());
        let told = told.to_string();
        assert!(told.starts_with("the blob store cannot be read or written: Unable to "), "{told}");
        assert!(told.contains("blobs/00") && told.ends_with("may write to it"), "{told}");
        assert_eq!((told.matches("os error").count(), told.contains("Generic")), (1, false), "{told}");
        let error = Error::Generic { store: "S3", source: format!("a\n\n {}", "b".repeat(999)).into() };
        assert_eq!(cause(&error).chars().count(), MAX_CAUSE + 1);
        let told = Blobs::in_folder(&folder.path().join("blobs/00")).unwrap_err().to_string();
        assert!(told.contains("blobs/00 cannot be made for blobs: ") && !told.contains("temporary"), "{told}");
    }

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
