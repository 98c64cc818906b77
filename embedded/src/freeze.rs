//! An image of all tables at one moment, taken while they are written to.
//!
//! `ALTER TABLE … FREEZE` gives every part of a table a second set of hard links below `shadow/`, at the path where the
//! part itself lies. It takes no space and no time in proportion to the data, and what merges replace meanwhile stays
//! readable. `BACKUP … TO File` would work as well, and was not chosen: it copies all data to the same disk before
//! anything leaves it, and whoever restores needs the engine. Beside the parts the image gets the definitions of the
//! tables, so that a copy of it is a folder that the engine opens.
//!
//! An image leaves out what the engine notes of past inserts to refuse their repetition: a note of an insert whose part
//! came after the image would swallow the rows when they are inserted again.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;

use crate::chdb::ChdbError;
use crate::pool::Pool;
use crate::space;

/// The image's folder below `shadow/`, which nothing else uses. The engine escapes all but letters, digits and `_`.
const IMAGE: &str = "resultsdb_backup";

/// Why no image could be taken.
#[derive(Debug, thiserror::Error)]
pub enum FreezeError {
    /// The engine refused.
    #[error("the engine cannot freeze its tables: {0}")]
    Engine(#[from] ChdbError),
    /// A file could not be linked or copied.
    #[error("cannot put {path} into the image of the tables: {source}")]
    Io {
        /// The file.
        path: String,
        /// Why that failed.
        source: io::Error,
    },
    /// There is no space for it.
    #[error(
        "the disk of {folder} is full, so that no image of the tables can be taken: {free_mib} MiB are left; free some space"
    )]
    Full {
        /// Where the engine keeps its files.
        folder: String,
        /// What is left.
        free_mib: u64,
    },
    /// The engine says that it froze a part, which is not in the image.
    #[error("the engine put the part {0} elsewhere than into the image of its tables")]
    Missing(String),
}

/// Takes images of the tables of a running engine; there is one at a time.
#[derive(Clone)]
pub struct Freezer {
    pool: Arc<Pool>,
    files: PathBuf,
}

/// An image of the tables. It is removed when this is dropped.
#[derive(Debug)]
pub struct FrozenTables {
    files: PathBuf,
}

impl FrozenTables {
    /// A folder like the one in which the engine keeps its files.
    pub fn folder(&self) -> PathBuf {
        image(&self.files)
    }
}

impl Drop for FrozenTables {
    fn drop(&mut self) {
        if let Err(error) = remove_image(&self.files) {
            tracing::warn!(%error, folder = %self.folder().display(), "the image of the tables could not be removed");
        }
    }
}

impl Freezer {
    pub(crate) fn new(pool: Arc<Pool>, files: PathBuf) -> Self {
        Self { pool, files }
    }

    /// Takes an image in place of the one before. Each table is as it was at one moment, and moments differ between
    /// tables.
    pub async fn freeze(&self) -> Result<FrozenTables, FreezeError> {
        let taken = self.take().await;
        taken.map_err(|error| match space::left_on_full(&self.files) {
            Some(free_mib) => {
                tracing::debug!(%error, "no image of the tables was taken");
                FreezeError::Full { folder: self.files.display().to_string(), free_mib }
            }
            None => error,
        })
    }

    async fn take(&self) -> Result<FrozenTables, FreezeError> {
        let failed = |path: &Path| {
            let path = path.display().to_string();
            move |source| FreezeError::Io { path, source }
        };
        remove_image(&self.files).map_err(failed(&image(&self.files)))?;
        // Whatever fails below, the half image goes.
        let frozen = FrozenTables { files: self.files.clone() };
        let tables = merge_trees(&self.pool).await?;
        for table in &tables {
            let freeze = format!(
                "ALTER TABLE {} FREEZE WITH NAME '{IMAGE}' SETTINGS alter_partition_verbose_result = 1",
                table.quoted()
            );
            // An image without the parts would look like one of empty tables.
            for part in self.pool.rows(&freeze).await? {
                let path = part["part_backup_path"].as_str().unwrap_or_default();
                if !Path::new(path).starts_with(frozen.folder()) || !Path::new(path).is_dir() {
                    return Err(FreezeError::Missing(format!("{}.{}", table.name, part["part_name"])));
                }
            }
        }
        let databases = self.pool.rows("SELECT metadata_path FROM system.databases WHERE engine = 'Atomic'").await?;
        let mut folders = vec![(PathBuf::from("metadata"), "sql")];
        folders
            .extend(databases.iter().filter_map(|row| row["metadata_path"].as_str()).map(|path| (path.into(), "sql")));
        for table in &tables {
            let folder = Path::new(&table.folder).strip_prefix(&self.files).unwrap_or(Path::new(&table.folder));
            // The version of the format, and mutations that are still to be applied to parts.
            folders.push((folder.to_owned(), "txt"));
        }
        for (folder, extension) in folders {
            copy_files(&self.files.join(&folder), &frozen.folder().join(&folder), extension)
                .map_err(failed(&folder))?;
        }
        Ok(frozen)
    }
}

fn image(files: &Path) -> PathBuf {
    files.join("shadow").join(IMAGE)
}

/// Removes an image, where there is one, and the engine's count of images: it numbers those without a name, and whoever is
/// killed while the engine writes it leaves it empty, with which no other image could be taken.
pub(crate) fn remove_image(files: &Path) -> io::Result<()> {
    let or_none = |removed: io::Result<()>| match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    };
    or_none(std::fs::remove_dir_all(image(files)))?;
    or_none(std::fs::remove_file(files.join("shadow/increment.txt")))
}

/// Copies the files of a folder that have an extension; folders in it are not followed.
fn copy_files(from: &Path, to: &Path, extension: &str) -> io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let is_wanted = entry.path().extension().is_some_and(|found| found == extension);
        if !is_wanted || !entry.file_type()?.is_file() {
            continue;
        }
        match std::fs::copy(entry.path(), to.join(entry.file_name())) {
            // A mutation that is done needs no file.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            copied => drop(copied?),
        }
    }
    Ok(())
}

/// A table whose rows are in parts.
#[derive(Debug)]
pub(crate) struct PartsTable {
    database: String,
    /// Its name, without the database.
    pub(crate) name: String,
    /// Where its parts lie; ends with a slash.
    pub(crate) folder: String,
}

impl PartsTable {
    /// Its full name, for statements.
    pub(crate) fn quoted(&self) -> String {
        let quote = |name: &str| format!("`{}`", name.replace('\\', "\\\\").replace('`', "\\`"));
        format!("{}.{}", quote(&self.database), quote(&self.name))
    }
}

/// All tables that have parts.
pub(crate) async fn merge_trees(pool: &Arc<Pool>) -> Result<Vec<PartsTable>, ChdbError> {
    let sql = "SELECT database, name, data_paths[1] AS folder FROM system.tables \
               WHERE engine LIKE '%MergeTree' AND database != 'system' ORDER BY database, name";
    let rows = pool.rows(sql).await?;
    let text = |row: &Value, member: &str| row[member].as_str().unwrap_or_default().to_owned();
    let table =
        |row| PartsTable { database: text(row, "database"), name: text(row, "name"), folder: text(row, "folder") };
    Ok(rows.iter().map(table).collect())
}
