//! The store: a ClickHouse client with its migrations, and the rows of its tables.

pub mod cluster;
pub mod commits;
mod migrations;
pub mod rows;

pub use cluster::Cluster;
pub use migrations::{MigrationError, migrate};

/// Where the store is and who asks.
#[derive(Debug, Clone)]
pub struct StoreAddress {
    /// `http://host:port` of ClickHouse's HTTP interface.
    pub url: String,
    /// The database that holds the tables.
    pub database: String,
    /// User name.
    pub user: String,
    /// Password; never logged.
    pub password: String,
    /// The cluster that the server is one of.
    pub cluster: Option<Cluster>,
}

impl StoreAddress {
    /// A client without a database, for creating it.
    pub fn server_client(&self) -> clickhouse::Client {
        clickhouse::Client::default().with_url(&self.url).with_user(&self.user).with_password(&self.password)
    }

    /// A client for the database. Reads see one row per natural key (`final`), partition by
    /// partition, because a key never spans two partitions.
    pub fn client(&self) -> clickhouse::Client {
        let client = self
            .server_client()
            .with_database(&self.database)
            .with_setting("final", "1")
            .with_setting("do_not_merge_across_partitions_select_final", "1")
            .with_setting("async_insert", "0");
        match &self.cluster {
            None => client,
            Some(cluster) => cluster.of(client),
        }
    }
}
