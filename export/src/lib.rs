//! Facts as files of Parquet in the blob store, for programs that read all of them: data frames, notebooks, other databases.
//!
//! Data flow: what a week holds now is asked for ([`weeks`]) and compared with what the last manifest says that its files
//! hold → a week that changed is written anew, by the engine, as a stream ([`file`]) → the [`manifest`] that names all
//! files takes the place of the last one → files that neither names are removed. Whoever reads takes the manifest first:
//! the files that it names are never written again, and stay for a day after another manifest has taken its place.

mod facts;
mod file;
mod manifest;
mod pace;
mod weeks;

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use clickhouse::Client;
use schema::blobs::{BlobError, Blobs};
use schema::retention::Retention;
use schema::seconds::DAY;
use schema::store;

pub use facts::Facts;
pub use manifest::{ExportedFile, Manifest, Partition};
pub use pace::regularly;

/// Why nothing, or not everything, was exported. The last manifest and its files are as they were.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The store of the views refused, or could not be reached.
    #[error("what is to be exported cannot be read: {0}")]
    Views(clickhouse::error::Error),
    /// The blob store refused, or could not be reached.
    #[error("{0}")]
    Blobs(BlobError),
    /// Something else wrote the manifest.
    #[error("{path} is no manifest ({0}): move it away, and the next export writes all files anew", path = manifest::PATH)]
    Manifest(serde_json::Error),
}

// Texts name their cause themselves, so that it is no source, which would be told once more.
impl From<clickhouse::error::Error> for ExportError {
    fn from(error: clickhouse::error::Error) -> Self {
        Self::Views(error)
    }
}

impl From<object_store::Error> for ExportError {
    fn from(error: object_store::Error) -> Self {
        Self::Blobs(error.into())
    }
}

/// What an export did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ExportReport {
    /// Files that were written, and their bytes.
    pub written: u64,
    /// Bytes of these.
    pub written_bytes: u64,
    /// Files that still hold what there is.
    pub kept: u64,
    /// Files that were removed.
    pub removed: u64,
}

/// Exports everything that changed since the last time, without runs that were over by the `retention` when the day of `now`
/// began, in UTC: week after week would otherwise be written anew as run after run of it is over. The `client` sees all rows; two
/// exports at once are harmless, and the manifest of the last one counts.
///
/// # Errors
/// See [`ExportError`].
pub async fn run(
    client: &Client,
    blobs: &Blobs,
    retention: &Retention,
    now: SystemTime,
) -> Result<ExportReport, ExportError> {
    let objects = blobs.objects();
    let made_at = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let kept = store::kept_runs(retention, (made_at - made_at % DAY) as i64);
    let last = manifest::read(objects.as_ref()).await?.unwrap_or_default();
    // What the manifest names and somebody removed, or cut off, is written again.
    let there = file::sizes(objects.as_ref()).await?;
    let is_there = |file: &&ExportedFile| there.get(&file.path) == Some(&file.bytes);
    let known: BTreeMap<&str, &ExportedFile> =
        last.files.iter().filter(is_there).map(|file| (file.path.as_str(), file)).collect();
    // Everything below these offsets is in the files, because it was shown before they were written.
    let shown = weeks::shown(client).await?;
    let mut report = ExportReport::default();
    let mut files = Vec::new();
    for portion in weeks::portions(client, &kept).await? {
        let path = portion.path();
        if let Some(file) = known.get(path.as_str()) {
            report.kept += 1;
            files.push((*file).clone());
            continue;
        }
        let file = file::write(client, objects.as_ref(), &portion, &kept, path).await?;
        report.written += 1;
        report.written_bytes += file.bytes;
        files.push(file);
    }
    let manifest = Manifest { format: manifest::FORMAT, made_at, shown, files };
    manifest::write(objects.as_ref(), &manifest).await?;
    report.removed = file::remove_others(objects.as_ref(), &manifest, &last, now).await?;
    Ok(report)
}
