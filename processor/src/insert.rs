//! Inserts a batch of rows, one insert a table. The summaries of runs go last, so that a run whose summary is shown has its
//! results in place.

use std::borrow::Cow;
use std::time::{Duration, Instant};

use clickhouse::error::{Error, Result};
use clickhouse::{Client, RowOwned, RowWrite};
use futures_util::try_join;
use schema::store::next_generation;
use schema::store::results::{self, RunResults};
use schema::store::rows::WatermarkRow;

use crate::rows::EventRows;

/// Most rows of an insert: ClickHouse splits larger ones into several blocks, which are not atomic together.
const MAX_ROWS: usize = 1_000_000;
/// Longest time that the store may take for accepting a byte before it counts as away.
const SEND_TIMEOUT: Duration = Duration::from_secs(60);
/// Longest time that the store may take for answering an insert before it counts as away.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(180);

/// The tables that rows go to.
#[derive(Debug, Clone, Copy)]
pub(crate) enum TargetTables<'a> {
    /// The tables that reads see.
    Live,
    /// The tables that a rebuild fills for these views; rows of other views are dropped.
    Next(&'a [&'static str]),
}

impl TargetTables<'_> {
    /// The name of the table that rows of a view go to; none if they are dropped.
    fn of(self, table: &'static str) -> Option<Cow<'static, str>> {
        match self {
            Self::Live => Some(Cow::Borrowed(table)),
            Self::Next(views) => views.contains(&table).then(|| Cow::Owned(next_generation(table))),
        }
    }
}

/// Inserts every row. After an error some tables may hold the batch already; a repetition replaces those rows. Tables are
/// written at the same time, because an insert mostly waits for the disk.
pub(crate) async fn write(client: &Client, rows: &EventRows, tables: TargetTables<'_>) -> Result<()> {
    try_join!(
        insert(client, tables, "repositories", &rows.repositories),
        insert(client, tables, "commits", &rows.commits),
        insert(client, tables, "commit_names", &rows.commit_names),
        insert(client, tables, "tests", &rows.tests),
        insert(client, tables, "rosters", &rows.rosters),
        insert(client, tables, "uploads", &rows.uploads),
        insert_results(client, tables, &rows.results),
        insert(client, tables, "failures", &rows.failures),
        insert(client, tables, "failure_messages", &rows.failure_messages),
        insert(client, tables, "causes", &rows.causes),
        insert(client, tables, "links", &rows.links),
        insert(client, tables, "run_notes", &rows.run_notes),
        insert(client, tables, "linked_runs", &rows.linked_runs),
        insert(client, tables, "tested_weeks", &rows.tested_weeks),
        insert(client, tables, "queues", &rows.queues),
        insert(client, tables, "archives", &rows.archives),
        insert(client, tables, "ews_results", &rows.ews_results),
        insert(client, tables, "receipts", &rows.receipts),
        insert(client, tables, "expired_uploads", &rows.expired_uploads),
        insert(client, tables, "bugs", &rows.bugs),
        insert(client, tables, "intake_reports", &rows.intake_reports),
        insert(client, tables, "renames", &rows.renames),
        insert(client, tables, "owner_files", &rows.owner_files),
        insert(client, tables, "quarantine", &rows.quarantine),
        insert(client, tables, "access_keys", &rows.access_keys),
        insert(client, tables, "access_key_ends", &rows.access_key_ends),
        insert(client, tables, "audit", &rows.audit),
        insert(client, tables, "dead_letters", &rows.dead_letters),
        insert(client, tables, "dead_letters", &rows.dead_letter_decisions),
    )?;
    try_join!(
        insert(client, tables, "runs", &rows.runs),
        insert(client, tables, "suites", &rows.suites),
        insert(client, tables, "configurations", &rows.configurations),
    )
    .map(|_| ())
}

/// Writes how far the views are. This comes after their rows, so that a reader who sees a watermark sees the rows below it.
pub(crate) async fn watermarks(client: &Client, watermarks: &[WatermarkRow]) -> Result<()> {
    insert(client, TargetTables::Live, "watermarks", watermarks).await
}

async fn insert<T>(client: &Client, tables: TargetTables<'_>, table: &'static str, rows: &[T]) -> Result<()>
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
        record_insert(table, begun, block.len());
    }
    Ok(())
}

/// Inserts results, which are by far the most rows, column by column as they were collected.
async fn insert_results(client: &Client, tables: TargetTables<'_>, runs: &[RunResults]) -> Result<()> {
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
        record_insert(TABLE, begun, rows);
    }
    Ok(())
}

fn record_insert(table: &'static str, begun: Instant, rows: usize) {
    metrics::histogram!("resultsdb_insert_seconds", "table" => table).record(begun.elapsed().as_secs_f64());
    metrics::counter!("resultsdb_inserted_rows_total", "table" => table).increment(rows as u64);
}

/// What an error of the store says about the rows of the insert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The store may take them later.
    Transient,
    /// The store may take fewer of them at once.
    TooMuch,
    /// The store will never take them.
    Permanent,
}

/// Codes of ClickHouse for errors whose cause is in the data: `CANNOT_PARSE_…`, `TYPE_MISMATCH`, `ARGUMENT_OUT_OF_BOUND`,
/// `CANNOT_CONVERT_TYPE`, `INCORRECT_DATA`, `TOO_LARGE_ARRAY_SIZE`, `TOO_LARGE_STRING_SIZE`,
/// `VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE`, `CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN`, `VIOLATED_CONSTRAINT`.
const PERMANENT: [u32; 15] = [6, 25, 26, 27, 38, 41, 53, 69, 70, 117, 128, 131, 321, 349, 469];
/// Codes of ClickHouse for an insert that is too large: `MEMORY_LIMIT_EXCEEDED`, and `TOO_MANY_PARTS`, which it also answers
/// when one insert touches too many partitions.
const TOO_MUCH: [u32; 2] = [241, 252];

/// The code that an answer of ClickHouse about an error starts with.
pub(crate) fn code(text: &str) -> Option<u32> {
    text.split_once("Code: ").and_then(|(_, rest)| rest.split_once('.')?.0.parse().ok())
}

/// Tells an error of ClickHouse by its code.
pub(crate) fn refusal(error: &Error) -> Refusal {
    let Error::BadResponse(text) = error else { return Refusal::Transient };
    match code(text) {
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
