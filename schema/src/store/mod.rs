//! The store: a ClickHouse client with its migrations, and the rows of its tables.

mod access_rows;
mod cause_rows;
pub mod cluster;
pub mod commits;
mod dead_letter_state;
pub mod distributed;
mod intake_report_row;
mod lifetimes;
mod migrations;
pub mod native;
mod owner_file_row;
mod quarantine_row;
mod rename_row;
pub mod results;
pub mod rows;
mod run_note_rows;
mod run_rows;
pub mod states;
mod tls;

pub use cluster::Cluster;
pub use lifetimes::{RUN_TABLES, kept, kept_runs};
pub use migrations::{MigrationError, MigrationState, migrate, migration_state};
pub use tls::{StoreTls, StoreTlsError};

/// Name of the table that a rebuild fills beside a live one, to take its place.
pub fn next_generation(table: &str) -> String {
    format!("{table}__next")
}

/// Where the store is and who asks.
#[derive(Debug, Clone)]
pub struct StoreAddress {
    /// `http://host:port` of ClickHouse's HTTP interface, or `https://host:port`.
    pub url: String,
    /// What HTTPS is spoken with; none for HTTP.
    pub tls: Option<StoreTls>,
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
        let client = self.tls.as_ref().map_or_else(clickhouse::Client::default, StoreTls::client);
        let client = client.with_url(&self.url).with_user(&self.user).with_password(&self.password);
        // What does not leave the machine gains nothing by being smaller.
        if self.is_on_this_machine() { client.with_compression(clickhouse::Compression::None) } else { client }
    }

    fn is_on_this_machine(&self) -> bool {
        let after_scheme = self.url.split_once("//").map_or(self.url.as_str(), |(_, rest)| rest);
        ["127.", "localhost", "[::1]"].iter().any(|start| after_scheme.starts_with(start))
    }

    /// A client for the database. Reads see one row per natural key (`final`), partition by
    /// partition, because a key never spans two partitions.
    pub fn client(&self) -> clickhouse::Client {
        self.client_of(&self.database)
    }

    /// A client for the tables themselves, which makes, changes and exchanges them. It is the same unless rows are divided
    /// among shards: then it sees the rows of one shard alone.
    pub fn tables(&self) -> clickhouse::Client {
        self.client_of(&self.tables_database())
    }

    /// The database that [`StoreAddress::tables`] is for.
    pub fn tables_database(&self) -> String {
        match &self.cluster {
            Some(cluster) if cluster.is_sharded() => distributed::tables_database(&self.database),
            _ => self.database.clone(),
        }
    }

    fn client_of(&self, database: &str) -> clickhouse::Client {
        let client = self
            .server_client()
            .with_database(database)
            .with_setting("final", "1")
            .with_setting("do_not_merge_across_partitions_select_final", "1")
            .with_setting("async_insert", "0")
            // A batch may hold runs of any number of weeks.
            .with_setting("max_partitions_per_insert_block", "0");
        match &self.cluster {
            None => client,
            Some(cluster) => cluster.of(client),
        }
    }
}
