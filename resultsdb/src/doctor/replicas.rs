//! Replicas of tables, on a cluster.

use anyhow::Context;
use clickhouse::{Client, Row};
use serde::Deserialize;

use super::finding::Finding;
use super::units::{count, names, time};

/// A replica that is behind by more than this should be looked at, seconds; inserts wait a minute for every replica.
const BEHIND: u64 = 60;
/// Tasks that wait in a replica's queue: a healthy one has a few merges in it.
const QUEUE: u64 = 100;

/// The replica of a table on the server that is asked.
#[derive(Debug, Clone, PartialEq, Eq, Row, Deserialize)]
struct Replica {
    table: String,
    is_readonly: u8,
    is_session_expired: u8,
    /// Seconds.
    delay: u64,
    queue: u64,
    active: u64,
    all: u64,
}

/// Asks the server for its replicas; `wanted` is how many the configuration says that there are.
pub(super) async fn of(client: &Client, wanted: u32) -> anyhow::Result<Finding> {
    let sql = "SELECT table, is_readonly, is_session_expired, toUInt64(absolute_delay) AS delay, toUInt64(queue_size) AS queue, \
               toUInt64(active_replicas) AS active, toUInt64(total_replicas) AS all \
               FROM system.replicas WHERE database = currentDatabase() ORDER BY table";
    let found: Vec<Replica> = client.query(sql).fetch_all().await.context("asking for replicas")?;
    Ok(judge(&found, u64::from(wanted)))
}

fn judge(found: &[Replica], wanted: u64) -> Finding {
    let tables = |is: &dyn Fn(&Replica) -> bool| -> Vec<&str> {
        found.iter().filter(|replica| is(replica)).map(|replica| replica.table.as_str()).collect()
    };
    if found.is_empty() {
        return Finding::wrong(
            "no table has replicas, though the configuration names a cluster",
            "Take clickhouse.cluster away, or name a database that `resultsdb migrate` makes on the cluster",
        );
    }
    let mut troubles = Vec::new();
    let stuck = tables(&|replica| replica.is_readonly != 0 || replica.is_session_expired != 0);
    if !stuck.is_empty() {
        troubles.push(Finding::wrong(
            format!("{} take no rows ({})", count(stuck.len() as u64, "replica"), names(&stuck)),
            "Look at the keeper, and run SYSTEM RESTORE REPLICA where its data is lost",
        ));
    }
    let few = tables(&|replica| replica.active < wanted);
    if !few.is_empty() {
        let active = found.iter().map(|replica| replica.active).min().unwrap_or(0);
        troubles.push(Finding::wrong(
            format!("{active} of {wanted} replicas are there ({}), and inserts wait for all of them", names(&few)),
            "Start the servers that are away, or lower clickhouse.cluster.replicas",
        ));
    }
    if let Some(most) = found.iter().map(|replica| replica.all).max().filter(|all| *all > wanted) {
        troubles.push(Finding::look(
            format!("there are {most} replicas, and inserts wait for {wanted}"),
            "Set clickhouse.cluster.replicas to the number of servers that anybody asks",
        ));
    }
    let behind = tables(&|replica| replica.delay > BEHIND || replica.queue > QUEUE);
    if !behind.is_empty() {
        let delay = found.iter().map(|replica| replica.delay).max().unwrap_or(0);
        let queue = found.iter().map(|replica| replica.queue).max().unwrap_or(0);
        troubles.push(Finding::look(
            format!("replicas are behind by up to {} and {} ({})", time(delay), count(queue, "task"), names(&behind)),
            "Look at system.replication_queue, and at the network and the disks of the servers",
        ));
    }
    Finding::of(troubles, format!("{} have {wanted} replicas each", count(found.len() as u64, "table")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::finding::Verdict;

    fn replica() -> Replica {
        Replica { table: "runs".into(), is_readonly: 0, is_session_expired: 0, delay: 0, queue: 1, active: 2, all: 2 }
    }

    #[test]
    fn replicas_that_take_no_rows_are_wrong() {
        let of = |replica| judge(&[replica], 2).verdict;
        assert_eq!(of(replica()), Verdict::Ok);
        assert_eq!(of(Replica { is_readonly: 1, ..replica() }), Verdict::Wrong);
        assert_eq!(of(Replica { active: 1, ..replica() }), Verdict::Wrong);
        assert_eq!(judge(&[], 2).verdict, Verdict::Wrong);
        assert_eq!(of(Replica { all: 3, ..replica() }), Verdict::Look);
        assert_eq!(of(Replica { delay: 61, ..replica() }), Verdict::Look);
        assert_eq!(of(Replica { queue: 101, ..replica() }), Verdict::Look);
    }
}
