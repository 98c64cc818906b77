//! A member of a consumer group.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::FutureExt;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{CommitMode, Consumer as _, StreamConsumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Message};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use rdkafka::types::RDKafkaErrorCode as Code;

use super::orphans::{self, Watch};
use super::security::Context;
use super::{BATCH_OVERHEAD, Connection, LARGEST_RECORD};
use crate::{Consumer, LogError, Position, Reader, Record};

/// How long the end of the process may wait for a member to leave its group.
const LEAVE_TIMEOUT: Duration = Duration::from_secs(5);

/// Reads on behalf of a group.
///
/// A poll while the broker is away is an empty one, and reading goes on when it is back; errors that
/// need somebody's attention, such as a refused login, come as [`LogError::Unavailable`]. A commit
/// fails while the broker is away, and the same commit succeeds later.
///
/// A poll may be dropped while it waits: no record is lost.
pub(super) struct KafkaConsumer {
    connection: Connection,
    topic: String,
    settings: ClientConfig,
    start: Start,
    /// Only absent while being dropped.
    consumer: Option<Arc<StreamConsumer<Context>>>,
    /// Of a member of a group.
    _watch: Option<Watch>,
    /// Came after records of the same poll, which had to be handed out first.
    postponed: Option<LogError>,
    /// Came while the member was only kept alive.
    kept: VecDeque<Record>,
    paused: bool,
}

/// What a consumer reads.
enum Start {
    /// What this group gives it.
    Subscribed(String),
    /// All partitions, from these offsets on.
    At(Vec<u64>),
}

impl KafkaConsumer {
    pub(super) fn join(
        connection: Connection,
        topic: &str,
        group: &str,
        instance: Option<&str>,
    ) -> Result<Self, LogError> {
        let mut settings = settings(&connection, group);
        settings
            .set("auto.offset.reset", "earliest")
            .set("partition.assignment.strategy", "cooperative-sticky")
            .set("session.timeout.ms", "6000")
            .set("heartbeat.interval.ms", "1500");
        if let Some(instance) = instance {
            settings.set("group.instance.id", instance);
        }
        Self::start(connection, topic, settings, Start::Subscribed(group.to_owned()))
    }

    /// Reads all partitions from these offsets on, as a member of no group.
    pub(super) fn read(connection: Connection, topic: &str, from: &[u64]) -> Result<Self, LogError> {
        let mut settings = settings(&connection, "resultsdb.reader");
        // Records that are gone must not be passed over.
        settings.set("auto.offset.reset", "error");
        Self::start(connection, topic, settings, Start::At(from.to_vec()))
    }

    fn start(connection: Connection, topic: &str, settings: ClientConfig, start: Start) -> Result<Self, LogError> {
        let (consumer, watch) = create(&connection, &settings, topic, &start)?;
        Ok(Self {
            connection,
            topic: topic.to_owned(),
            settings,
            start,
            consumer: Some(consumer),
            _watch: watch,
            postponed: None,
            kept: VecDeque::new(),
            paused: false,
        })
    }

    /// Joins anew where the client has failed for good, as a static member does that the group gave up; what was read
    /// and not committed comes again.
    fn renew(&mut self) -> Result<(), LogError> {
        let Some((code, reason)) = self.consumer()?.client().fatal_error() else { return Ok(()) };
        tracing::warn!(%code, reason, topic = self.topic, "the consumer failed and starts anew");
        let (renewed, watch) = create(&self.connection, &self.settings, &self.topic, &self.start)?;
        self._watch = watch;
        leave(self.consumer.replace(renewed));
        self.kept.clear();
        self.paused = false;
        Ok(())
    }

    /// Reads on after [`Consumer::keep_alive`].
    fn resume(&mut self) -> Result<(), LogError> {
        if std::mem::take(&mut self.paused) {
            let consumer = self.consumer()?;
            let resumed = consumer.assignment().and_then(|assigned| consumer.resume(&assigned));
            resumed.map_err(|error| self.connection.error(&self.topic, &error))?;
        }
        Ok(())
    }

    fn consumer(&self) -> Result<&Arc<StreamConsumer<Context>>, LogError> {
        self.consumer.as_ref().ok_or_else(|| self.connection.unavailable("the consumer has left its group"))
    }
}

fn settings(connection: &Connection, group: &str) -> ClientConfig {
    let largest = (LARGEST_RECORD + BATCH_OVERHEAD).to_string();
    let mut settings = connection.settings();
    settings
        .set("group.id", group)
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("isolation.level", "read_committed")
        .set("check.crcs", "true")
        .set("max.partition.fetch.bytes", &largest)
        .set("fetch.max.bytes", &largest)
        .set("receive.message.max.bytes", (2 * LARGEST_RECORD + (1 << 20)).to_string())
        // With large records the queue is full after one fetch; the default would then pause for a second.
        .set("fetch.queue.backoff.ms", "10")
        .set("fetch.error.backoff.ms", "100");
    settings
}

#[async_trait]
impl Reader for KafkaConsumer {
    async fn poll(&mut self, max_records: usize, max_bytes: usize, wait: Duration) -> Result<Vec<Record>, LogError> {
        if let Some(error) = self.postponed.take() {
            return Err(error);
        }
        self.renew()?;
        self.resume()?;
        let deadline = tokio::time::Instant::now() + wait;
        let consumer = Arc::clone(self.consumer()?);
        let (mut found, mut size) = (Vec::new(), 0);
        while found.len() < max_records
            && (found.is_empty() || size < max_bytes)
            && let Some(record) = self.kept.pop_front()
        {
            size += record.value.len();
            found.push(record);
        }
        while found.len() < max_records && (found.is_empty() || size < max_bytes) {
            // Only the first record is waited for, so a poll that is dropped while waiting holds none.
            let received = if found.is_empty() {
                tokio::time::timeout_at(deadline, consumer.recv()).await.ok()
            } else {
                consumer.recv().now_or_never()
            };
            match received {
                None => break,
                Some(Ok(message)) => {
                    let record = record(&message);
                    size += record.value.len();
                    found.push(record);
                }
                Some(Err(error)) if passes(&error) => {
                    tracing::debug!(%error, topic = self.topic, "reading is interrupted");
                }
                Some(Err(error)) => {
                    let error = self.connection.error(&self.topic, &error);
                    if found.is_empty() {
                        return Err(error);
                    }
                    self.postponed = Some(error);
                    break;
                }
            }
        }
        Ok(found)
    }
}

#[async_trait]
impl Consumer for KafkaConsumer {
    async fn keep_alive(&mut self) -> Result<(), LogError> {
        self.renew()?;
        let consumer = Arc::clone(self.consumer()?);
        // Again each time, because partitions may have come in the meantime.
        let paused = consumer.assignment().and_then(|assigned| consumer.pause(&assigned));
        self.paused = true;
        paused.map_err(|error| self.connection.error(&self.topic, &error))?;
        while let Some(received) = consumer.recv().now_or_never() {
            match received {
                Ok(message) => self.kept.push_back(record(&message)),
                Err(error) if passes(&error) => {}
                Err(error) => {
                    self.postponed = Some(self.connection.error(&self.topic, &error));
                    break;
                }
            }
        }
        Ok(())
    }

    /// Says `Ok` also where the partitions have gone to another member in the meantime: it reads the
    /// records again, and effects are idempotent.
    async fn commit(&mut self, done: &[Position]) -> Result<(), LogError> {
        let mut next = BTreeMap::new();
        for position in done {
            let slot = next.entry(position.partition).or_insert(0);
            *slot = (position.offset + 1).max(*slot);
        }
        let (consumer, topic) = (Arc::clone(self.consumer()?), self.topic.clone());
        let committed = self.connection.blocking(move || commit(&consumer, &topic, &next)).await?;
        match committed {
            Err(error) if is_stale(&error) => {
                tracing::warn!(%error, topic = self.topic, "a commit came after a rebalance; the records are read again");
                Ok(())
            }
            other => other.map_err(|error| self.connection.error(&self.topic, &error)),
        }
    }
}

impl Drop for KafkaConsumer {
    fn drop(&mut self) {
        leave(self.consumer.take());
    }
}

fn create(
    connection: &Connection,
    settings: &ClientConfig,
    topic: &str,
    start: &Start,
) -> Result<(Arc<StreamConsumer<Context>>, Option<Watch>), LogError> {
    try_to_create(connection, settings, topic, start).map_err(|error| connection.unavailable(error))
}

fn try_to_create(
    connection: &Connection,
    settings: &ClientConfig,
    topic: &str,
    start: &Start,
) -> Result<(Arc<StreamConsumer<Context>>, Option<Watch>), KafkaError> {
    let consumer: Arc<StreamConsumer<Context>> = Arc::new(settings.create_with_context(connection.context.clone())?);
    let watch = match start {
        Start::Subscribed(group) => {
            consumer.subscribe(&[topic])?;
            Some(orphans::watch(&consumer, topic, group))
        }
        Start::At(offsets) => {
            let mut list = TopicPartitionList::new();
            for (partition, offset) in offsets.iter().enumerate() {
                list.add_partition_offset(topic, partition as i32, Offset::Offset(*offset as i64))?;
            }
            consumer.assign(&list)?;
            None
        }
    };
    Ok((consumer, watch))
}

/// Leaving the group waits for the broker's answer. A thread of its own, because the runtime waits for its blocking
/// tasks when it ends, and a dead broker must not hold that up for long.
fn leave(consumer: Option<Arc<StreamConsumer<Context>>>) {
    let Some(consumer) = consumer else { return };
    let (left, leaving) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        drop(consumer);
        let _ = left.send(());
    });
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        runtime.spawn_blocking(move || leaving.recv_timeout(LEAVE_TIMEOUT));
    }
}

fn commit(consumer: &StreamConsumer<Context>, topic: &str, next: &BTreeMap<u32, u64>) -> Result<(), KafkaError> {
    // The broker would take a commit for a partition that went to another member of the same
    // generation, and might thereby set it back.
    let owned = consumer.assignment()?;
    let mut list = TopicPartitionList::new();
    for (partition, offset) in next {
        if owned.find_partition(topic, *partition as i32).is_some() {
            list.add_partition_offset(topic, *partition as i32, Offset::Offset(*offset as i64))?;
        } else {
            tracing::warn!(topic, partition, "not committed, because another member reads the partition now");
        }
    }
    if list.count() == 0 { Ok(()) } else { consumer.commit(&list, CommitMode::Sync) }
}

fn record(message: &BorrowedMessage<'_>) -> Record {
    let copied = |bytes: Option<&[u8]>| bytes.map_or_else(Bytes::new, Bytes::copy_from_slice);
    Record {
        position: Position { partition: message.partition() as u32, offset: message.offset() as u64 },
        timestamp_ms: message.timestamp().to_millis().unwrap_or(0),
        key: copied(message.key()),
        value: copied(message.payload()),
    }
}

/// What librdkafka reports while it already tries again.
fn passes(error: &KafkaError) -> bool {
    matches!(
        error,
        KafkaError::MessageConsumption(
            Code::AllBrokersDown
                | Code::BrokerTransportFailure
                | Code::Resolve
                | Code::OperationTimedOut
                | Code::RequestTimedOut
                | Code::WaitingForCoordinator
                | Code::CoordinatorLoadInProgress
                | Code::CoordinatorNotAvailable
                | Code::NotCoordinator
                | Code::PollExceeded
        )
    )
}

fn is_stale(error: &KafkaError) -> bool {
    matches!(
        error.rdkafka_error_code(),
        Some(
            Code::IllegalGeneration
                | Code::UnknownMemberId
                | Code::RebalanceInProgress
                | Code::FencedMemberEpoch
                | Code::StaleMemberEpoch
                | Code::AssignmentLost
                | Code::FencedInstanceId
                // The client is beyond help, and the next poll starts another.
                | Code::Fatal
        )
    )
}
