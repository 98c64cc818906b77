//! How long the engine keeps the rows of runs, and what came with runs, such as names of tests: the TTL of their tables, which
//! follows the configured retention; and which rows are over before the engine forgets them ([`kept`]).
//!
//! Rows stay for the longest time of all rules, because the engine forgets whole parts, and a part has rows of every suite. Whoever
//! hands rows out, or counts them, leaves out what is over by the rule of its suite and branch.
//!
//! A part notes when its rows are over as it is written, and a changed TTL leaves that note as it is. Where a TTL has
//! changed, a mutation in the background therefore makes the notes again. It rewrites the note alone, except for parts in
//! the compact format, which keep all columns in one file and are rewritten once.

use std::collections::BTreeMap;

use clickhouse::error::Result;
use clickhouse::{Client, Row};
use serde::Deserialize;

use super::next_generation;
use crate::like;
use crate::retention::{Retention, RetentionRule};
use crate::seconds::DAY;

/// Tables whose rows end with the retention of their run.
pub const RUN_TABLES: [&str; 7] = ["runs", "results", "failures", "failure_messages", "uploads", "links", "run_notes"];

/// The time of a row's commit, as the engine spells it.
const COMMIT_TIME: &str = "toDateTime(intDiv(uuid, 100), 'UTC')";
/// The same, seconds since 1970.
const COMMIT_SECONDS: &str = "intDiv(uuid, 100)";
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

/// The condition that holds for rows of a table whose run is not over at a time, seconds since 1970, by the rule of its suite and
/// branch; none for a table whose rows do not say of which run they are. Of a tested week all runs have to be kept.
pub fn kept(table: &str, retention: &Retention, now: i64) -> Option<String> {
    match table {
        "tested_weeks" => Some(kept_from("commit_week", retention, now)),
        "linked_runs" => Some(kept_runs(retention, now)),
        _ => RUN_TABLES.contains(&table).then(|| kept_runs(retention, now)),
    }
}

/// The same for rows that have the suite, the branch and the `uuid` of their run.
pub fn kept_runs(retention: &Retention, now: i64) -> String {
    kept_from(COMMIT_SECONDS, retention, now)
}

fn kept_from(time: &str, retention: &Retention, now: i64) -> String {
    let default = retention.default_seconds();
    let rules: Vec<String> =
        retention.rules().iter().map(|rule| format!("{}, {}, ", matches(rule), rule.seconds())).collect();
    let seconds = if rules.is_empty() { default.to_string() } else { format!("multiIf({}{default})", rules.concat()) };
    format!("{time} + {seconds} > {}", now.max(0))
}

/// The condition that a rule is for a row.
fn matches(rule: &RetentionRule) -> String {
    let of = |column: &str, pattern: &Option<String>| {
        let pattern = pattern.as_deref()?;
        Some(match pattern.contains('*') {
            true => format!("{column} LIKE {}", literal(&like::pattern(pattern, like::star))),
            false => format!("{column} = {}", literal(pattern)),
        })
    };
    let conditions: Vec<String> = of("suite", &rule.suite).into_iter().chain(of("branch", &rule.branch)).collect();
    if conditions.is_empty() { "1".to_owned() } else { conditions.join(" AND ") }
}

/// A text as the engine reads it. Bytes that could mean something, a question mark of the client's among them, are numbers.
fn literal(text: &str) -> String {
    let spelled = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b' ' | b'-' | b'.' | b'/' => char::from(byte).to_string(),
        _ => format!("\\x{byte:02X}"),
    };
    format!("'{}'", text.bytes().map(spelled).collect::<String>())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_is_over_is_said_by_the_first_rule_that_matches() {
        assert_eq!(kept_runs(&Retention::default(), 7), "intDiv(uuid, 100) + 157766400 > 7");
        let rule = |suite: Option<&str>, branch: Option<&str>, weeks| RetentionRule {
            suite: suite.map(str::to_owned),
            branch: branch.map(str::to_owned),
            weeks,
        };
        let rules = vec![
            rule(Some("a_*?"), Some("main"), 1),
            rule(Some("it's"), None, 2),
            rule(None, Some("safari-*"), 3),
            rule(None, None, 4),
        ];
        let retention = Retention::new(Some(5), rules).unwrap();
        let seconds = "multiIf(suite LIKE 'a\\x5C\\x5F\\x25\\x3F' AND branch = 'default', 604800, suite = 'it\\x27s', 1209600, \
                       branch LIKE 'safari-\\x25', 1814400, 1, 2419200, 3024000)";
        assert_eq!(kept("failures", &retention, 9), Some(format!("intDiv(uuid, 100) + {seconds} > 9")));
        assert_eq!(kept("linked_runs", &retention, 9), kept("runs", &retention, 9));
        assert_eq!(kept("tested_weeks", &retention, 9), Some(format!("commit_week + {seconds} > 9")));
        // Names come with many runs, and archives are kept from the start of theirs on.
        for table in ["tests", "suites", "archives", "commits"] {
            assert_eq!(kept(table, &retention, 9), None, "{table}");
        }
    }

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
