//! Puts the next generation in the place of the live views: holds the live watermarks, applies the events that came
//! meanwhile, compares the numbers of rows, and exchanges the tables.

use std::time::{Duration, Instant};

use schema::EVENTS_TOPIC;
use schema::store::rows::WatermarkRow;

use super::catch_up::Rebuild;
use super::checkpoint;
use super::compare::{self, Counted};
use super::error::RebuildError;
use super::generation;
use super::plan::{Report, SwapOptions};
use super::views::DEAD_LETTERS;
use crate::batch::BATCH_RECORDS;
use crate::insert;

/// Pause between two looks at the inserts of the live processors.
const PAUSE: Duration = Duration::from_millis(20);
/// The partition of the watermark that stands for the last rebuild. The sum of the watermarks has to grow when other tables
/// take the place of the live ones, because readers key their caches by it.
const REBUILD_PARTITION: u32 = u32::MAX;

/// What was compared.
struct Compared {
    counted: Vec<Counted>,
    /// The offset of the first event of each partition that the new tables may lack.
    shown: Vec<u64>,
}

impl Rebuild {
    /// Holds the live views where they are, catches up with them, compares, and exchanges the tables.
    pub(super) async fn swap(
        mut self,
        options: SwapOptions,
        progress: &impl Fn(u64, u64),
    ) -> Result<Report, RebuildError> {
        let held_since = Instant::now();
        generation::hold(&self.database).await?;
        let compared = match self.compare(options, progress).await {
            Ok(compared) => compared,
            Err(error) => {
                generation::release(&self.database).await?;
                return Err(error);
            }
        };
        self.generation.swap(&self.database).await?;
        generation::release(&self.database).await?;
        insert::watermarks(&self.database.rows, &self.watermarks(&compared.shown)).await?;
        checkpoint::clear(&self.database).await?;
        let counts = compared.counted.iter().map(Counted::row_count).collect();
        Ok(Report { events: self.events, unreadable: self.unreadable, counts, held: held_since.elapsed() })
    }

    /// The watermarks that the new tables have: where all of them are new, they show what they were made of, whatever the ones
    /// before had lost.
    fn watermarks(&self, shown: &[u64]) -> Vec<WatermarkRow> {
        let shown = if self.is_whole { shown } else { &[] };
        let made = (0..).zip(shown).filter(|(_, next)| **next > 0);
        let made = made.map(|(partition, next)| WatermarkRow { partition, next_offset: *next });
        made.chain([WatermarkRow { partition: REBUILD_PARTITION, next_offset: self.generation.number }]).collect()
    }

    /// Catches up with the live views, which are held, and counts the rows on both sides.
    async fn compare(&mut self, options: SwapOptions, progress: &impl Fn(u64, u64)) -> Result<Compared, RebuildError> {
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
        let decisions = self.generation.take_over_decisions(&self.database).await?;
        let least = self.generation.count(&self.database, &self.retention).await?;
        let before = self.generation.count_live(&self.database, &self.retention).await?;
        let differs =
            |(least, before): (&u64, &Result<u64, String>)| before.as_ref().is_ok_and(|before| before != least);
        if least.iter().zip(&before).any(differs) {
            // Each processor may have written one batch more than the watermarks say, which it will write again.
            let ends = self.log.end_offsets(EVENTS_TOPIC).await?;
            let more = |(shown, end): (&u64, &u64)| (*end).min(shown + BATCH_RECORDS as u64).max(*shown);
            let until: Vec<u64> = shown.iter().zip(&ends).map(more).collect();
            self.catch_up(&until, progress).await?;
        }
        let after = self.generation.count(&self.database, &self.retention).await?;
        let numbers = least.into_iter().zip(before).zip(after);
        let mut counted: Vec<Counted> = (self.generation.views.iter().zip(numbers))
            .map(|(&view, ((least, before), after))| Counted { view, least, before, after })
            .collect();
        if let (Err(cause), Some(letters)) = (decisions, counted.iter_mut().find(|one| one.view == DEAD_LETTERS)) {
            letters.before = Err(cause);
        }
        let has_forgotten = self.generation.has_forgotten(&self.database, &self.retention).await?;
        match compare::refusal(&counted, has_forgotten) {
            Some(refusal) if !options.accept_differences => Err(refusal),
            _ => Ok(Compared { counted, shown }),
        }
    }
}
