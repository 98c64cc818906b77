//! Writes a batch of rows, one insert per table. The run summaries go last: a run that shows its
//! summary has its results in place.

use clickhouse::error::Result;
use clickhouse::{Client, RowOwned, RowWrite};

use crate::rows::Views;

/// ClickHouse splits larger inserts into several blocks, which would not be atomic.
const MAX_ROWS: usize = 1_000_000;

/// Inserts every row; on an error some tables may hold the batch already, which a repetition heals.
pub(crate) async fn write(client: &Client, views: &Views) -> Result<()> {
    insert(client, "repositories", &views.repositories).await?;
    insert(client, "commits", &views.commits).await?;
    insert(client, "commit_names", &views.commit_names).await?;
    insert(client, "tests", &views.tests).await?;
    insert(client, "uploads", &views.uploads).await?;
    insert(client, "results", &views.results).await?;
    insert(client, "failures", &views.failures).await?;
    insert(client, "links", &views.links).await?;
    insert(client, "queues", &views.queues).await?;
    insert(client, "archives", &views.archives).await?;
    insert(client, "ews_results", &views.ews_results).await?;
    insert(client, "runs", &views.runs).await?;
    insert(client, "suites", &views.suites).await?;
    insert(client, "configurations", &views.configurations).await
}

async fn insert<T>(client: &Client, table: &str, rows: &[T]) -> Result<()>
where
    T: RowOwned + RowWrite + Clone,
{
    for block in rows.chunks(MAX_ROWS) {
        let mut insert = client.insert::<T>(table).await?;
        for row in block {
            insert.write(row).await?;
        }
        insert.end().await?;
    }
    Ok(())
}
