//! How Kafka keeps topics: on how many brokers, for how long, and by which settings.

use std::collections::BTreeMap;
use std::time::Duration;

use eventlog::KafkaLog;
use eventlog::kafka::TopicState;
use schema::seconds::DAY;

use super::finding::Finding;
use super::units::{bytes, numbers, time};
use crate::servers::MAX_MESSAGE_BYTES;

/// Events should be kept so long that an archive which is away over a weekend loses none, and have to be kept so long that
/// one which is away over a night loses none.
const SHORT: u64 = 3 * DAY;
const TOO_SHORT: u64 = DAY;

/// What a topic should be like.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    pub(super) topic: &'static str,
    pub(super) partitions: u32,
    /// How long `kafka.retention_days` says that records are kept; none for ever.
    pub(super) retention: Option<Duration>,
    /// Whether records are lost for rebuilds unless they are archived in time.
    pub(super) is_archived: bool,
}

/// Asks how many brokers there are.
pub(super) async fn brokers(log: &KafkaLog) -> anyhow::Result<Finding> {
    let brokers = log.brokers().await?;
    Ok(Finding::ok(format!("{brokers} {}", if brokers == 1 { "broker answers" } else { "brokers answer" })))
}

/// Asks how a topic is kept.
pub(super) async fn of(log: &KafkaLog, wanted: Wanted) -> anyhow::Result<Finding> {
    Ok(judge(wanted, &log.topic_state(wanted.topic).await?, log.brokers().await?))
}

fn judge(wanted: Wanted, state: &TopicState, brokers: usize) -> Finding {
    let empty = BTreeMap::new();
    let settings = Settings(state.settings.as_ref().unwrap_or(&empty));
    let mut troubles = replicas(state, &settings, brokers);
    if state.partitions.len() != wanted.partitions as usize {
        troubles.push(Finding::look(
            format!("it has {} partitions, and {} are usual", state.partitions.len(), wanted.partitions),
            "Never change the number of a topic that holds events, because uploads that replace each other share a partition",
        ));
    }
    if state.settings.is_none() {
        troubles.push(Finding::look(
            "its settings cannot be read by this client",
            "Let the user of kafka.sasl describe the topic's configuration, and check again",
        ));
    }
    troubles.extend(contents(&settings));
    troubles.extend(retention(wanted, &settings));
    let kept = match settings.number("retention.ms") {
        Some(kept) if kept >= 0 => format!("kept for {}", time(kept.unsigned_abs() / 1000)),
        _ => "kept for ever".to_owned(),
    };
    let replicas = state.partitions.iter().map(|partition| partition.replicas).min().unwrap_or(0);
    Finding::of(troubles, format!("{} partitions with {replicas} replicas, {kept}", state.partitions.len()))
}

/// Settings of a topic by their names.
struct Settings<'a>(&'a BTreeMap<String, String>);

impl Settings<'_> {
    fn number(&self, name: &str) -> Option<i64> {
        self.0.get(name)?.parse().ok()
    }
}

/// Whether a broker that is lost takes events with it, and whether events are taken at all.
fn replicas(state: &TopicState, settings: &Settings<'_>, brokers: usize) -> Vec<Finding> {
    let of = |is: &dyn Fn(&eventlog::kafka::PartitionState) -> bool| {
        let found = state.partitions.iter().enumerate().filter(|(_, partition)| is(partition));
        found.map(|(number, _)| number).collect::<Vec<_>>()
    };
    let mut troubles = Vec::new();
    let needed = usize::try_from(settings.number("min.insync.replicas").unwrap_or(1)).unwrap_or(1);
    let dead = of(&|partition| !partition.has_leader);
    if !dead.is_empty() {
        let found = format!("partitions {} have no leader, so uploads are answered 503", numbers(dead));
        troubles.push(Finding::wrong(found, "Start the brokers that are away"));
    }
    let refused = of(&|partition| partition.has_leader && partition.in_sync < needed);
    if !refused.is_empty() {
        troubles.push(Finding::wrong(
            format!(
                "partitions {} have fewer replicas in sync than min.insync.replicas ({needed}), so uploads are answered 503",
                numbers(refused)
            ),
            "Start the brokers that are away",
        ));
    }
    let behind = of(&|partition| partition.in_sync >= needed && partition.in_sync < partition.replicas);
    if !behind.is_empty() {
        let found = format!("partitions {} have replicas that are not in sync", numbers(behind));
        troubles.push(Finding::look(found, "Look for brokers that are away or slow"));
    }
    let single = of(&|partition| partition.replicas == 1);
    if brokers > 1 && !single.is_empty() {
        troubles.push(Finding::look(
            format!("of partitions {} one of {brokers} brokers has the only copy", numbers(single)),
            "Give the topic a replica on another broker (kafka-reassign-partitions)",
        ));
    } else if brokers > 1 && needed < 2 {
        troubles.push(Finding::look(
            "min.insync.replicas is 1, so that one broker alone may have the newest events",
            "Set min.insync.replicas of the topic to 2 (kafka-configs)",
        ));
    }
    troubles
}

/// Whether the topic takes what is appended, and keeps what it took.
fn contents(settings: &Settings<'_>) -> Vec<Finding> {
    let mut troubles = Vec::new();
    let policy = settings.0.get("cleanup.policy").map_or("delete", String::as_str);
    if policy.contains("compact") {
        troubles.push(Finding::wrong(
            format!("cleanup.policy is {policy}, so that of events with one key the newest alone stays"),
            "Set cleanup.policy of the topic to delete (kafka-configs)",
        ));
    }
    let largest = settings.number("max.message.bytes").and_then(|largest| u64::try_from(largest).ok());
    if let Some(largest) = largest.filter(|largest| *largest < MAX_MESSAGE_BYTES as u64) {
        troubles.push(Finding::look(
            format!("max.message.bytes is {}, so that larger uploads are refused", bytes(largest)),
            format!("Set max.message.bytes of the topic to at least {MAX_MESSAGE_BYTES} (kafka-configs)"),
        ));
    }
    if let Some(kind) = settings.0.get("message.timestamp.type").filter(|kind| *kind != "LogAppendTime") {
        troubles.push(Finding::look(
            format!("message.timestamp.type is {kind}, so that ages of events go by other clocks than the brokers'"),
            "Set message.timestamp.type of the topic to LogAppendTime (kafka-configs)",
        ));
    }
    troubles
}

/// Whether events stay until they are archived.
fn retention(wanted: Wanted, settings: &Settings<'_>) -> Vec<Finding> {
    let mut troubles = Vec::new();
    let Some(kept) = settings.number("retention.ms") else { return troubles };
    let kept = u64::try_from(kept).ok().map(|kept| kept / 1000);
    if wanted.is_archived
        && let Some(kept) = kept.filter(|kept| *kept < SHORT)
    {
        let found = format!("retention.ms is {}, after which events that are not archived are lost", time(kept));
        let advice = format!("Set retention.ms of the topic to at least {} (kafka-configs)", SHORT * 1000);
        troubles.push(if kept < TOO_SHORT { Finding::wrong(found, advice) } else { Finding::look(found, advice) });
    }
    if wanted.is_archived
        && let Some(size) = settings.number("retention.bytes").and_then(|size| u64::try_from(size).ok())
    {
        troubles.push(Finding::look(
            format!("retention.bytes is {}, so that many uploads push out what is not archived", bytes(size)),
            "Set retention.bytes of the topic to -1 (kafka-configs)",
        ));
    }
    let configured = wanted.retention.map(|kept| kept.as_secs());
    if kept != configured {
        let shown = |kept: Option<u64>| kept.map_or_else(|| "for ever".to_owned(), time);
        troubles.push(Finding::look(
            format!("events are kept {}, and kafka.retention_days says {}", shown(kept), shown(configured)),
            "Change kafka.retention_days or retention.ms of the topic (kafka-configs): the former is for new topics alone",
        ));
    }
    troubles
}

#[cfg(test)]
mod tests {
    use eventlog::kafka::PartitionState;

    use super::*;
    use crate::doctor::finding::Verdict;

    const WANTED: Wanted = Wanted { topic: "t", partitions: 2, retention: None, is_archived: true };

    fn judged(wanted: Wanted, replicas: usize, in_sync: usize, brokers: usize, settings: &[(&str, &str)]) -> Finding {
        let usual = [("retention.ms", "-1"), ("cleanup.policy", "delete"), ("min.insync.replicas", "2")];
        let settings = usual.iter().chain(settings).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let partition = PartitionState { has_leader: true, replicas, in_sync };
        let state = TopicState { partitions: vec![partition; 2], settings: Some(settings.collect()) };
        judge(wanted, &state, brokers)
    }

    #[test]
    fn a_topic_that_keeps_everything_is_well() {
        let found = judged(WANTED, 3, 3, 3, &[]);
        assert_eq!(found, Finding::ok("2 partitions with 3 replicas, kept for ever"));
        assert_eq!(judged(WANTED, 1, 1, 1, &[("min.insync.replicas", "1")]).verdict, Verdict::Ok);
    }

    #[test]
    fn too_few_replicas_are_told() {
        assert_eq!(judged(WANTED, 3, 2, 3, &[]).verdict, Verdict::Look);
        assert_eq!(judged(WANTED, 3, 1, 3, &[]).verdict, Verdict::Wrong);
        assert_eq!(judged(WANTED, 3, 3, 3, &[("min.insync.replicas", "1")]).verdict, Verdict::Look);
        assert_eq!(judged(WANTED, 1, 1, 3, &[("min.insync.replicas", "1")]).verdict, Verdict::Look);
        let dead = PartitionState { has_leader: false, replicas: 1, in_sync: 0 };
        let state = TopicState { partitions: vec![dead; 2], settings: Some(BTreeMap::new()) };
        assert!(judge(WANTED, &state, 1).found.starts_with("partitions 0, 1 have no leader"));
    }

    #[test]
    fn what_forgets_events_is_told() {
        let of = |settings: &[(&str, &str)]| judged(WANTED, 3, 3, 3, settings).verdict;
        assert_eq!(of(&[("cleanup.policy", "compact,delete")]), Verdict::Wrong);
        assert_eq!(of(&[("retention.ms", "3600000")]), Verdict::Wrong);
        assert_eq!(of(&[("retention.ms", "172800000")]), Verdict::Look);
        assert_eq!(of(&[("retention.bytes", "1000")]), Verdict::Look);
        assert_eq!(of(&[("max.message.bytes", "1000000")]), Verdict::Look);
        assert_eq!(of(&[("message.timestamp.type", "CreateTime")]), Verdict::Look);
        let week = Wanted { retention: Some(Duration::from_secs(7 * DAY)), ..WANTED };
        assert_eq!(judged(week, 3, 3, 3, &[("retention.ms", "604800000")]).verdict, Verdict::Ok);
        assert_eq!(judged(week, 3, 3, 3, &[]).verdict, Verdict::Look);
        let letters = Wanted { is_archived: false, retention: Some(Duration::from_secs(3600)), ..WANTED };
        assert_eq!(judged(letters, 3, 3, 3, &[("retention.ms", "3600000")]).verdict, Verdict::Ok);
    }

    #[test]
    fn another_number_of_partitions_is_told() {
        let found = judged(Wanted { partitions: 4, ..WANTED }, 3, 3, 3, &[]);
        assert_eq!((found.verdict, found.found.as_str()), (Verdict::Look, "it has 2 partitions, and 4 are usual"));
    }
}
