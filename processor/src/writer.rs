//! Writes a batch of rows, one insert per table. The run summaries go last: a run that shows its
//! summary has its results in place.

use std::borrow::Cow;
use std::time::{Duration, Instant};

use clickhouse::error::{Error, Result};
use clickhouse::{Client, RowOwned, RowWrite};
use futures_util::try_join;
use schema::store::results::{self, RunResults};
use schema::store::rows::WatermarkRow;

use crate::rows::Views;

/// ClickHouse splits larger inserts into several blocks, which would not be atomic.
const MAX_ROWS: usize = 1_000_000;
/// A store that takes no byte for this long is away.
const SEND_TIMEOUT: Duration = Duration::from_secs(60);
/// A store that says nothing about an insert for this long is away.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(180);

/// Which tables rows go to.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Tables<'a> {
    /// Those that are read.
    Live,
    /// The next generation of some views; rows of others go nowhere.
    Next(&'a [&'static str]),
}

impl Tables<'_> {
    fn of(self, table: &'static str) -> Option<Cow<'static, str>> {
        match self {
            Self::Live => Some(Cow::Borrowed(table)),
            Self::Next(views) => views.contains(&table).then(|| Cow::Owned(next(table))),
        }
    }
}

/// Name of the next generation of a table.
pub(crate) fn next(table: &str) -> String {
    format!("{table}__next")
}

/// Inserts every row; on an error some tables may hold the batch already, which a repetition heals. Tables are
/// written at the same time, because most of an insert is waiting for the disk.
pub(crate) async fn write(client: &Client, views: &Views, tables: Tables<'_>) -> Result<()> {
    try_join!(
        insert(client, tables, "repositories", &views.repositories),
        insert(client, tables, "commits", &views.commits),
        insert(client, tables, "commit_names", &views.commit_names),
        insert(client, tables, "tests", &views.tests),
        insert(client, tables, "uploads", &views.uploads),
        results(client, tables, &views.results),
        insert(client, tables, "failures", &views.failures),
        insert(client, tables, "links", &views.links),
        insert(client, tables, "queues", &views.queues),
        insert(client, tables, "archives", &views.archives),
        insert(client, tables, "ews_results", &views.ews_results),
        insert(client, tables, "receipts", &views.receipts),
        insert(client, tables, "bugs", &views.bugs),
        insert(client, tables, "dead_letters", &views.dead_letters),
        insert(client, tables, "dead_letters", &views.dead_letter_decisions),
    )?;
    try_join!(
        insert(client, tables, "runs", &views.runs),
        insert(client, tables, "suites", &views.suites),
        insert(client, tables, "configurations", &views.configurations),
    )
    .map(|_| ())
}

/// Says how far the views are; after their rows, so that whoever sees it sees those.
pub(crate) async fn watermarks(client: &Client, watermarks: &[WatermarkRow]) -> Result<()> {
    insert(client, Tables::Live, "watermarks", watermarks).await
}

async fn insert<T>(client: &Client, tables: Tables<'_>, table: &'static str, rows: &[T]) -> Result<()>
where
    T: RowOwned + RowWrite + Clone,
{
    let Some(name) = tables.of(table) else { return Ok(()) };
    for block in rows.chunks(MAX_ROWS) {
        let begun = Instant::now();
        let insert = client.insert::<T>(&name).await?;
        let mut insert = insert.with_timeouts(Some(SEND_TIMEOUT), Some(ANSWER_TIMEOUT));
        for row in block {
            insert.write(row).await?;
        }
        insert.end().await?;
        count(table, begun, block.len());
    }
    Ok(())
}

/// By far the most rows, and in columns already.
async fn results(client: &Client, tables: Tables<'_>, runs: &[RunResults]) -> Result<()> {
    const TABLE: &str = "results";
    let Some(name) = tables.of(TABLE) else { return Ok(()) };
    for portion in results::portions(runs, MAX_ROWS) {
        let (begun, portion) = (Instant::now(), &runs[portion]);
        let rows = portion.iter().map(RunResults::len).sum();
        if rows == 0 {
            continue;
        }
        let insert = client.insert_formatted_with(format!("INSERT INTO {name} FORMAT Native"));
        let mut insert = insert.with_timeouts(Some(SEND_TIMEOUT), Some(ANSWER_TIMEOUT));
        insert.send(results::block(portion).into_bytes().into()).await?;
        insert.end().await?;
        count(TABLE, begun, rows);
    }
    Ok(())
}

fn count(table: &'static str, begun: Instant, rows: usize) {
    metrics::histogram!("resultsdb_insert_seconds", "table" => table).record(begun.elapsed().as_secs_f64());
    metrics::counter!("resultsdb_inserted_rows_total", "table" => table).increment(rows as u64);
}

/// What an error of the store means for the rows that met it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// They may be taken later.
    Transient,
    /// They are too much at once.
    TooMuch,
    /// They will never be taken.
    Permanent,
}

/// ClickHouse's codes of errors that lie in the data: `CANNOT_PARSE_…`, `TYPE_MISMATCH`, `ARGUMENT_OUT_OF_BOUND`,
/// `CANNOT_CONVERT_TYPE`, `INCORRECT_DATA`, `TOO_LARGE_ARRAY_SIZE`, `TOO_LARGE_STRING_SIZE`,
/// `VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE`, `CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN`, `VIOLATED_CONSTRAINT`.
const PERMANENT: [u32; 15] = [6, 25, 26, 27, 38, 41, 53, 69, 70, 117, 128, 131, 321, 349, 469];
/// `MEMORY_LIMIT_EXCEEDED`, and `TOO_MANY_PARTS`, which also says that one insert touches too many partitions.
const TOO_MUCH: [u32; 2] = [241, 252];

/// Reads the code that an answer of ClickHouse starts with.
pub(crate) fn refusal(error: &Error) -> Refusal {
    let Error::BadResponse(text) = error else { return Refusal::Transient };
    let code = text.split_once("Code: ").and_then(|(_, rest)| rest.split_once('.')?.0.parse::<u32>().ok());
    match code {
        Some(code) if PERMANENT.contains(&code) => Refusal::Permanent,
        Some(code) if TOO_MUCH.contains(&code) => Refusal::TooMuch,
        _ => Refusal::Transient,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_errors_that_lie_in_the_data_are_permanent() {
        let answer = |text: &str| refusal(&Error::BadResponse(text.to_owned()));
        assert_eq!(answer("Code: 469. DB::Exception: Constraint `x`"), Refusal::Permanent);
        assert_eq!(answer("Code: 252. DB::Exception: Too many parts"), Refusal::TooMuch);
        assert_eq!(answer("Code: 60. DB::Exception: Unknown table"), Refusal::Transient);
        // Replicas are away, or too slow for a quorum.
        assert_eq!(answer("Code: 285. DB::Exception: Number of alive replicas"), Refusal::Transient);
        assert_eq!(answer("Code: 319. DB::Exception: Unknown quorum status"), Refusal::Transient);
        assert_eq!(answer("gone"), Refusal::Transient);
        assert_eq!(refusal(&Error::TimedOut), Refusal::Transient);
    }
}
