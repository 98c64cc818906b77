//! What a group has committed, asked from outside of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use tokio::sync::Mutex;

use super::security::Context;
use super::{CALL_TIMEOUT, Connection};
use crate::LogError;

/// Many requests wait for the same offsets, so they share the question: whoever finds an answer to
/// a question that was asked after they came takes it.
pub(super) struct Group {
    client: Arc<BaseConsumer<Context>>,
    topic: String,
    partitions: u32,
    asked: AtomicU64,
    answered: Mutex<(u64, Result<Vec<u64>, KafkaError>)>,
}

impl Group {
    pub(super) fn new(connection: &Connection, topic: &str, group: &str, partitions: u32) -> Result<Self, LogError> {
        let client = connection
            .settings()
            .set("group.id", group)
            .set("enable.auto.commit", "false")
            .create_with_context(connection.context.clone())
            .map_err(|error| connection.unavailable(error))?;
        Ok(Self {
            client: Arc::new(client),
            topic: topic.to_owned(),
            partitions,
            asked: AtomicU64::new(0),
            answered: Mutex::new((0, Ok(Vec::new()))),
        })
    }

    pub(super) async fn committed(&self, connection: &Connection) -> Result<Vec<u64>, LogError> {
        let before = self.asked.load(Ordering::SeqCst);
        let mut answered = self.answered.lock().await;
        if answered.0 <= before {
            let number = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
            let (client, topic, partitions) = (Arc::clone(&self.client), self.topic.clone(), self.partitions);
            let answer = connection.blocking(move || ask(&client, &topic, partitions)).await?;
            *answered = (number, answer);
        }
        answered.1.clone().map_err(|error| connection.error(&self.topic, &error))
    }
}

fn ask(client: &BaseConsumer<Context>, topic: &str, partitions: u32) -> Result<Vec<u64>, KafkaError> {
    // Nobody polls this client, and its log lines would pile up.
    while client.poll(Duration::ZERO).is_some() {}
    let mut wanted = TopicPartitionList::new();
    wanted.add_partition_range(topic, 0, partitions as i32 - 1);
    let found = client.committed_offsets(wanted, CALL_TIMEOUT)?;
    let next = |element: &rdkafka::topic_partition_list::TopicPartitionListElem<'_>| {
        element.error()?;
        Ok(match element.offset() {
            Offset::Offset(offset) => u64::try_from(offset).unwrap_or(0),
            _ => 0,
        })
    };
    found.elements().iter().map(next).collect()
}
