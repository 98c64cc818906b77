//! Forward-only migrations: SQL files in the binary, their checksums in a version table. After them the tables of runs get
//! the configured retention as their TTL.
//!
//! Services of the version before run while the tables are migrated. A table that is made anew is therefore exchanged with
//! the one that is in use, and the rows are copied that were written to that one until then.

use std::time::{Duration, Instant};

use clickhouse::Client;

use super::cluster::{Cluster, ClusterError, processes};
use super::{StoreAddress, distributed, lifetimes};
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
    (23, "defaults", include_str!("../../migrations/0023_defaults.sql")),
    (24, "causes", include_str!("../../migrations/0024_causes.sql")),
    (25, "bugs_of_messages", include_str!("../../migrations/0025_bugs_of_messages.sql")),
    (26, "quarantine", include_str!("../../migrations/0026_quarantine.sql")),
    (27, "owners", include_str!("../../migrations/0027_owners.sql")),
    (28, "received_runs", include_str!("../../migrations/0028_received_runs.sql")),
];

/// `(version, checksum)` of what migrations were before they were written anew to the same effect: 13 took its tables away
/// for a moment, and no column had its default from the beginning, which 23 gives them.
const FORMER: &[(u32, u64)] = &[(13, 0xa533_a473_661b_cd06), (16, 0x4b5a_26b7_d917_c208), (21, 0x100b_38d7_32e7_b16a)];
/// Between two looks at the inserts that are running.
const PAUSE: Duration = Duration::from_millis(20);

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
            if let Some(table) = exchanged(&statement) {
                outlast_inserts(&client, cluster, table).await.map_err(failed)?;
            }
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
                Some((_, found)) if *found != checksum(sql) && !FORMER.contains(&(*version, *found)) => {
                    state.changed.push(*version);
                }
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

/// The table that a statement puts another in the place of.
fn exchanged(statement: &str) -> Option<&str> {
    match statement.split_whitespace().collect::<Vec<_>>().as_slice() {
        ["EXCHANGE", "TABLES", table, "AND", _] => Some(table),
        _ => None,
    }
}

/// Waits until inserts into a table have ended that began before it was exchanged: they write to the former one.
async fn outlast_inserts(client: &Client, cluster: Option<&Cluster>, table: &str) -> clickhouse::error::Result<()> {
    let since = Instant::now();
    let sql = format!(
        "SELECT count() FROM {} WHERE current_database = currentDatabase() AND elapsed >= ? \
         AND query LIKE 'INSERT INTO %{table}%'",
        processes(cluster)
    );
    while client.query(&sql).bind(since.elapsed().as_secs_f64()).fetch_one::<u64>().await? > 0 {
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
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
    fn what_was_applied_is_known_by_its_contents() {
        let applied = |first: u64| vec![(1, first), (13, FORMER[0].1)];
        let state = MigrationState::of(&applied(checksum(MIGRATIONS[0].2)));
        assert!(state.changed.is_empty() && !state.missing.contains(&13), "{state:?}");
        assert_eq!(MigrationState::of(&applied(7)).changed, [1]);
    }

    /// Services of the version before ask and write at every moment. Before this migration, they had to be stopped.
    const SINCE: u32 = 13;

    #[test]
    fn no_migration_takes_a_table_away() {
        let mut there = std::collections::BTreeSet::new();
        for (version, _, sql) in MIGRATIONS {
            let mut made = Vec::new();
            for statement in statements(sql) {
                let words: Vec<&str> =
                    statement.split_whitespace().filter(|word| !["IF", "NOT", "EXISTS"].contains(word)).collect();
                match words.as_slice() {
                    ["CREATE", "TABLE", table, ..] => made.push((*table).to_owned()),
                    ["RENAME", ..] => assert!(*version < SINCE, "migration {version} renames a table; exchange it"),
                    ["DROP", "TABLE", table, ..] => {
                        assert!(!there.contains(*table), "migration {version} drops {table}, which is in use");
                        made.retain(|name| name != table);
                    }
                    _ => {}
                }
            }
            there.extend(made);
        }
        assert!(there.len() > 20, "{there:?}");
    }

    /// Processors of the version before write rows without a column that is new.
    #[test]
    fn every_column_that_was_added_has_a_default() {
        let (mut with, mut without) = (0, std::collections::BTreeSet::new());
        for (version, _, sql) in MIGRATIONS.iter().filter(|migration| migration.0 >= SINCE) {
            for statement in statements(sql).filter(|statement| statement.starts_with("ALTER TABLE")) {
                let table = statement.split_whitespace().nth(2).unwrap_or_default().to_owned();
                for change in statement.replace("IF NOT EXISTS ", "").split(",\n") {
                    let has_default = change.contains(" DEFAULT ");
                    if let Some((_, column)) = change.split_once("ADD COLUMN ") {
                        let column = (table.clone(), column.split_whitespace().next().unwrap_or_default().to_owned());
                        without.extend((!has_default).then_some(column));
                    } else if let Some((_, column)) = change.split_once("MODIFY COLUMN ").filter(|_| has_default) {
                        let column = (table.clone(), column.split_whitespace().next().unwrap_or_default().to_owned());
                        with += usize::from(without.remove(&column));
                    }
                }
            }
            assert!(*version < 23 || without.is_empty(), "after migration {version}: {without:?}");
        }
        // Only columns of the sorting key get their default afterwards.
        assert_eq!(with, 2);
    }

    #[test]
    fn comments_are_no_statements() {
        let found: Vec<String> = statements("-- one; two\nCREATE a;\n\nCREATE b;\n").collect();
        assert_eq!(found, ["CREATE a", "CREATE b"]);
    }
}
