//! Writes a batch of rows, one insert per table. The run summaries go last: a run that shows its
//! summary has its results in place.

use std::time::Instant;

use clickhouse::error::Result;
use clickhouse::{Client, RowOwned, RowWrite};
use futures_util::try_join;
use schema::store::rows::WatermarkRow;

use crate::rows::Views;

/// ClickHouse splits larger inserts into several blocks, which would not be atomic.
const MAX_ROWS: usize = 1_000_000;

/// Inserts every row; on an error some tables may hold the batch already, which a repetition heals. Tables are
/// written at the same time, because most of an insert is waiting for the disk.
pub async fn write(client: &Client, views: &Views, watermarks: &[WatermarkRow]) -> Result<()> {
    try_join!(
        insert(client, "repositories", &views.repositories),
        insert(client, "commits", &views.commits),
        insert(client, "commit_names", &views.commit_names),
        insert(client, "tests", &views.tests),
        insert(client, "uploads", &views.uploads),
        insert(client, "results", &views.results),
        insert(client, "failures", &views.failures),
        insert(client, "links", &views.links),
        insert(client, "queues", &views.queues),
        insert(client, "archives", &views.archives),
        insert(client, "ews_results", &views.ews_results),
        insert(client, "dead_letters", &views.dead_letters),
    )?;
    try_join!(
        insert(client, "runs", &views.runs),
        insert(client, "suites", &views.suites),
        insert(client, "configurations", &views.configurations),
    )?;
    insert(client, "watermarks", watermarks).await
}

async fn insert<T>(client: &Client, table: &'static str, rows: &[T]) -> Result<()>
where
    T: RowOwned + RowWrite + Clone,
{
    for block in rows.chunks(MAX_ROWS) {
        let begun = Instant::now();
        let mut insert = client.insert::<T>(table).await?;
        for row in block {
            insert.write(row).await?;
        }
        insert.end().await?;
        metrics::histogram!("resultsdb_insert_seconds", "table" => table).record(begun.elapsed().as_secs_f64());
        metrics::counter!("resultsdb_inserted_rows_total", "table" => table).increment(block.len() as u64);
    }
    Ok(())
}
