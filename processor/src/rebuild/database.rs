//! The database that is rebuilt: where rows are read and written, and where tables are made and exchanged, which is another
//! database where rows are divided among shards.

use clickhouse::Client;
use clickhouse::error::Result;
use schema::store::{Cluster, StoreAddress};

/// The two ways to a database.
pub(super) struct Database {
    /// Sees the rows of all shards.
    pub(super) rows: Client,
    /// Makes, changes and exchanges the tables.
    pub(super) tables: Client,
    pub(super) address: StoreAddress,
}

impl Database {
    pub(super) fn at(address: &StoreAddress) -> Self {
        Self { rows: address.client(), tables: address.tables(), address: address.clone() }
    }

    /// Whether rows are divided among shards.
    pub(super) fn is_sharded(&self) -> bool {
        self.address.cluster.as_ref().is_some_and(Cluster::is_sharded)
    }
}

/// Name of the table that a rebuild replaced.
pub(super) fn previous(view: &str) -> String {
    format!("{view}__previous")
}

/// Whether the database of a client has a table.
pub(super) async fn exists(client: &Client, table: &str) -> Result<bool> {
    let sql = "SELECT count() FROM system.tables WHERE database = currentDatabase() AND name = ?";
    Ok(client.query(sql).bind(table).fetch_one::<u64>().await? > 0)
}
