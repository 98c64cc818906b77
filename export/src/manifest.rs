//! The list of the files that belong together, as JSON beside them.

use object_store::path::Path as Key;
use object_store::{Error, ObjectStore, ObjectStoreExt};
use serde::{Deserialize, Serialize};

use crate::ExportError;

/// The folder of everything that is exported.
pub(crate) const ROOT: &str = "exports";
/// Where the manifest is.
pub(crate) const PATH: &str = "exports/manifest.json";
/// The number that says how files and manifest are to be read.
pub(crate) const FORMAT: u32 = 1;

/// What was exported, and when.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// 1: columns may be added under this number, and none change or go.
    pub format: u32,
    /// When it was made, seconds since 1970.
    pub made_at: u64,
    /// How far the views were: every event below these offsets is in the files. Later ones may be.
    pub shown: Vec<Partition>,
    /// The files, by what they hold and by week.
    pub files: Vec<ExportedFile>,
}

/// How far a partition of the log was shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Partition {
    /// Its number.
    pub partition: u32,
    /// The first offset that may not be in the files.
    pub next_offset: u64,
}

/// A file of Parquet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportedFile {
    /// Where it is in the blob store.
    pub path: String,
    /// What its rows are: `results`, `runs` or `commits`.
    pub facts: String,
    /// The Monday of the week of its commits, such as `2026-11-23`; none for commits, of which there is one file.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub week: Option<String>,
    /// Its size in bytes.
    pub bytes: u64,
    /// Its digest, 64 hexadecimal digits of BLAKE3.
    pub blake3: String,
}

/// Reads the manifest; none before the first export, and none of an earlier format.
pub(crate) async fn read(objects: &dyn ObjectStore) -> Result<Option<Manifest>, ExportError> {
    let found = match objects.get(&Key::from(PATH)).await {
        Err(Error::NotFound { .. }) => return Ok(None),
        found => found?.bytes().await?,
    };
    let manifest: Manifest = serde_json::from_slice(&found).map_err(ExportError::Manifest)?;
    Ok((manifest.format == FORMAT).then_some(manifest))
}

/// Puts a manifest in the place of the last one, in one step.
pub(crate) async fn write(objects: &dyn ObjectStore, manifest: &Manifest) -> Result<(), ExportError> {
    let text = serde_json::to_vec_pretty(manifest).map_err(ExportError::Manifest)?;
    objects.put(&Key::from(PATH), text.into()).await?;
    Ok(())
}
