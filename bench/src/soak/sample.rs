//! What the server's process and its folder have at one time.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use anyhow::Context;

use crate::MIB;
use crate::server::memory_of;

/// A file that every part of a table has, and nothing else.
const OF_PART: &str = "checksums.txt";

/// One look.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sample {
    pub(super) at: Duration,
    /// Resident memory, bytes.
    pub(super) memory: f64,
    /// Parts of tables on disk, with those that merges replaced and that are not removed yet.
    pub(super) parts: f64,
    /// Open files and sockets.
    pub(super) files: f64,
    pub(super) threads: f64,
    /// Bytes of the tables and of the log, and the log's files.
    pub(super) store: f64,
    pub(super) log: f64,
    pub(super) log_files: f64,
}

impl Sample {
    /// Looks at a process that works on a data folder.
    pub(super) fn take(at: Duration, process: u32, data: &Path) -> anyhow::Result<Self> {
        let (store, log) = (Folder::of(&data.join("store")), Folder::of(&data.join("log")));
        let files = entries(&format!("/proc/{process}/fd"))?;
        let threads = entries(&format!("/proc/{process}/task"))?;
        Ok(Self {
            at,
            memory: memory_of(process)?.0 as f64,
            parts: store.parts as f64,
            files: files as f64,
            threads: threads as f64,
            store: store.bytes as f64,
            log: log.bytes as f64,
            log_files: log.files as f64,
        })
    }
}

impl fmt::Display for Sample {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { at, memory, parts, files, threads, store, log, log_files } = self;
        write!(
            formatter,
            "at {:.0} s: memory {:.0} MiB, {parts} parts, {files} open files, {threads} threads, tables {:.0} MiB, \
             log {:.0} MiB in {log_files} files",
            at.as_secs_f64(),
            memory / MIB,
            store / MIB,
            log / MIB
        )
    }
}

fn entries(folder: &str) -> anyhow::Result<usize> {
    Ok(std::fs::read_dir(folder).with_context(|| folder.to_owned())?.count())
}

/// What lies below a folder.
#[derive(Debug, Default)]
struct Folder {
    files: usize,
    bytes: u64,
    parts: usize,
}

impl Folder {
    /// Counts; what comes or goes meanwhile may be counted or not.
    fn of(path: &Path) -> Self {
        let mut sum = Self::default();
        for entry in std::fs::read_dir(path).into_iter().flatten().flatten() {
            let Ok(about) = entry.metadata() else { continue };
            if about.is_dir() {
                let below = Self::of(&entry.path());
                sum = Self {
                    files: sum.files + below.files,
                    bytes: sum.bytes + below.bytes,
                    parts: sum.parts + below.parts,
                };
            } else {
                sum.files += 1;
                sum.bytes += about.len();
                sum.parts += usize::from(entry.file_name() == OF_PART);
            }
        }
        sum
    }
}

/// Parts below a folder whose names begin so; a part of a week begins with its Monday.
pub(super) fn parts_of(path: &Path, beginning: &str) -> usize {
    let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
    let folders = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    let is_one = |name: &std::ffi::OsStr| name.to_string_lossy().starts_with(beginning);
    folders.map(|entry| if is_one(&entry.file_name()) { 1 } else { parts_of(&entry.path(), beginning) }).sum()
}
