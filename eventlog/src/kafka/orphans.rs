//! Finds partitions that no member of a group reads, and mends that.
//!
//! Why there can be any: a cooperative rebalance takes two steps. In the first a member gives partitions up, and it is
//! the one that has to come back and ask for the second, in which others get them. A static member that is killed in
//! between is back under its name without a rebalance, knows nothing of what it owed, and the group stays stable with
//! partitions that nobody reads. Partitions that were added to the topic while the group's leader was started again are
//! not noticed either. So each member looks at what its group has assigned; when a partition stays without a reader, it
//! leaves and joins again, which makes the group assign everything anew.

use std::collections::BTreeSet;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Buf;
use rdkafka::consumer::{Consumer as _, StreamConsumer};
use rdkafka::error::KafkaError;

use super::security::Context;

/// Between two looks, on average.
const INTERVAL: Duration = Duration::from_secs(3);
/// So many looks in a row have to find the same partition without a reader: members come and go, and a member that is
/// busy gives up late what it was told to.
const PATIENCE: u32 = 3;
const TIMEOUT: Duration = Duration::from_secs(5);

/// Looks until it is dropped.
pub(super) struct Watch {
    _stop: Sender<()>,
}

/// Watches the group of a consumer that is subscribed to one topic.
pub(super) fn watch(consumer: &Arc<StreamConsumer<Context>>, topic: &str, group: &str) -> Watch {
    let (stop, stopped) = channel();
    let (consumer, topic, group) = (Arc::downgrade(consumer), topic.to_owned(), group.to_owned());
    let look = move || look(&consumer, &topic, &group, &stopped);
    // The calls block, and a runtime that ends must not wait for them.
    if let Err(error) = std::thread::Builder::new().name("orphans".to_owned()).spawn(look) {
        tracing::error!(%error, "no thread to watch a group with; partitions without a reader are not noticed");
    }
    Watch { _stop: stop }
}

fn look(consumer: &Weak<StreamConsumer<Context>>, topic: &str, group: &str, stopped: &Receiver<()>) {
    let mut suspects = BTreeSet::new();
    let mut looks = 0;
    // Members that see the same must not all leave at the same moment.
    while stopped.recv_timeout(INTERVAL.mul_f64(0.5 + fastrand::f64())) == Err(RecvTimeoutError::Timeout) {
        let Some(consumer) = consumer.upgrade() else { return };
        let orphans = match orphans(&consumer, topic, group) {
            Ok(orphans) => orphans,
            Err(error) => {
                tracing::debug!(%error, group, "what the group reads could not be told");
                continue;
            }
        };
        suspects = if looks == 0 { orphans } else { suspects.intersection(&orphans).copied().collect() };
        looks = if suspects.is_empty() { 0 } else { looks + 1 };
        if looks == PATIENCE {
            tracing::warn!(
                ?suspects,
                topic,
                group,
                "nobody reads these partitions; leaving the group and joining again"
            );
            looks = 0;
            consumer.unsubscribe();
            if let Err(error) = consumer.subscribe(&[topic]) {
                tracing::error!(%error, topic, group, "the group cannot be joined again");
            }
        }
    }
}

/// Partitions of a topic that no member of a stable group has; none where that cannot be told.
fn orphans(consumer: &StreamConsumer<Context>, topic: &str, group: &str) -> Result<BTreeSet<i32>, KafkaError> {
    let groups = consumer.fetch_group_list(Some(group), TIMEOUT)?;
    let Some(group) = groups.groups().iter().find(|found| found.name() == group && found.state() == "Stable") else {
        return Ok(BTreeSet::new());
    };
    let mut assigned = BTreeSet::new();
    for member in group.members() {
        match member.assignment().and_then(|bytes| partitions(bytes, topic)) {
            Some(partitions) => assigned.extend(partitions),
            None => return Ok(BTreeSet::new()),
        }
    }
    let metadata = consumer.fetch_metadata(Some(topic), TIMEOUT)?;
    let of_topic = metadata.topics().iter().filter(|found| found.name() == topic);
    let all = of_topic.flat_map(|topic| topic.partitions()).map(|partition| partition.id());
    Ok(all.filter(|partition| !assigned.contains(partition)).collect())
}

/// What Kafka's consumer protocol says that a member reads of a topic: a version, then topics with their partitions.
/// None if it is cut short.
pub(super) fn partitions(mut assignment: &[u8], topic: &str) -> Option<Vec<i32>> {
    assignment.try_get_i16().ok()?;
    let mut found = Vec::new();
    for _ in 0..assignment.try_get_i32().ok()? {
        let length = usize::try_from(assignment.try_get_i16().ok()?).ok()?;
        let (name, rest) = assignment.split_at_checked(length)?;
        assignment = rest;
        for _ in 0..assignment.try_get_i32().ok()? {
            let partition = assignment.try_get_i32().ok()?;
            if name == topic.as_bytes() {
                found.push(partition);
            }
        }
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::partitions;

    /// Version 1, the topics `ab` with partitions 2 and 258, and `c` with none; no user data.
    const ASSIGNMENT: &[u8] =
        b"\0\x01\0\0\0\x02\0\x02ab\0\0\0\x02\0\0\0\x02\0\0\x01\x02\0\x01c\0\0\0\0\xff\xff\xff\xff";

    #[test]
    fn assignments_are_read() {
        assert_eq!(partitions(ASSIGNMENT, "ab"), Some(vec![2, 258]));
        assert_eq!(partitions(ASSIGNMENT, "c"), Some(vec![]));
        assert_eq!(partitions(ASSIGNMENT, "a"), Some(vec![]));
    }

    #[test]
    fn what_is_cut_short_tells_nothing() {
        let user_data = 4;
        for length in 0..ASSIGNMENT.len() - user_data {
            assert_eq!(partitions(&ASSIGNMENT[..length], "ab"), None, "{length} bytes");
        }
        assert_eq!(partitions(b"\0\x01\x7f\xff\xff\xff", "ab"), None);
        assert_eq!(partitions(b"\0\x01\0\0\0\x01\xff\xff", "ab"), None);
    }
}
