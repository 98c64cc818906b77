//! Events of the log that the views do not show yet.

use std::time::Duration;

use eventlog::EventLog;
use schema::clock::now_signed;
use schema::{EVENTS_TOPIC, PROCESSOR_GROUP};

use super::finding::Finding;
use super::units::{count, numbers, time};

/// Of how long an event may wait, the part from which on somebody should look.
const LOOK_AT: u64 = 10;
/// More events than this should be looked at however young they are: the alert `ProcessorBehind` counts the same.
const MANY: u64 = 1000;
/// How long is waited for one record of the log.
const RECORD: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(500);

/// Events of one partition that a group has not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Waiting {
    pub(super) partition: usize,
    pub(super) events: u64,
    /// How long the oldest has been in the log, seconds; none where it cannot be read.
    pub(super) oldest: Option<u64>,
}

/// Compares the end of the log with what the views show.
pub(super) async fn views(log: &dyn EventLog, patience: u64) -> anyhow::Result<Finding> {
    Ok(judge(&waiting(log, PROCESSOR_GROUP).await?, patience))
}

/// What a group has not done, by partition; partitions where nothing waits are left out.
pub(super) async fn waiting(log: &dyn EventLog, group: &str) -> anyhow::Result<Vec<Waiting>> {
    // In this order, what is done meanwhile does not count as waiting.
    let ends = log.end_offsets(EVENTS_TOPIC).await?;
    let committed = log.committed_offsets(EVENTS_TOPIC, group).await?;
    let first = log.first_offsets(EVENTS_TOPIC).await?;
    let mut found = Vec::new();
    for (partition, (end, next)) in ends.iter().zip(&committed).enumerate() {
        let events = end.saturating_sub(*next);
        if events > 0 {
            let kept = first.get(partition).map_or(*next, |first| *next.max(first));
            let oldest = age(log, partition, kept, &ends).await?;
            found.push(Waiting { partition, events, oldest });
        }
    }
    Ok(found)
}

/// How long a record has been in the log, seconds; none if it is not there any more.
async fn age(log: &dyn EventLog, partition: usize, offset: u64, ends: &[u64]) -> anyhow::Result<Option<u64>> {
    let Some(record) = record(log, partition, offset, ends).await? else { return Ok(None) };
    Ok(Some(u64::try_from(now_signed() - record.timestamp_ms / 1000).unwrap_or(0)))
}

/// The first record of a partition from an offset on.
pub(super) async fn record(
    log: &dyn EventLog,
    partition: usize,
    offset: u64,
    ends: &[u64],
) -> anyhow::Result<Option<eventlog::Record>> {
    if ends.get(partition).is_none_or(|end| *end <= offset) {
        return Ok(None);
    }
    let mut from = ends.to_vec();
    from[partition] = offset;
    let mut reader = log.read(EVENTS_TOPIC, &from).await?;
    let read = async {
        loop {
            let records = reader.poll(1, 1, POLL).await?;
            if let Some(record) = records.into_iter().find(|record| record.position.partition as usize == partition) {
                return anyhow::Ok(record);
            }
        }
    };
    tokio::time::timeout(RECORD, read).await.ok().transpose()
}

/// `patience` is how long an event may wait, seconds.
fn judge(waiting: &[Waiting], patience: u64) -> Finding {
    let events: u64 = waiting.iter().map(|found| found.events).sum();
    if events == 0 {
        return Finding::ok("every event was written to the views");
    }
    let oldest = waiting.iter().filter_map(|found| found.oldest).max();
    let age = oldest.map_or_else(String::new, |oldest| format!(", the oldest for {}", time(oldest)));
    let partitions = numbers(waiting.iter().map(|found| format!("{}: {}", found.partition, found.events)));
    let found = format!("{} wait to be shown{age} (by partition {partitions})", count(events, "event"));
    let advice =
        "Look at the log of the processors and at ClickHouse, and start more processors if all of them are busy";
    match oldest {
        Some(oldest) if oldest >= patience => Finding::wrong(found, advice),
        Some(oldest) if oldest < patience / LOOK_AT && events <= MANY => Finding::ok(found),
        _ => Finding::look(found, advice),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::finding::Verdict;

    #[test]
    fn what_counts_is_how_long_the_oldest_waits() {
        let of = |events, oldest| judge(&[Waiting { partition: 2, events, oldest }], 600).verdict;
        assert_eq!(judge(&[], 600), Finding::ok("every event was written to the views"));
        assert_eq!([of(7, Some(0)), of(1000, Some(59))], [Verdict::Ok; 2]);
        assert_eq!([of(1, Some(60)), of(1001, Some(0)), of(1, None)], [Verdict::Look; 3]);
        assert_eq!([of(1, Some(600)), of(2000, Some(9999))], [Verdict::Wrong; 2]);
        let one = |partition, events| Waiting { partition, events, oldest: Some(130) };
        let found = judge(&[one(0, 3), one(3, 4)], 600).found;
        assert_eq!(found, "7 events wait to be shown, the oldest for 2 min (by partition 0: 3, 3: 4)");
    }
}
