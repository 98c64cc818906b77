//! Parts of tables: how many there are, which the store put aside, and changes of tables that do not end.

use anyhow::Context;
use clickhouse::{Client, Row};
use schema::seconds::HOUR;
use serde::Deserialize;

use super::finding::Finding;
use super::units::{count, names, time};

/// Of the parts from which on the store slows inserts down, the share from which on somebody should look, in per cent.
const MANY: u64 = 50;
/// A change of a table that goes on longer than this should be looked at, seconds.
const LONG: u64 = HOUR;

/// The partition of a table that has the most parts.
#[derive(Debug, Clone, PartialEq, Eq, Row, Deserialize)]
struct Fullest {
    table: String,
    /// The partition, which is mostly a week.
    week: String,
    parts: u64,
}

/// From how many parts of a partition on the store slows inserts down, and refuses them.
#[derive(Debug, Clone, Copy, Row, Deserialize)]
struct Limits {
    delays: u64,
    refuses: u64,
}

/// Counts active parts.
pub(super) async fn active(client: &Client) -> anyhow::Result<Finding> {
    let sql = "SELECT table, any(partition) AS week, count() AS parts FROM system.parts \
               WHERE active AND database = currentDatabase() GROUP BY table, partition_id ORDER BY parts DESC LIMIT 1";
    let fullest: Option<Fullest> = client.query(sql).fetch_optional().await.context("counting parts")?;
    let sql = "SELECT toUInt64(anyIf(value, name = 'parts_to_delay_insert')) AS delays, \
               toUInt64(anyIf(value, name = 'parts_to_throw_insert')) AS refuses FROM system.merge_tree_settings";
    let limits: Limits = client.query(sql).fetch_one().await.context("asking for the limits of parts")?;
    Ok(judge_active(fullest.as_ref(), limits))
}

fn judge_active(fullest: Option<&Fullest>, limits: Limits) -> Finding {
    let Limits { delays, refuses } = limits;
    let Some(Fullest { table, week, parts }) = fullest else { return Finding::ok("the tables are empty") };
    // What a table without partitions has.
    let place = if week == "tuple()" { table.clone() } else { format!("{table}, {week}") };
    let found = format!(
        "at most {parts} in a partition ({place}); inserts are slowed down from {delays} on and refused from {refuses} on"
    );
    let advice = "Look at ClickHouse's merges (system.merges), its load and its disk";
    if delays > 0 && *parts >= delays {
        Finding::wrong(found, advice)
    } else if delays > 0 && parts * 100 >= delays * MANY {
        Finding::look(found, advice)
    } else {
        Finding::ok(found)
    }
}

/// Parts of a table that were put aside for a reason.
#[derive(Debug, Clone, PartialEq, Eq, Row, Deserialize)]
struct Detached {
    table: String,
    /// Why it was put aside; empty if somebody did it.
    why: String,
    parts: u64,
}

/// Looks for parts that the store put aside.
pub(super) async fn detached(client: &Client) -> anyhow::Result<Finding> {
    let sql = "SELECT table, ifNull(reason, '') AS why, count() AS parts FROM system.detached_parts \
               WHERE database = currentDatabase() GROUP BY table, why ORDER BY table, why";
    let found: Vec<Detached> = client.query(sql).fetch_all().await.context("asking for detached parts")?;
    Ok(judge_detached(&found))
}

/// A part is put aside without harm where another has its rows, or by somebody's hand.
fn judge_detached(found: &[Detached]) -> Finding {
    if found.is_empty() {
        return Finding::ok("none");
    }
    let is_broken =
        |detached: &&Detached| !matches!(detached.why.as_str(), "" | "ignored" | "clone" | "attaching" | "deleting");
    let text = |detached: &Detached| {
        let reason = if detached.why.is_empty() { "by hand" } else { &detached.why };
        format!("{} of {} ({reason})", count(detached.parts, "part"), detached.table)
    };
    let broken: Vec<&Detached> = found.iter().filter(is_broken).collect();
    if broken.is_empty() {
        let all: Vec<String> = found.iter().map(text).collect();
        let advice = "Remove them with ALTER TABLE … DROP DETACHED PART if nobody needs them";
        return Finding::look(format!("{} were put aside", names(&all)), advice);
    }
    let mut views: Vec<&str> = broken.iter().map(|detached| detached.table.as_str()).collect();
    views.dedup();
    let all: Vec<String> = broken.into_iter().map(text).collect();
    Finding::wrong(
        format!("{} are damaged and their rows are not shown", names(&all)),
        format!("Make the views anew from the events with `resultsdb rebuild --views {}`", views.join(",")),
    )
}

/// A change of a table that has not ended.
#[derive(Debug, Clone, PartialEq, Eq, Row, Deserialize)]
struct Mutation {
    table: String,
    /// Seconds since it began.
    age: u64,
    /// Why its last try failed; empty if none did.
    failure: String,
}

/// Looks for changes of tables that do not end.
pub(super) async fn mutations(client: &Client) -> anyhow::Result<Finding> {
    let sql = "SELECT table, toUInt64(greatest(dateDiff('second', create_time, now()), 0)) AS age, latest_fail_reason AS failure \
               FROM system.mutations WHERE database = currentDatabase() AND NOT is_done ORDER BY age DESC";
    let found: Vec<Mutation> = client.query(sql).fetch_all().await.context("asking for mutations")?;
    Ok(judge_mutations(&found))
}

fn judge_mutations(found: &[Mutation]) -> Finding {
    let troubles = found.iter().filter_map(|Mutation { table, age, failure }| {
        if !failure.is_empty() {
            let cause = failure.split_whitespace().take(40).collect::<Vec<_>>().join(" ");
            Some(Finding::wrong(
                format!("a change of {table} from {} ago fails: {cause}", time(*age)),
                "Mend the cause, or end the change with KILL MUTATION",
            ))
        } else if *age > LONG {
            Some(Finding::look(
                format!("a change of {table} goes on for {}", time(*age)),
                "Look at its progress in system.mutations",
            ))
        } else {
            None
        }
    });
    let well = match found.len() {
        0 => "none goes on".to_owned(),
        going => {
            format!("{} and does not fail", if going == 1 { "1 goes on".to_owned() } else { format!("{going} go on") })
        }
    };
    Finding::of(troubles.collect(), well)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::finding::Verdict;

    #[test]
    fn many_parts_are_told_before_inserts_are_slow() {
        let of = |parts| {
            let fullest = Fullest { table: "runs".into(), week: "2026-01-05".into(), parts };
            judge_active(Some(&fullest), Limits { delays: 1000, refuses: 3000 }).verdict
        };
        assert_eq!([of(1), of(499)], [Verdict::Ok; 2]);
        assert_eq!(of(500), Verdict::Look);
        assert_eq!(of(1000), Verdict::Wrong);
        assert_eq!(judge_active(None, Limits { delays: 1000, refuses: 3000 }).verdict, Verdict::Ok);
    }

    #[test]
    fn damaged_parts_are_wrong_and_others_are_not() {
        let of = |table: &str, reason: &str| Detached { table: table.into(), why: reason.into(), parts: 2 };
        assert_eq!(judge_detached(&[]).verdict, Verdict::Ok);
        assert_eq!(judge_detached(&[of("runs", ""), of("runs", "ignored")]).verdict, Verdict::Look);
        let found = judge_detached(&[of("results", "broken-on-start"), of("runs", ""), of("runs", "noquorum")]);
        assert_eq!(found.verdict, Verdict::Wrong);
        assert!(found.advice.is_some_and(|advice| advice.ends_with("`resultsdb rebuild --views results,runs`")));
    }

    #[test]
    fn changes_that_fail_are_wrong() {
        let of =
            |age, failure: &str| judge_mutations(&[Mutation { table: "runs".into(), age, failure: failure.into() }]);
        assert_eq!(judge_mutations(&[]), Finding::ok("none goes on"));
        assert_eq!(of(60, "").verdict, Verdict::Ok);
        assert_eq!(of(LONG + 1, "").verdict, Verdict::Look);
        assert_eq!(of(60, "no such column").verdict, Verdict::Wrong);
    }
}
