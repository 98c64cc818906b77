//! The event log on Apache Kafka.
//!
//! Data flow: an append goes through the producer of its topic ([`topic`]), which returns when all
//! replicas in sync have the record; a [`consumer`] reads as a member of its group, which is watched
//! for partitions without a reader ([`orphans`]); what a group has committed is asked for without
//! joining it ([`group`]), and so is what an operator wants to know ([`inspect`]). All of them speak to brokers as
//! [`security`] says.
//!
//! A broker that is away never breaks anything for good: calls fail with [`LogError::Unavailable`]
//! after [`CALL_TIMEOUT`] (appends that were already on their way after [`DELIVERY_TIMEOUT`]) and
//! succeed again once it is back. A failed append may nevertheless be in the log, so whoever appends
//! again has to expect the record twice.

mod consumer;
mod group;
mod inspect;
mod orphans;
mod security;
mod topic;

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::Client;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::producer::{FutureRecord, Producer};
use rdkafka::types::RDKafkaErrorCode as Code;

use crate::{Consumer, EventLog, LogError, Position, Reader, TopicSpec};
use group::Group;
pub use inspect::{GroupState, PartitionState, TopicState};
use security::Context;
pub use security::{Login, ScramHash, Secret, Security, Tls};
use topic::Topic;

/// How long a call waits for an answer.
const CALL_TIMEOUT: Duration = Duration::from_secs(8);
/// How long an append may wait for the broker to come back.
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(20);
/// Between two looks for the leaders of a topic.
const LEADER_POLL: Duration = Duration::from_millis(20);
/// Between two looks for why brokers refuse a client.
const REFUSAL_POLL: Duration = Duration::from_millis(200);
/// The largest record that clients are prepared for, whatever a topic takes.
const LARGEST_RECORD: usize = 64 << 20;
/// What a record alone in its batch needs beside key and value, rounded up; Kafka's limit counts it.
const BATCH_OVERHEAD: usize = 128;

/// A Kafka cluster as an event log.
pub struct KafkaLog {
    connection: Connection,
    instance: Option<String>,
    admin: Arc<AdminClient<Context>>,
    topics: Mutex<HashMap<String, Arc<Topic>>>,
    groups: Mutex<HashMap<(String, String), Arc<Group>>>,
}

impl KafkaLog {
    /// Takes a comma-separated list of `host:port`; connects in the background, so that a broker that
    /// is away shows in the first call and not here.
    pub fn connect(brokers: &str) -> Result<Self, LogError> {
        Self::connect_securely(brokers, Security::default())
    }

    /// The same over TLS and with a login, where these are asked for. Files that cannot be read are an error here.
    pub fn connect_securely(brokers: &str, security: Security) -> Result<Self, LogError> {
        let connection = Connection { address: brokers.trim().to_owned(), security, context: Context::default() };
        if connection.address.is_empty() {
            return Err(connection.unavailable("no broker address was given"));
        }
        // A misspelt topic has to fail, also where the brokers would create it.
        let admin = connection
            .settings()
            .set("allow.auto.create.topics", "false")
            .create_with_context(connection.context.clone())
            .map_err(|error| connection.unavailable(error))?;
        Ok(Self {
            connection,
            instance: None,
            admin: Arc::new(admin),
            topics: Mutex::default(),
            groups: Mutex::default(),
        })
    }

    /// Makes this process a static member of its groups: one that is back within the session's time, under the same
    /// name, gets its partitions again without a rebalance. The name must be this process' own.
    #[must_use]
    pub fn with_instance(self, name: impl Into<String>) -> Self {
        Self { instance: Some(name.into()), ..self }
    }

    async fn topic(&self, name: &str) -> Result<Arc<Topic>, LogError> {
        if let Some(known) = cached(&self.topics, name) {
            return Ok(known);
        }
        let found = Arc::new(Topic::look_up(&self.connection, &self.admin, name).await?);
        Ok(keep(&self.topics, name.to_owned(), found))
    }

    /// The first offset and the one after the last, per partition.
    async fn offsets(&self, topic: &str) -> Result<Vec<(u64, u64)>, LogError> {
        let partitions = self.topic(topic).await?.partitions;
        let (admin, name) = (Arc::clone(&self.admin), topic.to_owned());
        let asked = self.connection.blocking(move || {
            let deadline = Instant::now() + CALL_TIMEOUT;
            (0..partitions as i32)
                .map(|partition| offsets(admin.inner(), &name, partition, deadline))
                .collect::<Result<Vec<(u64, u64)>, KafkaError>>()
        });
        asked.await?.map_err(|error| {
            if is_unknown_topic(&error) {
                self.forget(topic);
            }
            self.connection.error(topic, &error)
        })
    }

    fn forget(&self, name: &str) {
        self.topics.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
    }
}

#[async_trait]
impl EventLog for KafkaLog {
    async fn ensure_topic(&self, topic: &TopicSpec) -> Result<(), LogError> {
        let retention = topic.retention.map_or(-1, |kept| i64::try_from(kept.as_millis()).unwrap_or(i64::MAX));
        let (retention, largest) = (retention.to_string(), (topic.max_message_bytes + BATCH_OVERHEAD).to_string());
        // The number of replicas is the cluster's choice. Append time, because that is what `Record` promises.
        let wanted = NewTopic::new(&topic.name, topic.partitions.max(1) as i32, TopicReplication::Fixed(-1))
            .set("retention.ms", &retention)
            .set("max.message.bytes", &largest)
            .set("message.timestamp.type", "LogAppendTime");
        let options = AdminOptions::new().request_timeout(Some(CALL_TIMEOUT)).operation_timeout(Some(CALL_TIMEOUT));
        let created = match self.admin.create_topics([&wanted], &options).await {
            Ok(created) => created,
            Err(error) => return Err(self.connection.refused_or(self.connection.unavailable(error)).await),
        };
        for result in created {
            match result {
                Ok(_) | Err((_, Code::TopicAlreadyExists)) => {}
                Err((name, code)) => {
                    return Err(self.connection.unavailable(format!("creating topic {name}: {code}")));
                }
            }
        }
        let deadline = Instant::now() + CALL_TIMEOUT;
        loop {
            match self.end_offsets(&topic.name).await {
                Ok(_) => return Ok(()),
                Err(error) if Instant::now() >= deadline => return Err(self.connection.refused_or(error).await),
                Err(_) => tokio::time::sleep(LEADER_POLL).await,
            }
        }
    }

    async fn append(&self, topic: &str, key: &[u8], value: Bytes) -> Result<Position, LogError> {
        let found = self.topic(topic).await?;
        let (size, limit) = (key.len() + value.len(), found.limit);
        let too_large = || LogError::TooLarge { topic: topic.to_owned(), size, limit };
        if size > limit {
            return Err(too_large());
        }
        // An empty key would hash to one partition for all; none at all spreads the records.
        let record = FutureRecord::<[u8], [u8]>::to(topic).payload(&value);
        let record = if key.is_empty() { record } else { record.key(key) };
        let error = match found.producer.send(record, DELIVERY_TIMEOUT).await {
            Ok(delivery) => match u64::try_from(delivery.offset) {
                Ok(offset) => return Ok(Position { partition: delivery.partition as u32, offset }),
                Err(_) => return Err(self.connection.unavailable("the record was stored, but not where")),
            },
            Err((error, _)) => error,
        };
        // A producer that failed for good is replaced by the next append.
        if found.producer.client().fatal_error().is_some() || is_unknown_topic(&error) {
            self.forget(topic);
        }
        Err(match error.rdkafka_error_code() {
            Some(Code::MessageSizeTooLarge) => too_large(),
            _ => self.connection.error(topic, &error),
        })
    }

    async fn first_offsets(&self, topic: &str) -> Result<Vec<u64>, LogError> {
        Ok(self.offsets(topic).await?.into_iter().map(|(first, _)| first).collect())
    }

    async fn end_offsets(&self, topic: &str) -> Result<Vec<u64>, LogError> {
        Ok(self.offsets(topic).await?.into_iter().map(|(_, end)| end).collect())
    }

    async fn committed_offsets(&self, topic: &str, group: &str) -> Result<Vec<u64>, LogError> {
        let partitions = self.topic(topic).await?.partitions;
        let slot = (topic.to_owned(), group.to_owned());
        let asked = match cached(&self.groups, &slot) {
            Some(known) => known,
            None => keep(&self.groups, slot, Arc::new(Group::new(&self.connection, topic, group, partitions)?)),
        };
        asked.committed(&self.connection).await
    }

    async fn subscribe(&self, topic: &str, group: &str) -> Result<Box<dyn Consumer>, LogError> {
        self.topic(topic).await?;
        let instance = self.instance.as_deref();
        Ok(Box::new(consumer::KafkaConsumer::join(self.connection.clone(), topic, group, instance)?))
    }

    async fn read(&self, topic: &str, from: &[u64]) -> Result<Box<dyn Reader>, LogError> {
        let partitions = self.topic(topic).await?.partitions as usize;
        let from: Vec<u64> = (0..partitions).map(|partition| from.get(partition).copied().unwrap_or(0)).collect();
        Ok(Box::new(consumer::KafkaConsumer::read(self.connection.clone(), topic, &from)?))
    }
}

fn cached<K, Q, V>(cache: &Mutex<HashMap<K, Arc<V>>>, key: &Q) -> Option<Arc<V>>
where
    K: Eq + Hash + Borrow<Q>,
    Q: Eq + Hash + ?Sized,
{
    cache.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
}

/// Of two that were made at once the first stays, so that all callers share it.
fn keep<K: Eq + Hash, V>(cache: &Mutex<HashMap<K, Arc<V>>>, key: K, made: Arc<V>) -> Arc<V> {
    Arc::clone(cache.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_insert(made))
}

fn offsets(client: &Client<Context>, topic: &str, partition: i32, deadline: Instant) -> Result<(u64, u64), KafkaError> {
    let offset = |found: i64| u64::try_from(found).unwrap_or(0);
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        match client.fetch_watermarks(topic, partition, left) {
            Ok((first, end)) => return Ok((offset(first), offset(end))),
            // Leaders move, and a new topic's are announced before they know it themselves.
            Err(KafkaError::MetadataFetch(Code::NotLeaderForPartition | Code::LeaderNotAvailable))
                if !left.is_zero() =>
            {
                std::thread::sleep(LEADER_POLL);
            }
            Err(error) => return Err(error),
        }
    }
}

fn is_unknown_topic(error: &KafkaError) -> bool {
    error.rdkafka_error_code().is_some_and(is_unknown)
}

fn is_unknown(code: Code) -> bool {
    matches!(code, Code::UnknownTopicOrPartition | Code::UnknownTopic | Code::UnknownPartition | Code::InvalidTopic)
}

/// Where the cluster is and how its clients are set up.
#[derive(Clone)]
struct Connection {
    address: String,
    security: Security,
    /// Of all clients, so that each knows why another has no connection.
    context: Context,
}

impl Connection {
    fn settings(&self) -> ClientConfig {
        let mut settings = ClientConfig::new();
        settings
            .set("bootstrap.servers", &self.address)
            .set("client.id", "resultsdb")
            .set("socket.nagle.disable", "true")
            .set("socket.timeout.ms", "10000")
            .set("socket.connection.setup.timeout.ms", "5000")
            .set("reconnect.backoff.max.ms", "1000");
        self.security.apply(&mut settings);
        settings
    }

    fn unavailable(&self, cause: impl ToString) -> LogError {
        let cause = match self.context.refusal() {
            Some(reason) => format!("{}: {reason}", cause.to_string()),
            None => cause.to_string(),
        };
        LogError::Unavailable { address: self.address.clone(), cause }
    }

    /// Why the brokers refuse this client, if they do; else the error.
    ///
    /// Nobody polls the admin client, so it never tells: a client that does asks once more.
    async fn refused_or(&self, error: LogError) -> LogError {
        if !self.security.can_refuse() || !error.passes() {
            return error;
        }
        let connection = self.clone();
        let asked = self.blocking(move || {
            let client = connection.settings().set("group.id", "resultsdb.reader").clone();
            let client: BaseConsumer<Context> = client.create_with_context(connection.context.clone()).ok()?;
            let deadline = Instant::now() + CALL_TIMEOUT;
            while Instant::now() < deadline && connection.context.refusal().is_none() {
                if client.fetch_metadata(None, REFUSAL_POLL).is_ok() {
                    return None;
                }
                while client.poll(Duration::ZERO).is_some() {}
            }
            connection.context.likely_refusal()
        });
        match asked.await {
            Ok(Some(cause)) => LogError::Refused { address: self.address.clone(), cause },
            _ => error,
        }
    }

    fn error(&self, topic: &str, error: &KafkaError) -> LogError {
        match error.rdkafka_error_code() {
            Some(code) if is_unknown(code) => LogError::UnknownTopic(topic.to_owned()),
            Some(Code::BadMessage | Code::InvalidMessage) => {
                LogError::Damaged { address: self.address.clone(), cause: format!("topic {topic}: {error}") }
            }
            Some(Code::AutoOffsetReset) => LogError::Damaged {
                address: self.address.clone(),
                cause: format!("topic {topic}: records that were asked for are no longer kept"),
            },
            _ => self.unavailable(error),
        }
    }

    /// librdkafka waits for answers by blocking, which must not happen on the threads that serve requests.
    async fn blocking<T: Send + 'static>(&self, call: impl FnOnce() -> T + Send + 'static) -> Result<T, LogError> {
        // Not all of its calls take a timeout.
        let answer = tokio::time::timeout(DELIVERY_TIMEOUT, tokio::task::spawn_blocking(call)).await;
        answer.map_err(|_| self.unavailable("no answer"))?.map_err(|error| self.unavailable(error))
    }
}
