//! The checks of the store, of a deployment and of `serve` alike.

use schema::store::{Cluster, StoreAddress};

use super::finding::Line;
use super::group::Group;
use super::{clocks, dead_letters, disk, keys, parts, rebuilds, replicas, shards, versions};

const REMEDY: &str = "Check that ClickHouse runs, that `resultsdb migrate` was run, and that [clickhouse] of the \
                      configuration names the server and a user who may read its system tables";

/// Asks the store; `replicas` is how many servers the configuration says that a cluster has.
pub(super) async fn lines(address: anyhow::Result<StoreAddress>, replicas: Option<u32>) -> Vec<Line> {
    let mut group = Group::new("ClickHouse", REMEDY);
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
