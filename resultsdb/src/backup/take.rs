//! Takes a backup.

use std::fs::File;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};
use embedded::{Engine, EngineOptions, LocalLog};
use eventlog::LogError;
use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::net::UnixStream;
use tokio::task::JoinHandle;

use super::control::{self, SOCKET, Source};
use super::manifest::{Contents, FileEntry, Manifest, SegmentEntry};
use super::protocol::{Client, Place};
use super::target::Target;
use super::{AT_ONCE, BLOBS, LOG, LOST_AND_FOUND, STORE, UNFINISHED, expect_log};
use crate::servers;

/// Backs a data directory up.
pub(super) async fn run(data_dir: &Path, to: &str) -> anyhow::Result<()> {
    expect_log(data_dir)?;
    let data_dir = data_dir.canonicalize().with_context(|| format!("finding {}", data_dir.display()))?;
    let target = Target::create(to, &data_dir).await?;
    let before = target.manifest().await?;
    let (mut client, own) = connect(&data_dir).await?;
    let taken = take(&data_dir, &mut client, &target, before).await;
    drop(client);
    if let Some(own) = own {
        own.close().await;
    }
    let manifest = taken?;
    target.finish(&manifest).await?;
    let (objects, bytes) = target.written();
    let all = manifest.contents().count();
    println!("backed up {all} files and segments to {to}; {objects} objects with {bytes} bytes were new");
    Ok(())
}

/// Log and engine that this process has opened itself.
struct Own {
    engine: Engine,
    answers: JoinHandle<anyhow::Result<()>>,
}

impl Own {
    /// Waits until nobody asks any more, and closes the engine.
    async fn close(self) {
        let _ = self.answers.await;
        self.engine.shutdown().await;
    }
}

/// The server that has the log open; none where no server answers.
pub(super) async fn server(data_dir: &Path) -> anyhow::Result<Option<Client>> {
    let socket = data_dir.join(SOCKET);
    match UnixStream::connect(&socket).await {
        Ok(stream) => Ok(Some(Client::new(stream))),
        // Left by a server that was killed, or never made.
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) => Ok(None),
        // A path that is too long for the address of a socket: no server has one there.
        Err(error) if error.kind() == ErrorKind::InvalidInput => Ok(None),
        Err(error) => Err(error).with_context(|| {
            format!("asking the server at {}; run the command as the user who runs `serve`", socket.display())
        }),
    }
}

/// Finds who has the log open; where nobody has, this process opens it and answers itself.
async fn connect(data_dir: &Path) -> anyhow::Result<(Client, Option<Own>)> {
    if let Some(server) = server(data_dir).await? {
        return Ok((server, None));
    }
    let log = match LocalLog::open(&data_dir.join(LOG)) {
        Err(LogError::InUse { .. }) => bail!(
            "{} is in use by a process that takes no backups: `serve` answers once it has started, and says in its log \
             if it cannot",
            data_dir.display()
        ),
        opened => opened?,
    };
    let engine = Engine::start(EngineOptions::new(data_dir.join(STORE))).await?;
    let source = Source::new(Arc::new(log), engine.freezer(), servers::embedded_address(&engine));
    let (ours, theirs) = UnixStream::pair().context("opening a pair of sockets")?;
    let answers = tokio::spawn(control::answer(theirs, source));
    Ok((Client::new(ours), Some(Own { engine, answers })))
}

/// Copies everything, in the order that keeps the copy consistent.
async fn take(
    data_dir: &Path,
    client: &mut Client,
    target: &Target,
    before: Option<Manifest>,
) -> anyhow::Result<Manifest> {
    let before = before.map_or_else(Vec::new, |manifest| manifest.segments);
    refuse_another_log(client, &before).await?;
    let mut manifest = Manifest::new()?;
    let snapshot = client.freeze().await?;
    let tables = Path::new(STORE).join("clickhouse");
    let image = walk(&snapshot.tables)?;
    let image = image.into_iter().map(|path| (snapshot.tables.join(&path), tables.join(path))).collect();
    manifest.files = copy(target, image).await?;
    for end in &snapshot.ends {
        manifest.segments.extend(segments(client, target, end, &before).await?);
    }
    (manifest.topics, manifest.committed) = (snapshot.topics, snapshot.committed);
    manifest.files.extend(copy(target, blobs(data_dir)?).await?);
    manifest.files.extend(copy(target, others(data_dir)?).await?);
    manifest.files.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(manifest)
}

/// A server that lost its data, or a wrong one, must not replace a good backup.
async fn refuse_another_log(client: &mut Client, before: &[SegmentEntry]) -> anyhow::Result<()> {
    let marks = client.marks(before.iter().map(last_record).collect()).await?;
    // Earlier versions wrote a checksum before the time.
    let is_its = |segment: &SegmentEntry, mark: &str| !mark.is_empty() && segment.mark.ends_with(mark);
    let differs =
        before.iter().zip(marks).find(|(segment, mark)| !mark.as_deref().is_some_and(|mark| is_its(segment, mark)));
    if let Some((segment, _)) = differs {
        bail!(
            "the backup that is there has records that this data directory does not have (topic {}, partition {}, offset \
             {}); nothing is changed, give another place for a backup of this one",
            segment.topic,
            segment.partition,
            segment.next - 1
        );
    }
    Ok(())
}

fn last_record(segment: &SegmentEntry) -> Place {
    Place { topic: segment.topic.clone(), partition: segment.partition, offset: segment.next.saturating_sub(1) }
}

/// The segments of a partition; full ones of the backup before are taken over.
async fn segments(
    client: &mut Client,
    target: &Target,
    end: &Place,
    before: &[SegmentEntry],
) -> anyhow::Result<Vec<SegmentEntry>> {
    let of_partition = before.iter().filter(|segment| segment.topic == end.topic && segment.partition == end.partition);
    let mut segments: Vec<SegmentEntry> =
        of_partition.take_while(|segment| segment.is_full && target.has(&segment.contents)).cloned().collect();
    let mut first = segments.last().map_or(0, |segment| segment.next);
    let taken_over = segments.len();
    while first < end.offset {
        let (head, bytes) = client.segment(end, first).await?;
        let contents = target.put(bytes).await?;
        segments.push(SegmentEntry {
            topic: end.topic.clone(),
            partition: end.partition,
            first,
            next: head.next,
            is_full: head.is_full,
            mark: String::new(),
            contents,
        });
        first = head.next;
    }
    let added = &mut segments[taken_over..];
    let marks = client.marks(added.iter().map(last_record).collect()).await?;
    for (segment, mark) in added.iter_mut().zip(marks) {
        segment.mark = mark.context("the log lost a record during the backup")?;
    }
    Ok(segments)
}

/// Copies files, given with their places in the data directory, and leaves out those that vanish.
async fn copy(target: &Target, files: Vec<(PathBuf, PathBuf)>) -> anyhow::Result<Vec<FileEntry>> {
    let copied = stream::iter(files).map(|(from, path)| async move {
        let copied = copy_file(target, &from, &path).await;
        copied.with_context(|| format!("copying {}", from.display()))
    });
    copied.buffer_unordered(AT_ONCE).try_filter_map(async |entry| Ok(entry)).try_collect().await
}

async fn copy_file(target: &Target, from: &Path, path: &Path) -> anyhow::Result<Option<FileEntry>> {
    let file = match File::open(from) {
        // Blobs expire.
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    let metadata = file.metadata()?;
    let named = blob_digest(path).map(|digest| Contents { digest: digest.to_owned(), size: metadata.len() });
    let contents = match named {
        Some(named) if target.has(&named) => named,
        Some(named) => {
            let contents = target.put_file(file).await?;
            if contents != named {
                bail!("this blob is damaged: its contents do not have its name as digest; restore it, or remove it");
            }
            contents
        }
        None => target.put_file(file).await?,
    };
    let path = path.to_str().context("its name is no text")?.to_owned();
    Ok(Some(FileEntry { path, mode: metadata.mode() & 0o777, contents }))
}

/// The digest that is the name of a blob.
pub(super) fn blob_digest(path: &Path) -> Option<&str> {
    let name = path.file_name()?.to_str()?;
    let is_digest = name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
    (path.starts_with(BLOBS) && is_digest).then_some(name)
}

/// Blobs; those that are just being written have a `#` in their names.
pub(super) fn blobs(data_dir: &Path) -> anyhow::Result<Vec<(PathBuf, PathBuf)>> {
    let folder = data_dir.join(BLOBS);
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut found = walk(&folder)?;
    found.retain(|path| !path.to_string_lossy().contains('#'));
    Ok(found.into_iter().map(|path| (folder.join(&path), Path::new(BLOBS).join(path))).collect())
}

/// Whatever else lies in the data directory, such as keys.
fn others(data_dir: &Path) -> anyhow::Result<Vec<(PathBuf, PathBuf)>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(data_dir).with_context(|| format!("reading {}", data_dir.display()))? {
        let entry = entry?;
        let name = PathBuf::from(entry.file_name());
        if [LOG, STORE, BLOBS, SOCKET, UNFINISHED, LOST_AND_FOUND].iter().any(|known| name == Path::new(known)) {
            continue;
        }
        let kind = entry.file_type()?;
        if kind.is_dir() {
            let inside = walk(&entry.path())?;
            found.extend(inside.into_iter().map(|path| (entry.path().join(&path), name.join(path))));
        } else if kind.is_file() {
            found.push((entry.path(), name));
        } else {
            eprintln!("{} is no file and is left out", entry.path().display());
        }
    }
    Ok(found)
}

/// The files below a folder, relative to it; links are left out, and so is what vanishes meanwhile.
fn walk(root: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let (mut folders, mut files) = (vec![PathBuf::new()], Vec::new());
    while let Some(folder) = folders.pop() {
        let entries = match std::fs::read_dir(root.join(&folder)) {
            Err(error) if error.kind() == ErrorKind::NotFound && !folder.as_os_str().is_empty() => continue,
            entries => entries.with_context(|| format!("reading {}", root.join(&folder).display()))?,
        };
        for entry in entries {
            let entry = entry?;
            let path = folder.join(entry.file_name());
            match entry.file_type()? {
                kind if kind.is_dir() => folders.push(path),
                kind if kind.is_file() => files.push(path),
                _ => eprintln!("{} is no file and is left out", root.join(path).display()),
            }
        }
    }
    Ok(files)
}
