//! The side of a backup that has the log and the tables open: a socket in the data directory of `serve`. `doctor` asks there,
//! too.
//!
//! Whoever may read the data directory's files may back them up, so the file system's permissions are the rule: the
//! socket is its owner's alone, and of others only root is answered. There is no route and no key.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, anyhow};
use embedded::{Freezer, FrozenTables, LocalLog};
use eventlog::EventLog;
use schema::store::StoreAddress;
use serde::Serialize;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Mutex, OwnedMutexGuard, watch};

use super::manifest::{CommittedEntry, TopicEntry};
use super::protocol::{MAX_LINE, Place, Reply, Request, SegmentHead, Snapshot};
use crate::causes;
use crate::doctor::examined;

/// The socket's name in the data directory.
pub(super) const SOCKET: &str = "control.sock";

/// What backups are taken from.
#[derive(Clone)]
pub(super) struct Source {
    log: Arc<LocalLog>,
    freezer: Freezer,
    /// Where the tables are asked.
    store: StoreAddress,
    /// Held by the backup that is being taken.
    taken: Arc<Mutex<()>>,
}

impl Source {
    pub(super) fn new(log: Arc<LocalLog>, freezer: Freezer, store: StoreAddress) -> Self {
        Self { log, freezer, store, taken: Arc::default() }
    }
}

/// Answers backups of a data directory until `stop`. A server without the socket serves all the same, and says that
/// it cannot be backed up while it runs: some file systems have no sockets, and long paths do not fit in their address.
pub(crate) fn listen(
    data_dir: &Path,
    log: Arc<LocalLog>,
    freezer: Freezer,
    store: StoreAddress,
    stop: watch::Receiver<bool>,
) {
    match bind(&data_dir.join(SOCKET)) {
        Ok((listener, owner)) => {
            tokio::spawn(accept(listener, owner, Source::new(log, freezer, store), stop));
        }
        Err(error) => {
            tracing::warn!(error = causes::told(&error), "no backup can be taken while this server runs");
        }
    }
}

/// The socket, and the user whom it belongs to.
fn bind(path: &PathBuf) -> anyhow::Result<(UnixListener, u32)> {
    // The log's lock is held, so that a socket that is there belongs to no other process.
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(error).with_context(|| format!("removing {}", path.display()));
        }
        _ => {}
    }
    let listener = UnixListener::bind(path).with_context(|| format!("listening on {}", path.display()))?;
    let secured = std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600));
    secured.with_context(|| format!("securing {}", path.display()))?;
    let owner = std::fs::metadata(path).with_context(|| format!("reading {}", path.display()))?.uid();
    Ok((listener, owner))
}

async fn accept(listener: UnixListener, owner: u32, source: Source, mut stop: watch::Receiver<bool>) {
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.wait_for(|stop| *stop) => return,
        };
        let Ok((stream, _)) = stream else { continue };
        // Until its permissions were set, others could connect.
        if !stream.peer_cred().is_ok_and(|peer| peer.uid() == owner || peer.uid() == 0) {
            continue;
        }
        let (source, mut stop) = (source.clone(), stop.clone());
        tokio::spawn(async move {
            tokio::select! {
                answered = answer(stream, source) => if let Err(error) = answered {
                    tracing::debug!(error = causes::told(&error), "a backup's connection ended");
                },
                _ = stop.wait_for(|stop| *stop) => {}
            }
        });
    }
}

/// Answers one connection. The image of the tables goes when the connection does, whatever became of the backup.
pub(super) async fn answer(stream: UnixStream, source: Source) -> anyhow::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut held: Option<(FrozenTables, OwnedMutexGuard<()>)> = None;
    loop {
        let mut line = String::new();
        if (&mut stream).take(MAX_LINE).read_line(&mut line).await? == 0 {
            return Ok(());
        }
        match serde_json::from_str(&line).context("a request cannot be read; are the versions alike?") {
            Ok(Request::Freeze) => {
                tracing::info!("a backup is taken");
                drop(held.take());
                let answer = match source.freeze().await {
                    Ok((snapshot, kept)) => {
                        held = Some(kept);
                        Ok(snapshot)
                    }
                    Err(error) => Err(error),
                };
                reply(&mut stream, answer).await?;
            }
            Ok(Request::Marks(places)) => reply(&mut stream, source.marks(places).await).await?,
            Ok(Request::Segment { topic, partition, from, end }) => {
                let log = Arc::clone(&source.log);
                let read = tokio::task::spawn_blocking(move || log.segment(&topic, partition, from, end)).await?;
                let (head, bytes) = match read {
                    Ok(segment) => {
                        let bytes = segment.bytes.len() as u64;
                        (Ok(SegmentHead { bytes, next: segment.next, is_full: segment.is_full }), segment.bytes)
                    }
                    Err(error) => (Err(error.into()), Vec::new()),
                };
                reply(&mut stream, head).await?;
                stream.write_all(&bytes).await?;
            }
            Ok(Request::Examine { patience }) => {
                let examined = examined::examine(source.log.as_ref(), source.store.clone(), patience).await;
                reply(&mut stream, Ok(examined)).await?;
            }
            Err(error) => reply::<()>(&mut stream, Err(error)).await?,
        }
    }
}

async fn reply<T: Serialize>(stream: &mut BufReader<UnixStream>, answer: anyhow::Result<T>) -> anyhow::Result<()> {
    let answer = match answer {
        Ok(answer) => Reply::Ok(answer),
        Err(error) => Reply::Error(causes::told(&error)),
    };
    let mut line = serde_json::to_vec(&answer)?;
    line.push(b'\n');
    Ok(stream.write_all(&line).await?)
}

impl Source {
    /// The order counts: rows of the image are at least those that groups have done, and the log has every event of
    /// which the image has rows.
    async fn freeze(&self) -> anyhow::Result<(Snapshot, (FrozenTables, OwnedMutexGuard<()>))> {
        let busy = || anyhow!("another backup is being taken from this data directory; wait until it is done");
        let taken = Arc::clone(&self.taken).try_lock_owned().map_err(|_| busy())?;
        let committed = self.log.committed()?;
        let frozen = self.freezer.freeze().await?;
        let topics = self.log.topics();
        let mut ends = Vec::new();
        for topic in &topics {
            for (partition, offset) in self.log.end_offsets(&topic.name).await?.into_iter().enumerate() {
                ends.push(Place { topic: topic.name.clone(), partition: u32::try_from(partition)?, offset });
            }
        }
        let topic = |topic: eventlog::TopicSpec| TopicEntry {
            name: topic.name,
            partitions: topic.partitions,
            max_message_bytes: topic.max_message_bytes as u64,
        };
        let committed = committed.into_iter().map(|committed| CommittedEntry {
            group: committed.group,
            topic: committed.topic,
            partition: committed.partition,
            next: committed.next,
        });
        let snapshot = Snapshot {
            topics: topics.into_iter().map(topic).collect(),
            committed: committed.collect(),
            ends,
            tables: frozen.folder(),
        };
        // The image goes first when both are dropped: the next backup has an image of the same name.
        Ok((snapshot, (frozen, taken)))
    }

    async fn marks(&self, places: Vec<Place>) -> anyhow::Result<Vec<Option<String>>> {
        let log = Arc::clone(&self.log);
        tokio::task::spawn_blocking(move || {
            let mark = |place: &Place| -> anyhow::Result<Option<String>> {
                let mark = log.mark(&place.topic, place.partition, place.offset)?;
                Ok(mark.map(|bytes| bytes.iter().map(|byte| format!("{byte:02x}")).collect()))
            };
            places.iter().map(mark).collect()
        })
        .await?
    }
}
