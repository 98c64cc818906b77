//! All events from the first on: they come from the archive as far as it goes, then from the log.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use eventlog::{EventLog, Reader, Record};
use schema::EVENTS_TOPIC;

use super::EventsError;
use crate::archive::{Archive, Segment};

const POLL: Duration = Duration::from_millis(500);

/// Reads the events of each partition in order; events of several partitions may alternate.
pub(crate) struct EventSource {
    log: Arc<dyn EventLog>,
    archive: Archive,
    partitions: Vec<Partition>,
    /// Reads the log; none until the archive is at its end.
    reader: Option<Box<dyn Reader>>,
}

/// One partition of the events' topic.
struct Partition {
    /// The offset of the next record to hand out.
    next: u64,
    /// Segments of the archive that are not read yet, or only in part.
    segments: VecDeque<Segment>,
    /// Records that were read from the archive and not handed out yet.
    archived: VecDeque<Record>,
    /// Records that were read from the log, which continues after the archive, and not handed out yet.
    logged: VecDeque<Record>,
}

impl EventSource {
    /// Begins at these offsets, one a partition.
    pub(crate) async fn open(log: Arc<dyn EventLog>, archive: Archive, from: &[u64]) -> Result<Self, EventsError> {
        let mut partitions = Vec::new();
        for (partition, next) in from.iter().enumerate() {
            let segments = archive.segments(partition as u32).await?.into();
            let (archived, logged) = (VecDeque::new(), VecDeque::new());
            partitions.push(Partition { next: *next, segments, archived, logged });
        }
        Ok(Self { log, archive, partitions, reader: None })
    }

    /// The offset of the next record of each partition.
    pub(crate) fn next_offsets(&self) -> Vec<u64> {
        self.partitions.iter().map(|partition| partition.next).collect()
    }

    /// The next records below the offsets `until`, one a partition; none if there are no more.
    pub(crate) async fn batch(
        &mut self,
        until: &[u64],
        max_records: usize,
        max_bytes: usize,
    ) -> Result<Vec<Record>, EventsError> {
        let (mut found, mut size) = (Vec::new(), 0);
        loop {
            for (partition, until) in self.partitions.iter_mut().zip(until) {
                while found.len() < max_records
                    && size < max_bytes
                    && let Some(record) = partition.take(*until)
                {
                    size += record.value.len();
                    found.push(record);
                }
            }
            let full = found.len() >= max_records || size >= max_bytes;
            let done = self.partitions.iter().zip(until).all(|(partition, until)| partition.next >= *until);
            if full || done || !(self.more_from_archive(until).await? || self.more_from_log(&found).await?) {
                return Ok(found);
            }
        }
    }

    /// Loads a segment for each partition that waits for one; false if no partition has one.
    async fn more_from_archive(&mut self, until: &[u64]) -> Result<bool, EventsError> {
        let mut any = false;
        for (number, (partition, until)) in self.partitions.iter_mut().zip(until).enumerate() {
            if !partition.archived.is_empty() || partition.next >= *until {
                continue;
            }
            if let Some(segment) = partition.segment() {
                partition.archived = self.archive.load(number as u32, segment).await?.into();
                any = true;
            }
        }
        Ok(any)
    }

    /// Reads from the log. False if nothing came and the batch has records already, so that they do not wait.
    async fn more_from_log(&mut self, found: &[Record]) -> Result<bool, EventsError> {
        let reader = match &mut self.reader {
            Some(reader) => reader,
            None => {
                let kept = self.log.first_offsets(EVENTS_TOPIC).await?;
                let after: Vec<u64> = self.partitions.iter().map(Partition::after_archive).collect();
                for (number, (from, first)) in after.iter().zip(kept).enumerate() {
                    if *from < first {
                        return Err(EventsError::Gone { partition: number as u32, from: *from, to: first - 1 });
                    }
                }
                self.reader.insert(self.log.read(EVENTS_TOPIC, &after).await?)
            }
        };
        let wait = if found.is_empty() { POLL } else { Duration::ZERO };
        let records = reader.poll(usize::MAX, 8 << 20, wait).await?;
        let any = !records.is_empty();
        for record in records {
            if let Some(partition) = self.partitions.get_mut(record.position.partition as usize) {
                partition.logged.push_back(record);
            }
        }
        Ok(any || found.is_empty())
    }
}

impl Partition {
    /// The next record, if it is loaded and below the offset `until`.
    fn take(&mut self, until: u64) -> Option<Record> {
        // Overlapping segments repeat records that were handed out, and so does the log where the archive has a hole.
        for queue in [&mut self.archived, &mut self.logged] {
            while queue.front().is_some_and(|record| record.position.offset < self.next) {
                queue.pop_front();
            }
        }
        let queue = match (self.archived.is_empty(), self.segment()) {
            (false, _) => &mut self.archived,
            (true, None) => &mut self.logged,
            (true, Some(_)) => return None,
        };
        let record = queue.pop_front_if(|record| record.position.offset < until)?;
        self.next = record.position.offset + 1;
        Some(record)
    }

    /// The segment that has the next record.
    fn segment(&mut self) -> Option<&Segment> {
        while self.segments.front().is_some_and(|segment| segment.last < self.next) {
            self.segments.pop_front();
        }
        self.segments.front().filter(|segment| segment.first <= self.next)
    }

    /// The first offset that the archive does not have.
    fn after_archive(&self) -> u64 {
        self.segments.iter().fold(
            self.next,
            |end, segment| {
                if segment.first <= end { end.max(segment.last + 1) } else { end }
            },
        )
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use embedded::LocalLog;
    use eventlog::{Position, TopicSpec};
    use schema::blobs::Blobs;

    /// Three partitions: one archived in overlapping segments, one in part with a hole, one not at all.
    #[tokio::test(flavor = "multi_thread")]
    async fn every_event_comes_once_and_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let log: Arc<dyn EventLog> = Arc::new(LocalLog::open(&folder.path().join("log")).unwrap());
        let archive = Archive::new(&Blobs::in_folder(&folder.path().join("blobs")).unwrap());
        let topic =
            TopicSpec { name: EVENTS_TOPIC.to_owned(), partitions: 3, retention: None, max_message_bytes: 1000 };
        log.ensure_topic(&topic).await.unwrap();
        for number in 0..300_u32 {
            log.append(EVENTS_TOPIC, &number.to_be_bytes(), Bytes::from(number.to_string())).await.unwrap();
        }
        let ends = log.end_offsets(EVENTS_TOPIC).await.unwrap();
        assert!(ends.iter().all(|end| *end > 80));
        let mut records = vec![Vec::new(); 3];
        let mut reader = log.read(EVENTS_TOPIC, &[0, 0, 0]).await.unwrap();
        while records.iter().map(Vec::len).sum::<usize>() < 300 {
            for record in reader.poll(1000, usize::MAX, POLL).await.unwrap() {
                records[record.position.partition as usize].push(record);
            }
        }
        for (partition, range) in [(0, 0..30), (0, 20..50), (0, 25..40), (0, 50..80), (1, 0..10), (1, 40..60)] {
            archive.store(&records[partition][range]).await.unwrap();
        }
        for (from, until) in [
            (vec![0, 0, 0], ends.clone()),
            (vec![35, 5, 70], ends.clone()),
            (vec![0, 0, 0], vec![33, 9, 0]),
            (ends.clone(), ends.clone()),
        ] {
            let mut source = EventSource::open(Arc::clone(&log), archive.clone(), &from).await.unwrap();
            let mut found: Vec<Vec<Position>> = vec![Vec::new(); 3];
            loop {
                let batch = source.batch(&until, 7, 1 << 20).await.unwrap();
                if batch.is_empty() {
                    break;
                }
                assert!(batch.len() <= 7);
                batch.iter().for_each(|it| found[it.position.partition as usize].push(it.position));
            }
            for (number, (from, until)) in from.iter().zip(&until).enumerate() {
                let expected: Vec<u64> = (*from..*until).collect();
                assert_eq!(found[number].iter().map(|at| at.offset).collect::<Vec<_>>(), expected, "{number}");
            }
            // It goes on to a later end, as a rebuild does before it swaps.
            let mut rest = 0;
            loop {
                let batch = source.batch(&ends, 1000, 1 << 20).await.unwrap();
                if batch.is_empty() {
                    break;
                }
                rest += batch.len() as u64;
            }
            assert_eq!(rest, ends.iter().sum::<u64>() - until.iter().sum::<u64>());
        }
    }
}
