//! The event log: the append-only truth that everything else is rebuilt from.
//!
//! Data flow: `ingest` appends one event per upload with [`EventLog::append`], which returns only
//! once the record is durable (Kafka: `acks=all`; the local log: fsynced). The processor reads
//! through a [`Consumer`] of its group and commits offsets after its inserts, so a record is
//! delivered at least once; whoever consumes makes the effect idempotent.
//!
//! [`KafkaLog`] is the implementation for a cluster, `embedded::LocalLog` the one for a single
//! process; `contract` (feature `testing`) is what both are tested against.

#[cfg(feature = "testing")]
pub mod broker;
#[cfg(feature = "testing")]
pub mod contract;
pub mod kafka;

pub use kafka::KafkaLog;

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::watch;

/// How a topic is created.
#[derive(Debug, Clone)]
pub struct TopicSpec {
    /// The topic's name.
    pub name: String,
    /// Number of partitions; fixed for the life of the topic.
    pub partitions: u32,
    /// How long records are kept; `None` keeps them for ever.
    pub retention: Option<Duration>,
    /// The largest record accepted, in bytes, key and headers included.
    pub max_message_bytes: usize,
}

/// Where a record stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The partition, counted from 0.
    pub partition: u32,
    /// The record's offset in its partition, counted from 0, without gaps in the local log.
    pub offset: u64,
}

/// One record as it was appended.
#[derive(Debug, Clone)]
pub struct Record {
    /// Where it stands.
    pub position: Position,
    /// When the log took it, milliseconds since the Unix epoch.
    pub timestamp_ms: i64,
    /// The key that chose its partition; may be empty.
    pub key: Bytes,
    /// The payload.
    pub value: Bytes,
}

/// What goes wrong with an event log.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LogError {
    /// The log cannot be reached now; the same call may succeed later.
    #[error("the event log at {address} is not available: {cause}; check that it runs and that the address is right")]
    Unavailable {
        /// Broker list.
        address: String,
        /// What the client library said.
        cause: String,
    },
    /// The log refuses this client, or it the log: a login, or a certificate that is not trusted.
    #[error("the event log at {address} cannot be used by this client: {cause}; check [kafka] of the configuration")]
    Refused {
        /// Broker list.
        address: String,
        /// What the client library said.
        cause: String,
    },
    /// The system refuses what a log in a folder needs; the same call may succeed later.
    #[error("the event log in {folder} cannot be used: {cause}; {remedy}")]
    Folder {
        /// The folder.
        folder: String,
        /// What the system said, in its words.
        cause: String,
        /// What to do about it.
        remedy: &'static str,
    },
    /// Another process has the log open.
    #[error("the event log at {address} is in use by another process; stop that one, or use another folder")]
    InUse {
        /// Directory.
        address: String,
    },
    /// There is no space for more; the same call may succeed once there is.
    #[error(
        "the disk of the event log at {address} is full: {free_mib} MiB are left, {needed_mib} are needed; free some space"
    )]
    Full {
        /// Directory.
        address: String,
        /// What is left.
        free_mib: u64,
        /// What has to be.
        needed_mib: u64,
    },
    /// The record is larger than the topic takes.
    #[error(
        "a record of {size} bytes exceeds the {limit} bytes that topic {topic} takes; raise max_message_bytes or store the payload as a blob"
    )]
    TooLarge {
        /// The topic.
        topic: String,
        /// Bytes of the record.
        size: usize,
        /// Bytes the topic takes.
        limit: usize,
    },
    /// The topic was never created.
    #[error("topic {0} does not exist; create it first")]
    UnknownTopic(String),
    /// Stored bytes do not match their checksum, or offsets contradict each other.
    #[error("the event log at {address} is damaged: {cause}")]
    Damaged {
        /// Broker list or directory.
        address: String,
        /// What was found.
        cause: String,
    },
}

impl LogError {
    /// Whether the same call may succeed later.
    pub fn passes(&self) -> bool {
        matches!(self, Self::Unavailable { .. } | Self::Folder { .. } | Self::Full { .. })
    }
}

/// An append-only log of topics and partitions.
#[async_trait]
pub trait EventLog: Send + Sync {
    /// Creates the topic if it does not exist; an existing one is left as it is.
    async fn ensure_topic(&self, topic: &TopicSpec) -> Result<(), LogError>;

    /// Appends a record to the partition that `key` chooses and returns once it is durable.
    async fn append(&self, topic: &str, key: &[u8], value: Bytes) -> Result<Position, LogError>;

    /// The offset of the first record that is still kept, per partition; where there is none, that of the next.
    async fn first_offsets(&self, topic: &str) -> Result<Vec<u64>, LogError>;

    /// The offset after the last record, per partition.
    async fn end_offsets(&self, topic: &str) -> Result<Vec<u64>, LogError>;

    /// The next offset `group` would read, per partition; 0 where it never committed.
    async fn committed_offsets(&self, topic: &str, group: &str) -> Result<Vec<u64>, LogError>;

    /// Changes whenever a group commits, so that whoever waits for that need not ask again and again; none where the log
    /// cannot tell, because others commit as well.
    fn commits(&self) -> Option<watch::Receiver<u64>> {
        None
    }

    /// The log as one that keeps its records for ever; none for one that forgets them by itself.
    fn kept(&self) -> Option<&dyn KeptLog> {
        None
    }

    /// Joins `group` and reads from its committed offsets, from the beginning where there are none.
    async fn subscribe(&self, topic: &str, group: &str) -> Result<Box<dyn Consumer>, LogError>;

    /// Reads all partitions from these offsets on, one for each, outside of any group. Records that are no longer kept
    /// are [`LogError::Damaged`] when they are polled for, never passed over.
    async fn read(&self, topic: &str, from: &[u64]) -> Result<Box<dyn Reader>, LogError>;
}

/// A log that keeps its records for ever, unless it is told what is left of them.
#[async_trait]
pub trait KeptLog: Send + Sync {
    /// Durably puts these records of a topic in the place of those that it has at their positions.
    async fn replace(&self, topic: &str, records: Vec<Record>) -> Result<(), LogError>;
}

/// Reads records.
#[async_trait]
pub trait Reader: Send {
    /// The next records, in order within each partition. Waits until there is at least one or `wait`
    /// is over (then the answer is empty); returns no more than `max_records`, and stops adding once
    /// `max_bytes` of values are collected.
    async fn poll(&mut self, max_records: usize, max_bytes: usize, wait: Duration) -> Result<Vec<Record>, LogError>;
}

/// A member of a consumer group.
#[async_trait]
pub trait Consumer: Reader {
    /// Tells the group that this member is alive although it polls for nothing, because it is still busy with what it
    /// has; to be called every minute or so. Partitions are paused until the next poll, which loses nothing.
    async fn keep_alive(&mut self) -> Result<(), LogError>;

    /// Durably records that everything up to and including these positions is done.
    async fn commit(&mut self, done: &[Position]) -> Result<(), LogError>;
}
