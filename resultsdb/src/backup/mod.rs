//! Backups of what `serve` keeps in its data directory, and the check of such a directory.
//!
//! A backup is a set of contents under their digests and a manifest that is written last ([`target`], [`manifest`]):
//!
//! 1. How far the processor is, then an image of the tables, then the log, then blobs and everything else. In this order
//!    the tables of a restored copy lack at most what the processor reads again from the log, and every write replaces
//!    by its natural key; an event is never without its blob.
//! 2. The process that serves has the log and the tables open, and gives both through a socket in the data directory
//!    ([`control`], [`protocol`]). Where no process serves, the command opens them and asks itself the same way.
//! 3. [`take`] copies only contents that the target does not have. [`restore`] compares every digest and marks the
//!    directory as unfinished until everything is on disk.

mod check;
mod control;
mod manifest;
mod protocol;
mod restore;
mod take;
mod target;

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Subcommand;

pub(crate) use control::listen;

use crate::doctor::examined::Examined;
use crate::folders;

/// The folders of a data directory that are copied in their own way: the event log, the tables, the blobs.
const LOG: &str = "log";
const STORE: &str = "store";
const BLOBS: &str = "blobs";
/// Lies in a data directory while it is filled from a backup.
const UNFINISHED: &str = "restore.unfinished";
/// File systems put this folder into their root.
const LOST_AND_FOUND: &str = "lost+found";
/// Objects that are read or written at one time.
const AT_ONCE: usize = 16;

/// Keeps what `serve` has safe.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Back up what `serve` uses, while it runs or not; a repetition copies only what is new
    Backup {
        /// What `serve` uses
        #[arg(long, env = "RESULTSDB_DATA_DIR")]
        data_dir: PathBuf,
        /// A folder, or s3://bucket/prefix
        #[arg(long)]
        to: String,
    },
    /// Fill a new data directory from a backup
    Restore {
        /// A folder, or s3://bucket/prefix
        #[arg(long)]
        from: String,
        /// What `serve` is to use; it must be empty or not exist
        #[arg(long, env = "RESULTSDB_DATA_DIR")]
        data_dir: PathBuf,
    },
    /// Say what is damaged in what `serve` uses, which must not run, or in a backup
    Check {
        /// What `serve` uses
        #[arg(long)]
        data_dir: Option<PathBuf>,
        /// A backup: a folder, or s3://bucket/prefix
        #[arg(long, conflicts_with = "data_dir")]
        backup: Option<String>,
    },
}

impl Command {
    /// Runs the command. Damage that is found is an error, after it was printed.
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        crate::private_files::keep_private();
        match self {
            Self::Backup { data_dir, to } => take::run(&data_dir, &to).await,
            Self::Restore { from, data_dir } => restore::run(&from, &data_dir).await,
            Self::Check { backup: Some(backup), .. } => check::backup(&backup).await,
            Self::Check { data_dir: Some(data_dir), backup: None } => check::data_dir(&data_dir).await,
            Self::Check { data_dir: None, backup: None } => bail!(
                "it is not said what to check: give --data-dir DIR for what `serve` uses, or --backup PLACE for a backup"
            ),
        }
    }
}

/// Has the server of a data directory examine its log and its tables, and returns what it answered; none where there is no
/// server. `patience` is how long an event may wait to be shown, seconds.
///
/// # Errors
/// A server may be there, and this user may not ask it.
pub(crate) async fn examine(data_dir: &Path, patience: u64) -> anyhow::Result<Option<anyhow::Result<Examined>>> {
    match take::server(data_dir).await? {
        None => Ok(None),
        Some(mut server) => Ok(Some(server.examine(patience).await)),
    }
}

/// A path with what is there of it as it is, wherever links lead; what is not there need not be.
fn resolved(path: &Path) -> anyhow::Result<PathBuf> {
    let path = std::path::absolute(path).with_context(|| format!("finding {}", path.display()))?;
    for there in path.ancestors() {
        if let Ok(found) = there.canonicalize() {
            return Ok(found.join(path.strip_prefix(there).unwrap_or(Path::new(""))));
        }
    }
    Ok(path)
}

/// Fails on a directory that has no event log, or that this user may not read; and as [`refuse_unfinished`] does.
pub(crate) fn expect_log(data_dir: &Path) -> anyhow::Result<()> {
    expect(data_dir, LOG, "is no event log")
}

/// The same for the tables.
pub(crate) fn expect_tables(data_dir: &Path) -> anyhow::Result<()> {
    expect(data_dir, STORE, "are no tables")
}

fn expect(data_dir: &Path, part: &str, missing: &str) -> anyhow::Result<()> {
    refuse_unfinished(data_dir)?;
    let shown = data_dir.display();
    match folders::is_there(&data_dir.join(part)) {
        Ok(true) => Ok(()),
        Ok(false) => bail!("there {missing} in {shown}; give the folder that `serve` uses"),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            bail!("{shown} may not be read by this user; run this as the user of `serve`")
        }
        Err(error) => bail!("{shown} cannot be read: {error}; check the folder and its disk"),
    }
}

/// Fails on a directory that is only half restored, or is a backup.
pub(crate) fn refuse_unfinished(data_dir: &Path) -> anyhow::Result<()> {
    if target::is_backup(data_dir) {
        bail!("{0} is a backup: `resultsdb restore --from {0}` fills another folder from it", data_dir.display());
    }
    if data_dir.join(UNFINISHED).exists() {
        bail!(
            "{} is only half restored from a backup; run `resultsdb restore` into it again, or use another folder",
            data_dir.display()
        );
    }
    Ok(())
}
