//! The event log on local disk, for one process.
//!
//! Data flow: appends of all requests queue up before one writer thread, which takes whatever waits,
//! numbers it, writes it as one batch, syncs the journal once (group commit), and only then answers.
//! Readers scan by key: topic, partition, offset. Records are kept for ever: they are what the views
//! are rebuilt from, and nothing else archives them; what is over is replaced by what is left of it ([`kept`]). [`copy`] takes segments of records out for a backup and puts them
//! into a new log; [`check`] reads everything and says what is damaged.

mod check;
mod copy;
mod failure;
mod kept;
mod keyspaces;
mod stored;

use std::collections::HashMap;
use std::path::Path;
use std::sync::mpsc;
use std::sync::{Arc, RwLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use bytes::Bytes;
use eventlog::{Consumer, EventLog, KeptLog, LogError, Position, Reader, Record, TopicSpec};
use failure::{broken_off, failed, refused};
use fjall::{Database, Keyspace, PersistMode};
use keyspaces::Keyspaces;
use stored::{Topic, decode, decode_topic, encode, encode_topic, offset_key, offset_of, partition_prefix, record_key};
use tokio::sync::{oneshot, watch};

use crate::space;

pub use check::LogCheck;
pub use copy::{Committed, LogCopy, Segment};

/// Space that has to be left for an append, for a commit: a journal file has 64 MiB, and tables are written beside it. A
/// write that fails half-way would leave the log unusable until the process is started again.
const FREE_TO_APPEND: u64 = 256 << 20;
const FREE_TO_COMMIT: u64 = 96 << 20;
/// Appends that one sync covers at most; a bound on memory, far above what waits in practice.
const MAX_GROUP: usize = 4096;

struct Append {
    topic: String,
    key: Vec<u8>,
    value: Bytes,
    partition: u32,
    reply: oneshot::Sender<Result<Position, LogError>>,
}

/// What appenders, readers and the writer share.
struct Shared {
    address: String,
    database: Database,
    topics: Keyspace,
    records: Keyspace,
    offsets: Keyspace,
    known: RwLock<HashMap<String, Topic>>,
    /// Counts groups written, so that readers wait for a change instead of asking again.
    written: watch::Sender<u64>,
    /// Counts commits.
    committed: watch::Sender<u64>,
}

/// A durable event log in a directory, which one process at a time may open.
pub struct LocalLog {
    shared: Arc<Shared>,
    appends: mpsc::Sender<Append>,
}

impl LocalLog {
    /// Opens the log, creating the directory where needed.
    pub fn open(directory: &Path) -> Result<Self, LogError> {
        let address = directory.display().to_string();
        let away = |error: fjall::Error| failed(&address, &error);
        let Keyspaces { database, topics, records, offsets } = Keyspaces::open(directory).map_err(away)?;
        let mut known = HashMap::new();
        for entry in topics.iter() {
            let (name, stored) = entry.into_inner().map_err(away)?;
            let (name, topic) = decode_topic(&name, &stored).ok_or_else(|| LogError::Damaged {
                address: address.clone(),
                cause: "a topic's description cannot be read".to_owned(),
            })?;
            known.insert(name, topic);
        }
        let shared = Arc::new(Shared {
            address,
            database,
            topics,
            records,
            offsets,
            known: RwLock::new(known),
            written: watch::channel(0).0,
            committed: watch::channel(0).0,
        });
        let (appends, queue) = mpsc::channel();
        let writer = Writer { shared: Arc::clone(&shared), next: HashMap::new(), round: 0 };
        std::thread::Builder::new()
            .name("log-writer".to_owned())
            .spawn(move || writer.run(&queue))
            .map_err(|error| refused(&shared.address, &error))?;
        Ok(Self { shared, appends })
    }
}

/// Numbers and writes appends; alone in doing so, hence no lock on offsets.
struct Writer {
    shared: Arc<Shared>,
    next: HashMap<(String, u32), u64>,
    round: u64,
}

impl Writer {
    fn run(mut self, queue: &mpsc::Receiver<Append>) {
        while let Ok(first) = queue.recv() {
            let mut group = vec![first];
            group.extend(queue.try_iter().take(MAX_GROUP - 1));
            let space = self.shared.has_space(FREE_TO_APPEND);
            let positions =
                space.and_then(|()| self.write(&group).map_err(|error| failed(&self.shared.address, &error)));
            for (index, append) in group.into_iter().enumerate() {
                let answer = match &positions {
                    Ok(positions) => Ok(positions[index]),
                    Err(error) => Err(error.clone()),
                };
                // A sender that gave up waiting may still find its record in the log: it was not promised either way.
                let _ = append.reply.send(answer);
            }
        }
    }

    fn write(&mut self, group: &[Append]) -> Result<Vec<Position>, fjall::Error> {
        let mut batch = self.shared.database.batch().durability(Some(PersistMode::SyncData));
        let mut positions = Vec::with_capacity(group.len());
        let mut next = self.next.clone();
        for append in group {
            let partition = append.partition;
            let slot = (append.topic.clone(), partition);
            let offset = match next.get(&slot) {
                Some(offset) => *offset,
                None => self.shared.end_offset(&append.topic, partition)?,
            };
            let key = record_key(&append.topic, partition, offset);
            batch.insert(&self.shared.records, key.as_slice(), encode(&key, now_ms(), &append.key, &append.value));
            next.insert(slot, offset + 1);
            positions.push(Position { partition, offset });
        }
        batch.commit()?;
        self.next = next;
        self.round = self.round.wrapping_add(1);
        let round = self.round;
        self.shared.written.send_modify(|written| *written = round);
        Ok(positions)
    }
}

impl Shared {
    /// Whether that many bytes are left.
    fn has_space(&self, needed: u64) -> Result<(), LogError> {
        match space::free(Path::new(&self.address)) {
            Some(free) if free < needed => {
                Err(LogError::Full { address: self.address.clone(), free_mib: free >> 20, needed_mib: needed >> 20 })
            }
            // A file system that does not say is taken to have enough.
            _ => Ok(()),
        }
    }

    fn end_offset(&self, topic: &str, partition: u32) -> Result<u64, fjall::Error> {
        match self.records.prefix(partition_prefix(topic, partition)).next_back() {
            None => Ok(0),
            Some(last) => Ok(offset_of(&last.key()?) + 1),
        }
    }

    fn partitions(&self, topic: &str) -> Result<u32, LogError> {
        self.topic(topic, |found| found.partitions)
    }

    fn topic<T>(&self, topic: &str, read: impl Fn(&Topic) -> T) -> Result<T, LogError> {
        let known = self.known.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        known.get(topic).map(read).ok_or_else(|| LogError::UnknownTopic(topic.to_owned()))
    }

    fn committed(&self, topic: &str, group: &str, partition: u32) -> Result<u64, LogError> {
        let stored =
            self.offsets.get(offset_key(group, topic, partition)).map_err(|error| failed(&self.address, &error))?;
        Ok(stored.and_then(|bytes| <[u8; 8]>::try_from(&bytes[..]).ok()).map_or(0, u64::from_be_bytes))
    }

    fn read(
        &self,
        topic: &str,
        partition: u32,
        from: u64,
        records: usize,
        bytes: usize,
    ) -> Result<Vec<Record>, LogError> {
        let range = record_key(topic, partition, from)..=record_key(topic, partition, u64::MAX);
        let (mut found, mut size) = (Vec::new(), 0);
        for entry in self.records.range(range) {
            if found.len() == records || size >= bytes {
                break;
            }
            let (key, stored) = entry.into_inner().map_err(|error| failed(&self.address, &error))?;
            let offset = offset_of(&key);
            let record = decode(&key, &stored, Position { partition, offset }).ok_or_else(|| LogError::Damaged {
                address: self.address.clone(),
                cause: format!("topic {topic}, partition {partition}, offset {offset}: the checksum does not match"),
            })?;
            size += record.value.len();
            found.push(record);
        }
        Ok(found)
    }
}

#[async_trait]
impl EventLog for LocalLog {
    async fn ensure_topic(&self, topic: &TopicSpec) -> Result<(), LogError> {
        let mut known = self.shared.known.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        if known.contains_key(&topic.name) {
            return Ok(());
        }
        let written = self.shared.topics.insert(topic.name.as_bytes(), encode_topic(topic));
        let synced = written.and_then(|()| self.shared.database.persist(PersistMode::SyncAll));
        synced.map_err(|error| failed(&self.shared.address, &error))?;
        let created = Topic { partitions: topic.partitions.max(1), max_message_bytes: topic.max_message_bytes };
        known.insert(topic.name.clone(), created);
        Ok(())
    }

    async fn append(&self, topic: &str, key: &[u8], value: Bytes) -> Result<Position, LogError> {
        let (partitions, limit) = self.shared.topic(topic, |found| (found.partitions, found.max_message_bytes))?;
        let size = key.len() + value.len();
        if size > limit {
            return Err(LogError::TooLarge { topic: topic.to_owned(), size, limit });
        }
        let partition = crc32fast::hash(if key.is_empty() { &value } else { key }) % partitions;
        let (reply, answer) = oneshot::channel();
        let append = Append { topic: topic.to_owned(), key: key.to_vec(), value, partition, reply };
        let gone = || broken_off(&self.shared.address, "its writer has stopped");
        self.appends.send(append).map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }

    /// Records are kept for ever.
    async fn first_offsets(&self, topic: &str) -> Result<Vec<u64>, LogError> {
        Ok(vec![0; self.shared.partitions(topic)? as usize])
    }

    async fn end_offsets(&self, topic: &str) -> Result<Vec<u64>, LogError> {
        (0..self.shared.partitions(topic)?)
            .map(|partition| self.shared.end_offset(topic, partition))
            .collect::<Result<_, _>>()
            .map_err(|error| failed(&self.shared.address, &error))
    }

    async fn committed_offsets(&self, topic: &str, group: &str) -> Result<Vec<u64>, LogError> {
        (0..self.shared.partitions(topic)?).map(|partition| self.shared.committed(topic, group, partition)).collect()
    }

    fn commits(&self) -> Option<watch::Receiver<u64>> {
        Some(self.shared.committed.subscribe())
    }

    fn kept(&self) -> Option<&dyn KeptLog> {
        Some(self)
    }

    /// One member reads all partitions; a second member of the same group would read them too.
    async fn subscribe(&self, topic: &str, group: &str) -> Result<Box<dyn Consumer>, LogError> {
        let next = self.committed_offsets(topic, group).await?;
        Ok(Box::new(LocalConsumer { reader: LocalReader::new(&self.shared, topic, next), group: group.to_owned() }))
    }

    async fn read(&self, topic: &str, from: &[u64]) -> Result<Box<dyn Reader>, LogError> {
        let mut next = vec![0; self.shared.partitions(topic)? as usize];
        next.iter_mut().zip(from).for_each(|(next, from)| *next = *from);
        Ok(Box::new(LocalReader::new(&self.shared, topic, next)))
    }
}

struct LocalConsumer {
    reader: LocalReader,
    group: String,
}

struct LocalReader {
    shared: Arc<Shared>,
    written: watch::Receiver<u64>,
    topic: String,
    next: Vec<u64>,
    /// The partition that the next poll starts with, so that a busy one starves no other.
    first: usize,
}

impl LocalReader {
    fn new(shared: &Arc<Shared>, topic: &str, next: Vec<u64>) -> Self {
        let written = shared.written.subscribe();
        Self { written, shared: Arc::clone(shared), topic: topic.to_owned(), next, first: 0 }
    }

    fn read(&mut self, max_records: usize, max_bytes: usize) -> Result<Vec<Record>, LogError> {
        let partitions = self.next.len();
        let (mut found, mut size) = (Vec::new(), 0);
        for turn in 0..partitions {
            let partition = (self.first + turn) % partitions;
            if found.len() >= max_records || size >= max_bytes {
                break;
            }
            let rest = (max_records - found.len(), max_bytes - size);
            let records = self.shared.read(&self.topic, partition as u32, self.next[partition], rest.0, rest.1)?;
            if let Some(last) = records.last() {
                self.next[partition] = last.position.offset + 1;
            }
            size += records.iter().map(|record| record.value.len()).sum::<usize>();
            found.extend(records);
        }
        self.first = (self.first + 1) % partitions.max(1);
        Ok(found)
    }
}

#[async_trait]
impl Reader for LocalReader {
    async fn poll(&mut self, max_records: usize, max_bytes: usize, wait: Duration) -> Result<Vec<Record>, LogError> {
        let deadline = tokio::time::Instant::now() + wait;
        loop {
            self.written.mark_unchanged();
            let found = self.read(max_records, max_bytes)?;
            if !found.is_empty() {
                return Ok(found);
            }
            match tokio::time::timeout_at(deadline, self.written.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) | Err(_) => return Ok(found),
            }
        }
    }
}

#[async_trait]
impl Reader for LocalConsumer {
    async fn poll(&mut self, max_records: usize, max_bytes: usize, wait: Duration) -> Result<Vec<Record>, LogError> {
        self.reader.poll(max_records, max_bytes, wait).await
    }
}

#[async_trait]
impl Consumer for LocalConsumer {
    /// There is no group that could lose this member.
    async fn keep_alive(&mut self) -> Result<(), LogError> {
        Ok(())
    }

    async fn commit(&mut self, done: &[Position]) -> Result<(), LogError> {
        let LocalReader { shared, topic, .. } = &self.reader;
        shared.has_space(FREE_TO_COMMIT)?;
        let mut batch = shared.database.batch().durability(Some(PersistMode::SyncData));
        for position in done {
            let key = offset_key(&self.group, topic, position.partition);
            batch.insert(&shared.offsets, key, (position.offset + 1).to_be_bytes().as_slice());
        }
        let shared = Arc::clone(shared);
        tokio::task::spawn_blocking(move || batch.commit())
            .await
            .map_err(|error| broken_off(&shared.address, &error.to_string()))?
            .map_err(|error| failed(&shared.address, &error))?;
        shared.committed.send_modify(|commits| *commits += 1);
        Ok(())
    }
}

fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64)
}
