//! How far a rebuild is, kept in the table `rebuild_progress`, so that a rebuild that was broken off continues there.

use clickhouse::{Client, Row};
use serde::{Deserialize, Serialize};

use super::database::{Database, exists, previous};
use super::error::RebuildError;
use super::generation::Generation;
use super::plan::Plan;

/// A row of `rebuild_progress`.
#[derive(Row, Serialize, Deserialize)]
struct ProgressRow {
    /// Partition of the events' topic.
    partition: u32,
    /// Offset of the first event that is not in the next generation.
    next_offset: u64,
    /// JSON text of the [`RebuildCheckpoint`].
    plan: String,
}

/// What every row of `rebuild_progress` repeats of the rebuild, as JSON.
#[derive(Serialize, Deserialize)]
struct RebuildCheckpoint {
    plan: Plan,
    /// Number of the [`Generation`].
    generation: u64,
}

/// Where a rebuild begins or continues.
pub(super) struct StartingPoint {
    /// Offset of the first event of each partition that is to be applied.
    pub(super) next_offsets: Vec<u64>,
    pub(super) generation: Generation,
    /// Text that [`save`] stores with the offsets.
    pub(super) checkpoint: String,
}

/// Finds the rebuild of this plan that was broken off, or makes new tables for these views.
pub(super) async fn resume_or_begin(
    database: &Database,
    plan: &Plan,
    views: &[&'static str],
    partitions: usize,
) -> Result<StartingPoint, RebuildError> {
    let rows: Vec<ProgressRow> =
        database.rows.query("SELECT ?fields FROM rebuild_progress ORDER BY partition").fetch_all().await?;
    let mut next_offsets = vec![0; partitions];
    if let Some(row) = rows.first() {
        let stored: Option<RebuildCheckpoint> = serde_json::from_str(&row.plan).ok();
        let stored = stored.ok_or(RebuildError::UnfinishedByAnother)?;
        if stored.plan != *plan {
            return Err(RebuildError::Unfinished(stored.plan.command()));
        }
        for row in rows {
            if let Some(next) = next_offsets.get_mut(row.partition as usize) {
                *next = row.next_offset;
            }
        }
        let generation = Generation { number: stored.generation, views: views.to_vec(), since: plan.since };
        return Ok(StartingPoint { next_offsets, generation, checkpoint: text(plan, stored.generation) });
    }
    for view in views {
        if exists(&database.tables, &previous(view)).await? {
            return Err(RebuildError::OldTables);
        }
    }
    let generation = Generation::create(database, views, plan.since).await?;
    let checkpoint = text(plan, generation.number);
    save(&database.rows, &next_offsets, &checkpoint).await?;
    Ok(StartingPoint { next_offsets, generation, checkpoint })
}

fn text(plan: &Plan, generation: u64) -> String {
    let checkpoint = RebuildCheckpoint { plan: plan.clone(), generation };
    serde_json::to_string(&checkpoint).unwrap_or_default()
}

/// Stores the offset of the next event of each partition.
pub(super) async fn save(
    client: &Client,
    next_offsets: &[u64],
    checkpoint: &str,
) -> Result<(), clickhouse::error::Error> {
    let mut insert = client.insert::<ProgressRow>("rebuild_progress").await?;
    for (partition, next_offset) in next_offsets.iter().enumerate() {
        let plan = checkpoint.to_owned();
        insert.write(&ProgressRow { partition: partition as u32, next_offset: *next_offset, plan }).await?;
    }
    insert.end().await
}

/// Forgets the rebuild.
pub(super) async fn clear(database: &Database) -> Result<(), clickhouse::error::Error> {
    database.tables.query("TRUNCATE TABLE rebuild_progress").execute().await
}
