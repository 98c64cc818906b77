//! How long the engine keeps the rows of runs, and what came with runs, such as names of tests: the TTL of their tables, which
//! follows the configured retention.
//!
//! A part notes when its rows are over as it is written, and a changed TTL leaves that note as it is. Where a TTL has
//! changed, a mutation in the background therefore makes the notes again. It rewrites the note alone, except for parts in
//! the compact format, which keep all columns in one file and are rewritten once.

use std::collections::BTreeMap;

use clickhouse::error::Result;
use clickhouse::{Client, Row};
use serde::Deserialize;

use super::next_generation;
use crate::retention::Retention;
use crate::seconds::DAY;

/// Tables whose rows end with the retention of their run.
pub const RUN_TABLES: [&str; 7] = ["runs", "results", "failures", "failure_messages", "uploads", "links", "run_notes"];

/// The time of a row's commit, as the engine spells it.
const COMMIT_TIME: &str = "toDateTime(intDiv(uuid, 100), 'UTC')";
/// Tables of what came with runs, and the time from which on their rows are kept, as the engine spells it.
const NAME_TABLES: [(&str, &str); 7] = [
    ("suites", LAST_UPLOAD),
    ("tests", LAST_UPLOAD),
    ("rosters", LAST_UPLOAD),
    ("causes", LAST_UPLOAD),
    ("queues", LAST_UPLOAD),
    ("tested_weeks", "toDateTime(start_week)"),
    ("linked_runs", "toDateTime(start_time)"),
];
const LAST_UPLOAD: &str = "toDateTime(last_upload)";
/// A change of a TTL must not rewrite rows; the mutation that makes notes again is asked for by itself.
pub(super) const SETTING: (&str, &str) = ("materialize_ttl_after_modify", "0");

#[derive(Row, Deserialize)]
struct TableRow {
    name: String,
    engine_full: String,
}

/// Statements that give these tables the longest retention as their TTL, and those of a rebuild that goes on; none if they have
/// it.
pub(super) async fn statements(client: &Client, retention: &Retention) -> Result<Vec<String>> {
    let days = retention.longest_seconds() / DAY as i64;
    let of_runs = RUN_TABLES.iter().map(|table| (*table, COMMIT_TIME));
    let times: BTreeMap<String, &str> = of_runs
        .chain(NAME_TABLES)
        .flat_map(|(table, time)| [(table.to_owned(), time), (next_generation(table), time)])
        .collect();
    let names: Vec<&String> = times.keys().collect();
    let sql =
        "SELECT name, engine_full FROM system.tables WHERE database = currentDatabase() AND name IN ? ORDER BY name";
    let tables: Vec<TableRow> = client.query(sql).bind(&names).fetch_all().await?;
    let weekly: Vec<&String> = times.iter().filter(|(_, time)| **time == COMMIT_TIME).map(|(table, _)| table).collect();
    let outdated = outdated(client, &weekly, days).await?;
    let mut statements = Vec::new();
    for TableRow { name, engine_full } in tables {
        let Some(time) = times.get(&name) else { continue };
        let is_changed = !has_ttl(&engine_full, time, days);
        if is_changed {
            statements.push(format!("ALTER TABLE {name} MODIFY TTL {time} + INTERVAL {days} DAY"));
        }
        if is_changed || outdated.contains(&name) {
            statements.push(format!("ALTER TABLE {name} MODIFY SETTING materialize_ttl_recalculate_only = 1"));
            statements.push(format!("ALTER TABLE {name} MATERIALIZE TTL"));
        }
    }
    Ok(statements)
}

/// Whether a table that was made like this has that TTL.
fn has_ttl(engine_full: &str, time: &str, days: i64) -> bool {
    engine_full.contains(&format!(" TTL {time} + toIntervalDay({days}) "))
}

/// Tables with a part whose note disagrees with the TTL, because a migration was broken off between its statements, and
/// no mutation that is still to run. Rows of a part are of one week, so that the note lies in that week plus the TTL.
async fn outdated(client: &Client, tables: &[&String], days: i64) -> Result<Vec<String>> {
    let sql = format!(
        "WITH toDateTime(toDate(partition), 'UTC') + INTERVAL {days} DAY AS end \
         SELECT DISTINCT table FROM system.parts \
         WHERE database = currentDatabase() AND table IN ? AND active AND rows > 0 \
         AND (delete_ttl_info_max < end OR delete_ttl_info_min >= end + INTERVAL 7 DAY) \
         AND table NOT IN (SELECT table FROM system.mutations \
         WHERE database = currentDatabase() AND NOT is_done AND command LIKE '%MATERIALIZE TTL%')"
    );
    client.query(&sql).bind(tables).fetch_all().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ttl_is_recognised_as_the_engine_spells_it() {
        let engine = "ReplacingMergeTree(version) ORDER BY uuid \
                      TTL toDateTime(intDiv(uuid, 100), 'UTC') + toIntervalDay(182) SETTINGS index_granularity = 8192";
        assert!(has_ttl(engine, COMMIT_TIME, 182));
        for days in [1, 18, 82, 1826] {
            assert!(!has_ttl(engine, COMMIT_TIME, days), "{days}");
        }
        assert!(!has_ttl(
            "ReplacingMergeTree(version) ORDER BY uuid SETTINGS index_granularity = 8192",
            COMMIT_TIME,
            182
        ));
    }
}
