//! Whether the log still has every event that the tables show: a log that lost its end has events missing, and nobody can tell
//! from the log alone. And whether the tables still show every event that they showed: the watermarks, which are one of them, say
//! what is in them, and the offsets that the processors committed say what once was.

use clickhouse::Client;
use eventlog::EventLog;
use schema::store::rows::WatermarkRow;
use schema::{EVENTS_TOPIC, PROCESSOR_GROUP};

use super::EventsError;

/// The log ends before an event that the tables show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the log of events has lost its end: partition {partition} ends at event {end}, and the tables show events up to {shown}; restore \
     a backup of the log"
)]
pub struct LostEnd {
    /// The partition of the events' topic.
    pub partition: u32,
    /// The offset that the next event of the log would have.
    pub end: u64,
    /// The offset behind the last event that the tables show.
    pub shown: u64,
}

/// Events of a partition that the tables showed and lack now, as when they were lost, or are those of an earlier day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LostRows {
    /// The partition of the events' topic.
    pub partition: u32,
    /// The offset of the first event that the tables may lack.
    pub shown: u64,
    /// The offset behind the last event that the processors have done.
    pub done: u64,
}

impl LostRows {
    /// How many events they are.
    pub fn events(&self) -> u64 {
        self.done.saturating_sub(self.shown)
    }
}

/// What the tables lack of the events that the processors have done, by partition.
///
/// # Errors
/// The log or the store does not answer.
pub async fn lost_rows(log: &dyn EventLog, client: &Client) -> Result<Vec<LostRows>, EventsError> {
    // In this order, what comes meanwhile does not look like a loss: a watermark is written before the offset is committed.
    let done = log.committed_offsets(EVENTS_TOPIC, PROCESSOR_GROUP).await?;
    Ok(behind(&watermarks(client).await?, &done))
}

fn behind(watermarks: &[WatermarkRow], done: &[u64]) -> Vec<LostRows> {
    let of = |(partition, done): (u32, &u64)| {
        let of_partition = watermarks.iter().filter(|row| row.partition == partition);
        let shown = of_partition.map(|row| row.next_offset).max().unwrap_or(0);
        (shown < *done).then_some(LostRows { partition, shown, done: *done })
    };
    (0..).zip(done).filter_map(of).collect()
}

/// The end of each partition of a log that has all that the tables show.
pub(crate) async fn ends(log: &dyn EventLog, client: &Client) -> Result<Vec<u64>, EventsError> {
    // In this order, what comes meanwhile does not look like a loss.
    let shown = watermarks(client).await?;
    let ends = log.end_offsets(EVENTS_TOPIC).await?;
    match first_lost(&shown, &ends) {
        Some(lost) => Err(lost.into()),
        None => Ok(ends),
    }
}

/// The first partition of the log that ends before what the tables show.
///
/// # Errors
/// The log or the store does not answer.
pub async fn lost_end(log: &dyn EventLog, client: &Client) -> Result<Option<LostEnd>, EventsError> {
    match ends(log, client).await {
        Ok(_) => Ok(None),
        Err(EventsError::LostEnd(lost)) => Ok(Some(lost)),
        Err(error) => Err(error),
    }
}

async fn watermarks(client: &Client) -> clickhouse::error::Result<Vec<WatermarkRow>> {
    client.query("SELECT ?fields FROM watermarks").fetch_all().await
}

/// Watermarks of other partitions stand for something else, such as a rebuild.
fn first_lost(watermarks: &[WatermarkRow], ends: &[u64]) -> Option<LostEnd> {
    let of = |(partition, end): (usize, &u64)| {
        let partition = u32::try_from(partition).ok()?;
        let shown = watermarks.iter().filter(|row| row.partition == partition).map(|row| row.next_offset).max()?;
        (shown > *end).then_some(LostEnd { partition, end: *end, shown })
    };
    ends.iter().enumerate().find_map(of)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_that_is_shorter_than_what_is_shown_has_lost_its_end() {
        let row = |partition, next_offset| WatermarkRow { partition, next_offset };
        let shown = [row(0, 7), row(1, 3), row(1, 4), row(u32::MAX, 99)];
        assert_eq!(first_lost(&shown, &[7, 4, 0]), None);
        assert_eq!(first_lost(&shown, &[9, 3, 0]), Some(LostEnd { partition: 1, end: 3, shown: 4 }));
        assert_eq!(first_lost(&[], &[0, 0]), None);
    }

    #[test]
    fn tables_whose_watermarks_are_behind_lack_what_was_done() {
        let row = |partition, next_offset| WatermarkRow { partition, next_offset };
        let shown = [row(0, 7), row(1, 3), row(1, 4), row(u32::MAX, 99)];
        assert_eq!(behind(&shown, &[7, 4, 0]), []);
        // Rows are shown before their offset is committed.
        assert_eq!(behind(&shown, &[5, 0, 0]), []);
        let lost = [LostRows { partition: 1, shown: 4, done: 6 }, LostRows { partition: 2, shown: 0, done: 2 }];
        assert_eq!(behind(&shown, &[7, 6, 2]), lost);
        assert_eq!(lost.map(|lost| lost.events()), [2, 2]);
    }
}
