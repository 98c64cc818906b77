//! Shards of a cluster, and whether rows lie where they have them.

use anyhow::Context;
use schema::store::StoreAddress;
use schema::store::distributed::{self, Placement};

use super::finding::Finding;
use super::units::count;
use crate::shards::{REMEDY, misplaced};

/// Asks the store for its shards; none where tables are whole.
pub(super) async fn of(address: &StoreAddress) -> anyhow::Result<Finding> {
    let placement = distributed::placement(address).await.context("asking for the shards")?;
    Ok(judge(&placement.unwrap_or_default()))
}

fn judge(placement: &Placement) -> Finding {
    if placement.shards == 0 {
        return Finding::wrong(
            "the server that is asked knows no cluster of this name",
            "Name the cluster in remote_servers of every server as clickhouse.cluster.name has it",
        );
    }
    match misplaced(placement) {
        Some(found) => Finding::wrong(found, REMEDY),
        None => Finding::ok(format!("rows are divided among {}", count(placement.shards, "shard"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::finding::Verdict;

    #[test]
    fn rows_that_lie_elsewhere_are_wrong() {
        let of = |shards, misplaced: &[(String, u64)]| judge(&Placement { shards, misplaced: misplaced.to_vec() });
        assert_eq!(of(2, &[]), Finding::ok("rows are divided among 2 shards"));
        assert_eq!(of(4, &[("runs".to_owned(), 2)]).verdict, Verdict::Wrong);
        assert_eq!(of(0, &[]).verdict, Verdict::Wrong);
    }
}
