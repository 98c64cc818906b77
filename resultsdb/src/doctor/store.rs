//! The checks of the store, of a deployment and of `serve` alike.

use schema::store::{Cluster, StoreAddress};

use super::finding::Line;
use super::group::Group;
use super::{clocks, dead_letters, disk, keys, parts, rebuilds, replicas, shards, versions};

/// What to do where a check of the store of a deployment fails.
pub(super) const OF_DEPLOYMENT: &str = "Check that ClickHouse runs, that `resultsdb migrate` was run, and that \
                                        [clickhouse] of the configuration names the server and a user who may read its \
                                        system tables";

/// The same of the tables of `serve`.
pub(super) const OF_SERVE: &str = "Run `resultsdb check --data-dir DIR` while `serve` is stopped";

/// Asks the store; `replicas` is how many servers the configuration says that a cluster has, `remedy` what to do where a check
/// itself fails.
pub(super) async fn lines(
    address: anyhow::Result<StoreAddress>,
    replicas: Option<u32>,
    remedy: &'static str,
) -> Vec<Line> {
    let mut group = Group::new("ClickHouse", remedy);
    let address = match address {
        Ok(address) => address,
        Err(error) => {
            group.reach("clickhouse", async { Err(error) }).await;
            return group.lines();
        }
    };
    let (client, tables) = (address.client(), address.tables());
    // Without the database, which need not be there.
    group.reach("clickhouse", versions::clickhouse(&address.server_client())).await;
    group.ask("migrations", versions::migrations(&address)).await;
    group.ask("disks of clickhouse", disk::of_store(&tables)).await;
    group.ask("parts", parts::active(&tables)).await;
    group.ask("detached parts", parts::detached(&tables)).await;
    group.ask("mutations", parts::mutations(&tables)).await;
    if let Some(replicas) = replicas {
        group.ask("replicas", replicas::of(&tables, replicas)).await;
    }
    if address.cluster.as_ref().is_some_and(Cluster::is_sharded) {
        group.ask("shards", shards::of(&address)).await;
    }
    group.ask("rebuilds", rebuilds::of(&address)).await;
    group.ask("dead letters", dead_letters::of(&client)).await;
    group.ask("stored keys", keys::stored(&client)).await;
    group.ask("clock of clickhouse", clocks::of_store(&client)).await;
    group.lines()
}
