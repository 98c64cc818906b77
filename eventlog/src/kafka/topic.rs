//! What a topic is like, and its producer.

use std::sync::Arc;

use rdkafka::admin::{AdminClient, AdminOptions, ResourceSpecifier};
use rdkafka::producer::FutureProducer;
use rdkafka::types::RDKafkaErrorCode as Code;

use super::security::Context;
use super::{BATCH_OVERHEAD, CALL_TIMEOUT, Connection, DELIVERY_TIMEOUT, LARGEST_RECORD, is_unknown};
use crate::LogError;

/// Kafka's own default; larger batches gain little and delay their first record.
const BATCH_BYTES: usize = 1_000_000;
/// Records waiting for the broker in memory, in KiB; appends beyond it wait.
const QUEUE_KIB: usize = 256 << 10;

/// A topic that exists.
pub(super) struct Topic {
    pub(super) partitions: u32,
    /// Bytes of key and value that one record may have.
    pub(super) limit: usize,
    /// One per topic, because the broker measures whole batches against the topic's limit: small
    /// records must not add up to a batch that it refuses.
    pub(super) producer: FutureProducer<Context>,
}

impl Topic {
    pub(super) async fn look_up(
        connection: &Connection,
        admin: &Arc<AdminClient<Context>>,
        name: &str,
    ) -> Result<Self, LogError> {
        let partitions = partitions(connection, admin, name).await?;
        let batch_limit = batch_limit(connection, admin, name).await?;
        let limit = batch_limit.saturating_sub(BATCH_OVERHEAD).min(LARGEST_RECORD);
        let producer = connection
            .settings()
            .set("allow.auto.create.topics", "false")
            .set("acks", "all")
            .set("enable.idempotence", "true")
            .set("compression.type", "none")
            .set("partitioner", "murmur2_random")
            .set("message.max.bytes", (LARGEST_RECORD + BATCH_OVERHEAD).to_string())
            .set("batch.size", BATCH_BYTES.min(batch_limit).to_string())
            .set("queue.buffering.max.kbytes", QUEUE_KIB.to_string())
            .set("message.timeout.ms", DELIVERY_TIMEOUT.as_millis().to_string())
            .set("request.timeout.ms", "10000")
            .set("linger.ms", "5")
            .create_with_context(connection.context.clone())
            .map_err(|error| connection.unavailable(error))?;
        Ok(Self { partitions, limit, producer })
    }
}

async fn partitions(connection: &Connection, admin: &Arc<AdminClient<Context>>, name: &str) -> Result<u32, LogError> {
    let (client, asked) = (Arc::clone(admin), name.to_owned());
    let fetched = connection.blocking(move || client.inner().fetch_metadata(Some(&asked), CALL_TIMEOUT)).await?;
    let metadata = fetched.map_err(|error| connection.error(name, &error))?;
    let Some(topic) = metadata.topics().iter().find(|topic| topic.name() == name) else {
        return Err(LogError::UnknownTopic(name.to_owned()));
    };
    match topic.error().map(Code::from) {
        None => {}
        Some(code) if is_unknown(code) => return Err(LogError::UnknownTopic(name.to_owned())),
        Some(code) => return Err(connection.unavailable(format!("topic {name}: {code}"))),
    }
    if topic.partitions().iter().any(|partition| partition.leader() < 0) {
        return Err(connection.unavailable(format!("topic {name} has partitions without a leader")));
    }
    Ok(topic.partitions().len() as u32)
}

async fn batch_limit(connection: &Connection, admin: &AdminClient<Context>, name: &str) -> Result<usize, LogError> {
    let options = AdminOptions::new().request_timeout(Some(CALL_TIMEOUT));
    let described = admin.describe_configs([&ResourceSpecifier::Topic(name)], &options).await;
    let described = described.map_err(|error| connection.unavailable(error))?.pop();
    match described {
        Some(Ok(config)) => Ok(config
            .get("max.message.bytes")
            .and_then(|entry| entry.value.as_deref()?.parse().ok())
            .unwrap_or(LARGEST_RECORD)),
        Some(Err(code)) if is_unknown(code) => Err(LogError::UnknownTopic(name.to_owned())),
        // Who may write a topic need not be allowed to read its settings; then the broker alone enforces them.
        Some(Err(Code::TopicAuthorizationFailed | Code::ClusterAuthorizationFailed)) | None => Ok(LARGEST_RECORD),
        Some(Err(code)) => Err(connection.unavailable(format!("topic {name}: {code}"))),
    }
}
