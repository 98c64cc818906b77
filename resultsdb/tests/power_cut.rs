//! A power cut: what the process wrote and did not sync is gone, and still every acknowledged run is shown once.
//!
//! The server runs under a preloaded library that notes each `fsync` and `fdatasync`. Once merges have replaced synced
//! parts and those were deleted, the process is killed, and every file of a copy of its data directory is cut to what was
//! synced of it. Entries of directories stay as they were: ext4 and XFS keep changes of directories in order, so that any
//! later sync, at the latest that of the committed offset, has them on disk too.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

use std::collections::{BTreeMap, HashMap};
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::UNIX_EPOCH;

use test_support::load::Load;
use test_support::random::Random;
use test_support::server::{Binary, Server};
use test_support::wait::until;
use test_support::workspace::example;

const RESULTSDB: Binary = test_support::resultsdb!();

/// Enough for merges of every table that each upload writes to.
const UPLOADS: usize = 40;
/// Tables that have merged by then: runs, results, failures, uploads, links, commits and watermarks among others.
const MERGED_TABLES: usize = 6;
/// Power cuts while runs are uploaded.
const CUTS: usize = 4;

#[test]
fn merges_lose_nothing_that_was_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let library = compile(folder.path());
    let (data, rest, journal) = (folder.path().join("data"), folder.path().join("rest"), folder.path().join("journal"));
    let mut server = start(&library, &data, &journal);
    let load = Load::with_quota();
    load.direct_to(&server.url);
    load.allow(UPLOADS);
    let uploaders = load.start();
    until("the uploads are acknowledged", || load.acknowledged() == UPLOADS);
    load.stop();
    uploaders.into_iter().for_each(|uploader| uploader.join().unwrap());
    load.check(&server);
    // The engine deletes what a merge has replaced about half a minute later.
    until("only merged parts are left", || {
        let tables = parts(&data);
        let merged = tables.values().filter(|parts| parts.iter().any(Part::is_merged)).count();
        let is_clean = |parts: &Vec<Part>| !parts.iter().any(|part| part.is_replaced(parts));
        merged >= MERGED_TABLES && tables.values().all(is_clean)
    });
    server.kill();

    let mut synced = Synced::default();
    synced.read(&journal);
    let lost = copy_synced(&data, &rest, &mut synced);
    let in_parts: Vec<&PathBuf> = lost.iter().filter(|path| is_in_part(path)).collect();
    eprintln!("{} files lost something, {} of them in parts", lost.len(), in_parts.len());
    load.check(&RESULTSDB.serve(&rest));
    assert!(in_parts.is_empty(), "merges left these unsynced: {in_parts:?}");
}

#[test]
fn uploads_in_progress_lose_nothing_that_was_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let library = compile(folder.path());
    let load = Load::new();
    let mut random = Random(7);
    let mut synced = Synced::default();
    let place = |cut: usize| folder.path().join(format!("data-{cut}"));
    for cut in 0..CUTS {
        let journal = folder.path().join(format!("journal-{cut}"));
        let mut server = start(&library, &place(cut), &journal);
        load.direct_to(&server.url);
        let uploaders = load.start();
        let enough = load.acknowledged() + 5 + random.below(20) as usize;
        until("the load goes on", || load.acknowledged() >= enough);
        server.kill();
        load.stop();
        uploaders.into_iter().for_each(|uploader| uploader.join().unwrap());
        synced.read(&journal);
        copy_synced(&place(cut), &place(cut + 1), &mut synced);
        std::fs::remove_dir_all(place(cut)).unwrap();
    }
    load.check(&RESULTSDB.serve(&place(CUTS)));
}

/// The library that notes syncs.
fn compile(folder: &Path) -> PathBuf {
    let library = folder.join("sync_log.so");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/power_cut/sync_log.c");
    let mut compiler = Command::new("cc");
    compiler.args(["-shared", "-fPIC", "-O1", "-o"]).args([&library, &source]).arg("-ldl");
    assert!(compiler.status().unwrap().success(), "{} does not compile", source.display());
    library
}

/// A server whose syncs are noted in a journal.
fn start(library: &Path, data: &Path, journal: &Path) -> Server {
    let mut command = RESULTSDB.command();
    command.args(["serve", "--listen", "127.0.0.1:0", "--data-dir"]).arg(data);
    command.arg("--config").arg(example("webkit.toml")).env("RUST_LOG", "error");
    command.env("LD_PRELOAD", library).env("SYNC_LOG", journal);
    Server::run(command)
}

/// A part of a table: the range of inserts that it holds, by its folder's name `partition_first_last_level`.
struct Part {
    partition: String,
    first: u64,
    last: u64,
    level: u64,
}

impl Part {
    fn of(name: &str) -> Option<Self> {
        let mut pieces = name.rsplitn(4, '_');
        let mut number = || pieces.next()?.parse().ok();
        let (level, last, first) = (number()?, number()?, number()?);
        let partition = pieces.next()?;
        let is_partition = partition == "all" || partition.bytes().all(|byte| byte.is_ascii_digit());
        is_partition.then(|| Self { partition: partition.to_owned(), first, last, level })
    }

    fn is_merged(&self) -> bool {
        self.last > self.first
    }

    /// Whether a merge has put this part's rows into another.
    fn is_replaced(&self, parts: &[Self]) -> bool {
        parts.iter().any(|other| {
            let covers = other.first <= self.first && other.last >= self.last;
            other.partition == self.partition && covers && other.level > self.level
        })
    }
}

/// The parts by their table's folder.
fn parts(data: &Path) -> BTreeMap<PathBuf, Vec<Part>> {
    let mut tables: BTreeMap<PathBuf, Vec<Part>> = BTreeMap::new();
    for (path, is_folder) in walk(data) {
        let part = path.file_name().and_then(|name| Part::of(name.to_str()?)).filter(|_| is_folder);
        if let Some(part) = part {
            tables.entry(path.parent().unwrap().to_owned()).or_default().push(part);
        }
    }
    tables
}

/// Everything below a folder, folders before what is in them; what vanishes meanwhile is left out.
fn walk(folder: &Path) -> Vec<(PathBuf, bool)> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let Ok(kind) = entry.file_type() else { continue };
        all.push((entry.path(), kind.is_dir()));
        if kind.is_dir() {
            all.extend(walk(&entry.path()));
        }
    }
    all
}

/// Whether a file belongs to a finished part.
fn is_in_part(path: &Path) -> bool {
    let folders = path.ancestors().skip(1).filter_map(Path::file_name);
    folders.filter_map(|name| name.to_str()).any(|name| Part::of(name).is_some())
}

/// Tells a file from another that had its inode before: device, inode and time of birth in nanoseconds, 0 where the file
/// system has none.
type FileId = (u64, u64, i64);

/// What was on disk for certain: size in bytes and time of modification in nanoseconds at a file's last sync.
#[derive(Default)]
struct Synced(HashMap<FileId, (u64, i64)>);

impl Synced {
    /// Adds what a process noted.
    fn read(&mut self, journal: &Path) {
        let before = self.0.len();
        for line in std::fs::read_to_string(journal).unwrap().lines() {
            let numbers: Vec<i64> = line.split(' ').map(|number| number.parse().unwrap()).collect();
            let [device, inode, born, size, modified] = numbers[..] else { panic!("{line}") };
            self.0.insert((device as u64, inode as u64, born), (size as u64, modified));
        }
        assert!(self.0.len() > before + 50, "hardly any file was synced: are the calls noted?");
    }

    /// Adds a file that was there before the process.
    fn add(&mut self, file: &Metadata) {
        self.0.insert(identity(file), (file.len(), modified(file)));
    }

    /// To how many bytes a power cut shortens a file; none if it was synced whole.
    fn cut(&self, file: &Metadata) -> Option<u64> {
        match self.0.get(&identity(file)) {
            _ if file.len() == 0 => None,
            Some(synced) if *synced == (file.len(), modified(file)) => None,
            Some((size, _)) if *size < file.len() => Some(*size),
            _ => Some(0),
        }
    }
}

fn identity(file: &Metadata) -> FileId {
    let born = file.created().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    (file.dev(), file.ino(), born.map_or(0, |time| time.as_nanos() as i64))
}

fn modified(file: &Metadata) -> i64 {
    file.mtime() * 1_000_000_000 + file.mtime_nsec()
}

/// Copies a data directory as a power cut leaves it, and returns the files that lost something. What is left is on disk.
fn copy_synced(data: &Path, rest: &Path, synced: &mut Synced) -> Vec<PathBuf> {
    std::fs::create_dir(rest).unwrap();
    let mut lost = Vec::new();
    for (path, is_folder) in walk(data) {
        let name = path.strip_prefix(data).unwrap();
        let target = rest.join(name);
        let metadata = std::fs::symlink_metadata(&path).unwrap();
        if is_folder {
            std::fs::create_dir(&target).unwrap();
        } else if metadata.is_symlink() {
            std::os::unix::fs::symlink(std::fs::read_link(&path).unwrap(), &target).unwrap();
        } else if metadata.is_file() {
            // Only sockets are left, which hold nothing.
            std::fs::copy(&path, &target).unwrap();
            if let Some(size) = synced.cut(&metadata) {
                std::fs::File::options().write(true).open(&target).unwrap().set_len(size).unwrap();
                lost.push(name.to_owned());
            }
            synced.add(&std::fs::metadata(&target).unwrap());
        }
    }
    lost
}
