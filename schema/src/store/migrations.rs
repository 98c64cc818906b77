//! Forward-only migrations: SQL files in the binary, their checksums in a version table. After them the tables of runs get
//! the configured retention as their TTL.

use clickhouse::Client;

use super::cluster::ClusterError;
use super::{Cluster, StoreAddress, distributed, lifetimes};
use crate::retention::Retention;

/// `(version, name, statements)`, in order. An applied one is never edited; add the next.
const MIGRATIONS: &[(u32, &str, &str)] = &[
    (1, "views", include_str!("../../migrations/0001_views.sql")),
    (2, "links_archives_ews", include_str!("../../migrations/0002_links_archives_ews.sql")),
    (3, "watermarks", include_str!("../../migrations/0003_watermarks.sql")),
    (4, "reads_of_one_test", include_str!("../../migrations/0004_reads_of_one_test.sql")),
    (5, "dead_letters", include_str!("../../migrations/0005_dead_letters.sql")),
    (6, "times_and_compact_parts", include_str!("../../migrations/0006_times_and_compact_parts.sql")),
    (7, "rebuild_progress", include_str!("../../migrations/0007_rebuild_progress.sql")),
    (8, "receipts", include_str!("../../migrations/0008_receipts.sql")),
    (9, "no_insert_deduplication", include_str!("../../migrations/0009_no_insert_deduplication.sql")),
    (10, "small_granules_of_receipts", include_str!("../../migrations/0010_small_granules_of_receipts.sql")),
    (11, "bugs", include_str!("../../migrations/0011_bugs.sql")),
    (12, "alerts", include_str!("../../migrations/0012_alerts.sql")),
    (13, "facts", include_str!("../../migrations/0013_facts.sql")),
    (14, "tested_weeks", include_str!("../../migrations/0014_tested_weeks.sql")),
    (15, "verdicts", include_str!("../../migrations/0015_verdicts.sql")),
    (16, "bugs_of_failures", include_str!("../../migrations/0016_bugs_of_failures.sql")),
    (17, "renames", include_str!("../../migrations/0017_renames.sql")),
    (18, "run_notes", include_str!("../../migrations/0018_run_notes.sql")),
    (19, "intake_reports", include_str!("../../migrations/0019_intake_reports.sql")),
    (20, "access", include_str!("../../migrations/0020_access.sql")),
    (21, "outcomes", include_str!("../../migrations/0021_outcomes.sql")),
    (22, "smaller_results", include_str!("../../migrations/0022_smaller_results.sql")),
    (23, "causes", include_str!("../../migrations/0023_causes.sql")),
];

/// The engine of a cluster's database.
const REPLICATED: &str = "Replicated";
const VERSIONS: &str = "CREATE TABLE IF NOT EXISTS schema_versions \
                        (version UInt32, checksum UInt64, applied_at DateTime DEFAULT now()) \
                        ENGINE = ReplacingMergeTree ORDER BY version";

/// Why the store cannot be brought up to date.
#[derive(Debug, thiserror::Error)]
pub enum MigrationError {
    /// The store refused or could not be reached.
    #[error("migrating {database} at {url}: {source}")]
    Store {
        /// The database.
        database: String,
        /// The store's address.
        url: String,
        /// What it said.
        source: clickhouse::error::Error,
    },
    /// A migration was edited after it had been applied.
    #[error("migration {version} ({name}) was applied with other contents; restore the file and add a new migration")]
    Changed {
        /// Its number.
        version: u32,
        /// Its name.
        name: &'static str,
    },
    /// The store was migrated by a newer binary.
    #[error("the store is at migration {found}, this binary knows up to {known}; run the newer binary")]
    Newer {
        /// What the store has.
        found: u32,
        /// What the binary has.
        known: u32,
    },
    /// A migration holds what does not suit a cluster.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// The database was made with shards, and the configuration names none, or the other way round.
    #[error(
        "the database {database} {}; give clickhouse.database another name, or change clickhouse.cluster.sharded",
        if *.is_sharded { "holds whole tables, where a cluster with shards needs one of its own" }
        else { "shows rows that are divided among shards, which the configuration has to say" }
    )]
    OtherKind {
        /// Its name.
        database: String,
        /// Whether shards are configured.
        is_sharded: bool,
    },
    /// The database was made for another kind of deployment.
    #[error(
        "the database {database} exists and is of the engine {found}; {}",
        if *.cluster { "a cluster needs one that `migrate` makes: give another name, or drop it while it is empty" }
        else { "it belongs to a cluster, which the configuration has to name" }
    )]
    Database {
        /// Its name.
        database: String,
        /// Its engine.
        found: String,
        /// Whether a cluster is configured.
        cluster: bool,
    },
}

/// Creates the database, applies the migrations that are missing, and sets the TTL of the tables of runs to the longest
/// retention where it is another. Harmless to repeat; a repetition changes nothing.
pub async fn migrate(address: &StoreAddress, retention: &Retention) -> Result<(), MigrationError> {
    let failed =
        |source| MigrationError::Store { database: address.database.clone(), url: address.url.clone(), source };
    let cluster = address.cluster.as_ref();
    let is_sharded = cluster.is_some_and(Cluster::is_sharded);
    let tables_database = address.tables_database();
    create_database(address, &tables_database).await?;
    if distributed::is_of_other_kind(address).await.map_err(failed)? {
        return Err(MigrationError::OtherKind { database: address.database.clone(), is_sharded });
    }
    if is_sharded {
        create_database(address, &address.database).await?;
    }
    let suited = |statement: &str| match cluster {
        None => Ok(statement.to_owned()),
        Some(cluster) => cluster.rewrite(statement),
    };
    let (client, tables) = (address.client(), address.tables());
    tables.query(&suited(VERSIONS)?).execute().await.map_err(failed)?;
    distributed::show_tables(address).await.map_err(failed)?;
    let state = MigrationState::of(&applied(&client).await.map_err(failed)?);
    if state.newest > state.known {
        return Err(MigrationError::Newer { found: state.newest, known: state.known });
    }
    for (version, name, sql) in MIGRATIONS {
        if state.changed.contains(version) {
            return Err(MigrationError::Changed { version: *version, name });
        }
        if !state.missing.contains(version) {
            continue;
        }
        let checksum = checksum(sql);
        for statement in statements(sql) {
            tables.query(&suited(&statement)?).execute().await.map_err(failed)?;
        }
        client
            .query("INSERT INTO schema_versions (version, checksum) VALUES (?, ?)")
            .bind(version)
            .bind(checksum)
            .execute()
            .await
            .map_err(failed)?;
    }
    let (name, value) = lifetimes::SETTING;
    for statement in lifetimes::statements(&tables, retention).await.map_err(failed)? {
        tables.query(&suited(&statement)?).with_setting(name, value).execute().await.map_err(failed)?;
    }
    distributed::show_tables(address).await.map_err(failed)
}

/// Makes a database where there is none. One that was made for another kind of deployment is refused.
async fn create_database(address: &StoreAddress, database: &str) -> Result<(), MigrationError> {
    let database = database.to_owned();
    let failed = |source| MigrationError::Store { database: database.clone(), url: address.url.clone(), source };
    let (server, cluster) = (address.server_client(), address.cluster.as_ref());
    let sql = "SELECT engine FROM system.databases WHERE name = ?";
    let found: Option<String> = server.query(sql).bind(&database).fetch_optional().await.map_err(failed)?;
    match found {
        None => {
            let create = match cluster {
                None => format!("CREATE DATABASE IF NOT EXISTS `{database}`"),
                Some(cluster) => cluster.create_database(&database),
            };
            server.query(&create).execute().await.map_err(failed)
        }
        Some(found) if (found == REPLICATED) != cluster.is_some() => {
            Err(MigrationError::Database { database, found, cluster: cluster.is_some() })
        }
        Some(_) => Ok(()),
    }
}

/// Which migrations a store has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MigrationState {
    /// The newest that this binary knows.
    pub known: u32,
    /// The newest that was applied; 0 before the first.
    pub newest: u32,
    /// Those that this binary knows and that were not applied.
    pub missing: Vec<u32>,
    /// Those that were applied with other contents.
    pub changed: Vec<u32>,
}

/// Which migrations a store has; changes nothing.
///
/// # Errors
/// The store refused, or could not be reached.
pub async fn migration_state(address: &StoreAddress) -> Result<MigrationState, MigrationError> {
    let failed =
        |source| MigrationError::Store { database: address.database.clone(), url: address.url.clone(), source };
    // Naming a database that is not there would be refused.
    let sql = "SELECT count() FROM system.tables WHERE database = ? AND name = 'schema_versions'";
    let tables: u64 = address.server_client().query(sql).bind(&address.database).fetch_one().await.map_err(failed)?;
    let applied = match tables {
        0 => Vec::new(),
        _ => applied(&address.client()).await.map_err(failed)?,
    };
    Ok(MigrationState::of(&applied))
}

impl MigrationState {
    /// By the migrations that were applied, the oldest first.
    fn of(applied: &[(u32, u64)]) -> Self {
        let mut state = Self {
            known: MIGRATIONS.last().map_or(0, |migration| migration.0),
            newest: applied.last().map_or(0, |applied| applied.0),
            ..Self::default()
        };
        for (version, _, sql) in MIGRATIONS {
            match applied.iter().find(|(found, _)| found == version) {
                None => state.missing.push(*version),
                Some((_, found)) if *found != checksum(sql) => state.changed.push(*version),
                Some(_) => {}
            }
        }
        state
    }
}

/// Versions and checksums of the migrations that were applied, the oldest first.
async fn applied(client: &Client) -> clickhouse::error::Result<Vec<(u32, u64)>> {
    client.query("SELECT version, checksum FROM schema_versions ORDER BY version").fetch_all().await
}

fn checksum(sql: &str) -> u64 {
    crate::configuration::stable_hash(&[sql.as_bytes()])
}

/// The statements of a file; comments take whole lines, and no literal in our files holds a semicolon.
fn statements(sql: &str) -> impl Iterator<Item = String> {
    let code: Vec<&str> = sql.lines().filter(|line| !line.trim_start().starts_with("--")).collect();
    let code = code.join("\n");
    code.split(';')
        .map(str::trim)
        .filter(|statement| !statement.is_empty())
        .map(str::to_owned)
        .collect::<Vec<_>>()
        .into_iter()
}

/// What [`migrate`] applies to an empty store.
#[cfg(test)]
pub(super) fn every_statement() -> impl Iterator<Item = String> {
    std::iter::once(VERSIONS.to_owned()).chain(MIGRATIONS.iter().flat_map(|(.., sql)| statements(sql)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn migrations_are_numbered_without_gaps() {
        for (index, (version, ..)) in MIGRATIONS.iter().enumerate() {
            assert_eq!(*version as usize, index + 1);
        }
    }

    /// A statement that fills a table from another would fill it with the rows of one shard alone. Stores with shards were
    /// empty when the earlier ones were applied; later changes of that kind are for a rebuild.
    #[test]
    fn migrations_since_there_are_shards_copy_no_rows() {
        for (version, _, sql) in MIGRATIONS.iter().filter(|(version, ..)| *version > 22) {
            assert!(!statements(sql).any(|statement| statement.starts_with("INSERT")), "{version}");
        }
    }

    #[test]
    fn comments_are_no_statements() {
        let found: Vec<String> = statements("-- one; two\nCREATE a;\n\nCREATE b;\n").collect();
        assert_eq!(found, ["CREATE a", "CREATE b"]);
    }
}
