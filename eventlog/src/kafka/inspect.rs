//! What an operator wants to know of a cluster: its brokers, how a topic is kept, and who reads it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rdkafka::admin::{AdminOptions, ResourceSpecifier};
use rdkafka::client::Client;
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode as Code;

use super::security::Context;
use super::{CALL_TIMEOUT, KafkaLog, is_unknown, orphans};
use crate::LogError;

/// How a topic is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TopicState {
    /// In their order.
    pub partitions: Vec<PartitionState>,
    /// Its settings by their names, such as `retention.ms`; none where this client may not read them.
    pub settings: Option<BTreeMap<String, String>>,
}

/// Where the records of a partition are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartitionState {
    /// Whether a broker takes records for it now.
    pub has_leader: bool,
    /// Brokers that are to hold its records.
    pub replicas: usize,
    /// Brokers that hold all of its records.
    pub in_sync: usize,
}

/// Who reads a topic in a group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GroupState {
    /// Members of the group.
    pub members: usize,
    /// Partitions without a reader; none while the group is shared out anew, or where that cannot be told.
    pub unread: Option<BTreeSet<i32>>,
}

impl KafkaLog {
    /// How many brokers the cluster has that answer.
    ///
    /// # Errors
    /// None answers.
    pub async fn brokers(&self) -> Result<usize, LogError> {
        let admin = Arc::clone(&self.admin);
        let fetched = self.connection.blocking(move || admin.inner().fetch_metadata(None, CALL_TIMEOUT)).await?;
        match fetched {
            Ok(metadata) => Ok(metadata.brokers().len()),
            Err(error) => Err(self.connection.refused_or(self.connection.unavailable(error)).await),
        }
    }

    /// How a topic is kept.
    ///
    /// # Errors
    /// It does not exist, or no broker answers.
    pub async fn topic_state(&self, topic: &str) -> Result<TopicState, LogError> {
        let (admin, name) = (Arc::clone(&self.admin), topic.to_owned());
        let fetched = self.connection.blocking(move || admin.inner().fetch_metadata(Some(&name), CALL_TIMEOUT)).await?;
        let metadata = fetched.map_err(|error| self.connection.error(topic, &error))?;
        let found = metadata.topics().iter().find(|found| found.name() == topic);
        let found = found.ok_or_else(|| LogError::UnknownTopic(topic.to_owned()))?;
        if let Some(code) = found.error().map(Code::from).filter(|code| is_unknown(*code)) {
            tracing::debug!(%code, topic, "the brokers do not know the topic");
            return Err(LogError::UnknownTopic(topic.to_owned()));
        }
        let state = |partition: &rdkafka::metadata::MetadataPartition| PartitionState {
            has_leader: partition.leader() >= 0,
            replicas: partition.replicas().len(),
            in_sync: partition.isr().len(),
        };
        let partitions = found.partitions().iter().map(state).collect();
        Ok(TopicState { partitions, settings: self.settings(topic).await? })
    }

    async fn settings(&self, topic: &str) -> Result<Option<BTreeMap<String, String>>, LogError> {
        let options = AdminOptions::new().request_timeout(Some(CALL_TIMEOUT));
        let described = self.admin.describe_configs([&ResourceSpecifier::Topic(topic)], &options).await;
        match described.map_err(|error| self.connection.unavailable(error))?.pop() {
            Some(Ok(config)) => {
                let entries = config.entries.into_iter();
                Ok(Some(entries.filter_map(|entry| Some((entry.name, entry.value?))).collect()))
            }
            Some(Err(Code::TopicAuthorizationFailed | Code::ClusterAuthorizationFailed)) | None => Ok(None),
            Some(Err(code)) => Err(self.connection.unavailable(format!("topic {topic}: {code}"))),
        }
    }

    /// Who reads a topic in a group.
    ///
    /// # Errors
    /// The topic does not exist, or no broker answers.
    pub async fn group_state(&self, topic: &str, group: &str) -> Result<GroupState, LogError> {
        let partitions = self.topic(topic).await?.partitions;
        let (admin, name, group) = (Arc::clone(&self.admin), topic.to_owned(), group.to_owned());
        let asked = self.connection.blocking(move || group_state(admin.inner(), &name, partitions, &group)).await?;
        asked.map_err(|error| self.connection.error(topic, &error))
    }
}

fn group_state(client: &Client<Context>, topic: &str, partitions: u32, group: &str) -> Result<GroupState, KafkaError> {
    let groups = client.fetch_group_list(Some(group), CALL_TIMEOUT)?;
    let mut unread: BTreeSet<i32> = (0..partitions as i32).collect();
    let Some(found) = groups.groups().iter().find(|found| found.name() == group && !found.members().is_empty()) else {
        return Ok(GroupState { members: 0, unread: Some(unread) });
    };
    let members = found.members().len();
    if found.state() != "Stable" {
        return Ok(GroupState { members, unread: None });
    }
    for member in found.members() {
        match member.assignment().and_then(|bytes| orphans::partitions(bytes, topic)) {
            Some(read) => read.iter().for_each(|partition| {
                unread.remove(partition);
            }),
            None => return Ok(GroupState { members, unread: None }),
        }
    }
    Ok(GroupState { members, unread: Some(unread) })
}
