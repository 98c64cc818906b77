//! Whether the log still has every event that the tables show: a log that lost its end has events missing, and nobody can tell
//! from the log alone.

use clickhouse::Client;
use schema::store::rows::WatermarkRow;

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

/// The first partition whose end, as the log tells it, is before what the tables show.
///
/// # Errors
/// The store does not answer.
pub async fn lost(client: &Client, ends: &[u64]) -> clickhouse::error::Result<Option<LostEnd>> {
    let rows: Vec<WatermarkRow> = client.query("SELECT ?fields FROM watermarks").fetch_all().await?;
    Ok(first_lost(&rows, ends))
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
}
