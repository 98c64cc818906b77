//! Puts the next generation in the place of the live views: holds the live watermarks, applies the events that came
//! meanwhile, compares the numbers of rows, and exchanges the tables.

use std::time::{Duration, Instant};

use schema::EVENTS_TOPIC;
use schema::store::next_generation;
use schema::store::rows::WatermarkRow;

use super::catch_up::Rebuild;
use super::checkpoint;
use super::error::RebuildError;
use super::generation;
use super::plan::{Report, RowCount, SwapOptions};
use crate::batch::BATCH_RECORDS;
use crate::insert;

/// Pause between two looks at the inserts of the live processors.
const PAUSE: Duration = Duration::from_millis(20);
/// The partition of the watermark that stands for the last rebuild. The sum of the watermarks has to grow when other tables
/// take the place of the live ones, because readers key their caches by it.
const REBUILD_PARTITION: u32 = u32::MAX;

impl Rebuild {
    /// Holds the live views where they are, catches up with them, compares, and exchanges the tables.
    pub(super) async fn swap(
        mut self,
        options: SwapOptions,
        progress: &impl Fn(u64, u64),
    ) -> Result<Report, RebuildError> {
        let held_since = Instant::now();
        generation::hold(&self.database).await?;
        let counts = match self.compare(options, progress).await {
            Ok(counts) => counts,
            Err(error) => {
                generation::release(&self.database).await?;
                return Err(error);
            }
        };
        self.generation.swap(&self.database).await?;
        generation::release(&self.database).await?;
        let watermark = WatermarkRow { partition: REBUILD_PARTITION, next_offset: self.generation.number };
        insert::watermarks(&self.database.rows, &[watermark]).await?;
        checkpoint::clear(&self.database).await?;
        Ok(Report { events: self.events, unreadable: self.unreadable, counts, held: held_since.elapsed() })
    }

    /// Catches up with the live views, which are held, and counts the rows on both sides.
    async fn compare(
        &mut self,
        options: SwapOptions,
        progress: &impl Fn(u64, u64),
    ) -> Result<Vec<RowCount>, RebuildError> {
        // An insert that began before the watermarks were held may still succeed.
        while generation::watermarks_in_flight(&self.database).await? {
            tokio::time::sleep(PAUSE).await;
        }
        let rows: Vec<WatermarkRow> = self.database.rows.query("SELECT ?fields FROM watermarks").fetch_all().await?;
        let mut shown = self.source.next_offsets();
        for row in rows {
            if let Some(next) = shown.get_mut(row.partition as usize) {
                *next = row.next_offset.max(*next);
            }
        }
        self.catch_up(&shown, progress).await?;
        self.generation.take_over(&self.database).await?;
        self.generation.take_over_decisions(&self.database).await?;
        let least = self.generation.count(&self.database, next_generation).await?;
        let before = self.generation.count(&self.database, str::to_owned).await?;
        if least != before {
            // Each processor may have written one batch more than the watermarks say, which it will write again.
            let ends = self.log.end_offsets(EVENTS_TOPIC).await?;
            let more = |(shown, end): (&u64, &u64)| (*end).min(shown + BATCH_RECORDS as u64).max(*shown);
            let until: Vec<u64> = shown.iter().zip(&ends).map(more).collect();
            self.catch_up(&until, progress).await?;
        }
        let after = self.generation.count(&self.database, next_generation).await?;
        let mut counts = Vec::new();
        let mut differences = Vec::new();
        for (index, view) in self.generation.views.iter().enumerate() {
            let (least, before, after) = (least[index], before[index], after[index]);
            if !(least..=after).contains(&before) {
                differences.push(format!("{view} {before} → {after}"));
            }
            counts.push(RowCount { view, before, after });
        }
        if differences.is_empty() || options.accept_differences {
            Ok(counts)
        } else {
            Err(RebuildError::Differences(differences.join(", ")))
        }
    }
}
