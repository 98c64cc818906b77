//! The archive of events: whether it keeps up, and whether it has what the log forgot.

use eventlog::EventLog;
use processor::archive::{self, ArchiveOptions};
use schema::blobs::Blobs;
use schema::seconds::HOUR;
use schema::{ARCHIVE_GROUP, EVENTS_TOPIC};

use super::finding::Finding;
use super::lag::{Waiting, waiting};
use super::units::{count, names, time};

/// Seconds after its time that a segment may be late, because it is written and committed, before somebody should look, and
/// before the archive stands.
const LATE: u64 = 300;
const STANDS: u64 = HOUR;

/// Compares the end of the log with what is archived.
pub(super) async fn lag(log: &dyn EventLog, options: ArchiveOptions) -> anyhow::Result<Finding> {
    Ok(judge_lag(&waiting(log, ARCHIVE_GROUP).await?, options.age.as_secs()))
}

/// `due` is how long an event waits for others of its segment, seconds.
fn judge_lag(waiting: &[Waiting], due: u64) -> Finding {
    let events: u64 = waiting.iter().map(|found| found.events).sum();
    if events == 0 {
        return Finding::ok("every event is archived");
    }
    let oldest = waiting.iter().filter_map(|found| found.oldest).max();
    let age = oldest.map_or_else(String::new, |oldest| format!(", the oldest for {}", time(oldest)));
    let found = format!("{} wait to be archived{age}; segments are due after {}", count(events, "event"), time(due));
    let advice =
        "Look at the log of the processors and at the place that `blobs` names, before Kafka forgets the events";
    match oldest {
        Some(oldest) if oldest >= due + STANDS => Finding::wrong(found, advice),
        Some(oldest) if oldest < due + LATE => Finding::ok(found),
        _ => Finding::look(found, advice),
    }
}

/// Events that are lost for rebuilds, of one partition.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Lost {
    partition: u32,
    /// The first and the last offset.
    offsets: Vec<(u64, u64)>,
}

/// Looks for events that neither the log nor the archive has.
pub(super) async fn gaps(log: &dyn EventLog, blobs: &Blobs) -> anyhow::Result<Finding> {
    let first = log.first_offsets(EVENTS_TOPIC).await?;
    let mut lost = Vec::new();
    for (partition, first) in first.iter().enumerate() {
        let partition = u32::try_from(partition)?;
        let offsets = if *first == 0 { Vec::new() } else { archive::gaps(blobs, partition, *first).await? };
        if !offsets.is_empty() {
            lost.push(Lost { partition, offsets });
        }
    }
    Ok(judge_gaps(&lost, first.iter().sum()))
}

/// `forgotten` is how many events the log has no more.
fn judge_gaps(lost: &[Lost], forgotten: u64) -> Finding {
    if lost.is_empty() {
        return Finding::ok(match forgotten {
            0 => "the log has every event".to_owned(),
            _ => format!("the archive has all {} that the log forgot", count(forgotten, "event")),
        });
    }
    let events: u64 = lost.iter().flat_map(|lost| &lost.offsets).map(|(first, last)| last - first + 1).sum();
    let ranges = lost.iter().flat_map(|lost| {
        lost.offsets.iter().map(move |(first, last)| format!("partition {}, offsets {first} to {last}", lost.partition))
    });
    Finding::wrong(
        format!(
            "{} neither in the log nor in the archive ({})",
            if events == 1 { "1 event is".to_owned() } else { format!("{events} events are") },
            names(&ranges.collect::<Vec<_>>())
        ),
        "Restore the objects below `events/` of the blob store from a copy, and do not rebuild views before that",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::finding::Verdict;

    #[test]
    fn an_event_waits_for_its_segment_and_not_much_longer() {
        let of = |oldest| judge_lag(&[Waiting { partition: 0, events: 5, oldest }], 600).verdict;
        assert_eq!(judge_lag(&[], 600).verdict, Verdict::Ok);
        assert_eq!([of(Some(0)), of(Some(899))], [Verdict::Ok; 2]);
        assert_eq!([of(Some(900)), of(None)], [Verdict::Look; 2]);
        assert_eq!(of(Some(600 + HOUR)), Verdict::Wrong);
    }

    #[test]
    fn lost_events_are_counted_and_placed() {
        assert_eq!(judge_gaps(&[], 0), Finding::ok("the log has every event"));
        assert_eq!(judge_gaps(&[], 7), Finding::ok("the archive has all 7 events that the log forgot"));
        let found = judge_gaps(&[Lost { partition: 2, offsets: vec![(3, 5), (9, 9)] }], 12);
        assert_eq!(found.verdict, Verdict::Wrong);
        let said = "4 events are neither in the log nor in the archive (partition 2, offsets 3 to 5, partition 2, offsets 9 to 9)";
        assert_eq!(found.found, said);
    }
}
