//! What a backup holds: the list of everything with sizes and digests, which is written last.

use std::path::{Component, Path, PathBuf};

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// The shape of the manifest; a newer one is refused.
const FORMAT: u32 = 1;

/// Contents of an object.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) struct Contents {
    /// Digest of the bytes (64 hexadecimal digits of BLAKE3), under which the object is stored.
    pub(super) digest: String,
    /// Bytes.
    pub(super) size: u64,
}

impl Contents {
    pub(super) fn of(bytes: &[u8]) -> Self {
        Self { digest: blake3::hash(bytes).to_hex().to_string(), size: bytes.len() as u64 }
    }
}

/// A file of the data directory.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct FileEntry {
    /// Where it lies in the data directory, with slashes.
    pub(super) path: String,
    /// Its permissions, as in `chmod`.
    pub(super) mode: u32,
    #[serde(flatten)]
    pub(super) contents: Contents,
}

/// A topic of the event log.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct TopicEntry {
    pub(super) name: String,
    pub(super) partitions: u32,
    pub(super) max_message_bytes: u64,
}

/// The next offset that a group reads.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct CommittedEntry {
    pub(super) group: String,
    pub(super) topic: String,
    pub(super) partition: u32,
    pub(super) next: u64,
}

/// Consecutive records of a partition.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct SegmentEntry {
    pub(super) topic: String,
    pub(super) partition: u32,
    /// The offset of the first record.
    pub(super) first: u64,
    /// The offset after the last record.
    pub(super) next: u64,
    /// Whether a longer log has the same segment.
    pub(super) is_full: bool,
    /// What tells the last record from that of another log.
    pub(super) mark: String,
    #[serde(flatten)]
    pub(super) contents: Contents,
}

/// Everything in a backup.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Manifest {
    pub(super) format: u32,
    /// The version of resultsdb that took the backup.
    pub(super) version: String,
    /// When the backup was begun, seconds since 1970.
    pub(super) taken_at: u64,
    pub(super) topics: Vec<TopicEntry>,
    pub(super) committed: Vec<CommittedEntry>,
    /// Ordered by topic, partition and offset.
    pub(super) segments: Vec<SegmentEntry>,
    pub(super) files: Vec<FileEntry>,
}

/// The manifest as it is stored: its text, and the digest of that.
#[derive(Serialize, Deserialize)]
struct Sealed {
    digest: String,
    manifest: Box<RawValue>,
}

impl Manifest {
    pub(super) fn new() -> anyhow::Result<Self> {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).context("reading the clock")?;
        Ok(Self {
            format: FORMAT,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            taken_at: now.as_secs(),
            topics: Vec::new(),
            committed: Vec::new(),
            segments: Vec::new(),
            files: Vec::new(),
        })
    }

    pub(super) fn encode(&self) -> anyhow::Result<Vec<u8>> {
        let manifest = serde_json::value::to_raw_value(self)?;
        let digest = Contents::of(manifest.get().as_bytes()).digest;
        Ok(serde_json::to_vec(&Sealed { digest, manifest })?)
    }

    /// Fails on any changed byte, on a newer shape, and on files that would lie outside of the data directory.
    pub(super) fn decode(stored: &[u8]) -> anyhow::Result<Self> {
        let sealed: Sealed = serde_json::from_slice(stored)?;
        if Contents::of(sealed.manifest.get().as_bytes()).digest != sealed.digest {
            bail!("its checksum does not match");
        }
        #[derive(Deserialize)]
        struct Format {
            format: u32,
        }
        let Format { format } = serde_json::from_str(sealed.manifest.get())?;
        if format != FORMAT {
            bail!("it has format {format}, and this version of resultsdb reads format {FORMAT}");
        }
        let manifest: Self = serde_json::from_str(sealed.manifest.get())?;
        for contents in manifest.contents() {
            if contents.digest.len() != 64 || !contents.digest.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                bail!("'{}' is no digest", contents.digest);
            }
        }
        if let Some(file) = manifest.files.iter().find(|file| relative(&file.path).is_none()) {
            bail!("'{}' is no path in a data directory", file.path);
        }
        Ok(manifest)
    }

    /// Contents of everything; what occurs twice is there twice.
    pub(super) fn contents(&self) -> impl Iterator<Item = &Contents> {
        let segments = self.segments.iter().map(|segment| &segment.contents);
        segments.chain(self.files.iter().map(|file| &file.contents))
    }
}

/// A path of the manifest, if it leads to a file below the data directory.
pub(super) fn relative(path: &str) -> Option<PathBuf> {
    let path = Path::new(path);
    let is_below = path.components().all(|part| matches!(part, Component::Normal(_)));
    (is_below && path.components().next().is_some()).then(|| path.to_owned())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn manifest(path: &str) -> Manifest {
        let file = FileEntry { path: path.to_owned(), mode: 0o600, contents: Contents::of(b"some bytes") };
        Manifest { files: vec![file], ..Manifest::new().unwrap() }
    }

    #[test]
    fn any_changed_byte_is_found() {
        let stored = manifest("keys/one").encode().unwrap();
        assert_eq!(Manifest::decode(&stored).unwrap().files[0].path, "keys/one");
        for at in 0..stored.len() {
            let mut damaged = stored.clone();
            damaged[at] ^= 1;
            assert!(Manifest::decode(&damaged).is_err(), "byte {at}");
            assert!(Manifest::decode(&stored[..at]).is_err(), "{at} bytes");
        }
    }

    #[test]
    fn files_outside_and_newer_shapes_are_refused() {
        for path in ["/etc/passwd", "../up", "a/../../up", "", ".", "./a"] {
            assert!(Manifest::decode(&manifest(path).encode().unwrap()).is_err(), "{path}");
        }
        let newer = Manifest { format: FORMAT + 1, ..manifest("a") };
        let refused = Manifest::decode(&newer.encode().unwrap()).unwrap_err().to_string();
        assert!(refused.contains("format 2"), "{refused}");
    }
}
