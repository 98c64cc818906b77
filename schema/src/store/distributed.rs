//! Rows divided among the shards of a cluster.
//!
//! The tables lie in a database of their own, `…_tables`, of which each shard has a part of the rows. The database that is
//! asked has a table of the engine `Distributed` under each of their names, so that no statement changes: what is read
//! comes from all shards that may have it, and what is inserted goes to the shard that the table's key names, before the
//! insert ends. Rows with one natural key lie on one shard, because the key is made of members of the natural key alone;
//! replacing and `FINAL` ask for no more. Where a statement looks one table up in another, the set of the inner one is
//! asked first and sent along.
//!
//! A row's shard follows from the number of shards. That for which rows were placed is in the comment of the distributed
//! table: where there are other shards now, rows have to be placed anew by a rebuild, before more are written.

use clickhouse::error::Result;
use clickhouse::{Client, Row};
use serde::Deserialize;

use super::{StoreAddress, next_generation};

/// The rows of these tables lie on the first shard, whatever their number: no event makes them, so that no rebuild could
/// place them anew, and they are few.
const FIRST_SHARD: &str = "0";

/// By table, the number that decides on a row's shard; the shard is its remainder by the number of shards. What a question
/// names exactly comes first: one test, one commit, one run's tests.
const KEYS: [(&str, &str); 37] = [
    ("access_key_ends", "cityHash64(id)"),
    ("access_key_uses", FIRST_SHARD),
    ("access_keys", "cityHash64(id)"),
    ("alerts", FIRST_SHARD),
    ("archives", "cityHash64(suite, config_id)"),
    ("audit", "cityHash64(event_id)"),
    ("bugs", "cityHash64(suite, test)"),
    ("causes", "cityHash64(suite, cause)"),
    ("commit_names", "cityHash64(repository, name)"),
    ("commits", "cityHash64(repository, branch)"),
    ("configurations", "cityHash64(branch, config_id)"),
    ("dead_letters", "cityHash64(partition, offset)"),
    ("ews_results", "cityHash64(suite, test)"),
    ("expired_uploads", "cityHash64(partition, offset)"),
    ("failure_messages", "cityHash64(suite, config_id)"),
    ("failures", "cityHash64(suite, config_id)"),
    ("intake_reports", "cityHash64(intake)"),
    ("linked_runs", "cityHash64(link)"),
    ("links", "cityHash64(suite, config_id)"),
    ("owner_files", "cityHash64(suite)"),
    ("quarantine", "cityHash64(suite, test)"),
    ("queues", "cityHash64(suite, config_id)"),
    ("rebuild_progress", FIRST_SHARD),
    ("receipts", "cityHash64(name)"),
    ("renames", "cityHash64(suite)"),
    ("repositories", "cityHash64(repository)"),
    ("results", "cityHash64(suite, test_id)"),
    ("rosters", "cityHash64(id)"),
    ("run_notes", "cityHash64(suite, config_id)"),
    ("runs", "cityHash64(suite, config_id)"),
    ("schema_versions", FIRST_SHARD),
    ("suites", "cityHash64(branch, config_id)"),
    ("tested_weeks", "cityHash64(suite, branch)"),
    ("tests", "cityHash64(suite, test)"),
    ("uploads", "cityHash64(suite, config_id)"),
    ("verdicts", FIRST_SHARD),
    ("watermarks", FIRST_SHARD),
];

/// What stands before the number of shards in the comments of distributed tables.
const COMMENT: &str = "shards ";

/// The number that decides on the shard of a row of a table, as an expression of its columns; none for a table that this
/// does not know. A table that a rebuild fills has the key of the one that it is to replace.
pub fn sharding_key(table: &str) -> Option<&'static str> {
    KEYS.iter().find(|(name, _)| *name == table || next_generation(name) == table).map(|(_, key)| *key)
}

/// A client that sees the rows of all shards, and whose inserts end when every shard has its rows. A shard that does not
/// answer is an error, never an answer without its rows.
pub(super) fn asking_all(client: Client) -> Client {
    client
        .with_setting("distributed_product_mode", "global")
        .with_setting("optimize_skip_unused_shards", "1")
        .with_setting("distributed_foreground_insert", "1")
        .with_setting("skip_unavailable_shards", "0")
        // What is copied from one distributed table to another is placed anew.
        .with_setting("parallel_distributed_insert_select", "0")
}

/// Name of the database that holds the tables whose rows `database` shows.
pub(super) fn tables_database(database: &str) -> String {
    format!("{database}_tables")
}

/// Where rows lie, by the number of shards.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Placement {
    /// How many shards the cluster has.
    pub shards: u64,
    /// Tables whose rows were placed for another number, with that number.
    pub misplaced: Vec<(String, u64)>,
}

/// A table of the database that is asked or of the one that holds the rows, with what has to be the same in both.
#[derive(Row, Deserialize)]
struct Shape {
    name: String,
    comment: String,
    /// Names, and types with their defaults.
    columns: Vec<(String, String)>,
}

/// Whether the database that is asked has whole tables although rows are to be divided, or the other way round: a database
/// is of one kind.
pub(super) async fn is_of_other_kind(address: &StoreAddress) -> Result<bool> {
    let is_wrong = if sharded(address).is_some() { "engine != 'Distributed'" } else { "engine = 'Distributed'" };
    let sql = format!("SELECT count() FROM system.tables WHERE database = ? AND {is_wrong}");
    Ok(address.server_client().query(&sql).bind(&address.database).fetch_one::<u64>().await? > 0)
}

/// Makes a distributed table for every table that has none, or whose columns changed. Does nothing without shards.
///
/// # Errors
/// The store refused, or could not be reached.
pub async fn show_tables(address: &StoreAddress) -> Result<()> {
    let Some(database) = sharded(address) else { return Ok(()) };
    let tables = shapes(&address.tables()).await?;
    let shown = shapes(&address.client()).await?;
    let placed = comment(shards(address).await?);
    for table in tables {
        let Some(key) = sharding_key(&table.name) else { continue };
        let old = shown.iter().find(|shown| shown.name == table.name);
        if old.is_some_and(|old| old.columns == table.columns) {
            continue;
        }
        let comment = match old {
            // Its rows stay where they are.
            Some(old) => old.comment.clone(),
            None => placed.clone(),
        };
        let name = &table.name;
        let columns: Vec<String> = table.columns.iter().map(|(column, kind)| format!("`{column}` {kind}")).collect();
        let made = if old.is_some() { format!("{name}__shown") } else { name.clone() };
        let cluster = address.cluster.as_ref().map_or("", |cluster| cluster.name());
        let create = format!(
            "CREATE TABLE IF NOT EXISTS {made} ({}) \
             ENGINE = Distributed('{cluster}', '{database}', '{name}', {key}) COMMENT '{comment}'",
            columns.join(", ")
        );
        let mut statements = vec![create];
        if old.is_some() {
            statements.insert(0, format!("DROP TABLE IF EXISTS {made} SYNC"));
            statements.push(format!("EXCHANGE TABLES {name} AND {made}"));
            statements.push(format!("DROP TABLE {made} SYNC"));
        }
        for statement in statements {
            address.client().query(&statement).execute().await?;
        }
    }
    Ok(())
}

/// Notes that the rows of a table lie where the shards that there are now have them. Does nothing without shards.
///
/// # Errors
/// The store refused, or could not be reached.
pub async fn placed(address: &StoreAddress, table: &str) -> Result<()> {
    if sharded(address).is_none() {
        return Ok(());
    }
    let sql = format!("ALTER TABLE {table} MODIFY COMMENT '{}'", comment(shards(address).await?));
    address.client().query(&sql).execute().await
}

/// Removes the distributed table over a table that is no longer there under this name. Does nothing without shards.
///
/// # Errors
/// The store refused, or could not be reached.
pub async fn hide(address: &StoreAddress, table: &str) -> Result<()> {
    if sharded(address).is_none() {
        return Ok(());
    }
    address.client().query(&format!("DROP TABLE IF EXISTS {table} SYNC")).execute().await
}

/// Compares the shards that there are with those for which rows were placed; none without shards.
///
/// # Errors
/// The store refused, or could not be reached.
pub async fn placement(address: &StoreAddress) -> Result<Option<Placement>> {
    if sharded(address).is_none() {
        return Ok(None);
    }
    let shards = shards(address).await?;
    let mut misplaced = Vec::new();
    for Shape { name, comment, .. } in shapes(&address.client()).await? {
        // Rows of the first shard stay there, and what a rebuild fills is not shown.
        let is_divided = KEYS.iter().any(|(table, key)| *table == name && *key != FIRST_SHARD);
        let placed_for = comment.strip_prefix(COMMENT).and_then(|number| number.parse().ok());
        if let Some(number) = placed_for.filter(|number| is_divided && *number != shards) {
            misplaced.push((name, number));
        }
    }
    Ok(Some(Placement { shards, misplaced }))
}

/// The database that holds the rows, where they are divided.
fn sharded(address: &StoreAddress) -> Option<String> {
    let is_sharded = address.cluster.as_ref().is_some_and(|cluster| cluster.is_sharded());
    is_sharded.then(|| tables_database(&address.database))
}

fn comment(shards: u64) -> String {
    format!("{COMMENT}{shards}")
}

/// How many shards the cluster has, as the server that is asked knows it.
async fn shards(address: &StoreAddress) -> Result<u64> {
    let name = address.cluster.as_ref().map_or("", |cluster| cluster.name());
    let sql = "SELECT uniqExact(shard_num) FROM system.clusters WHERE cluster = ?";
    address.client().query(sql).bind(name).fetch_one().await
}

/// The tables of a client's database.
async fn shapes(client: &Client) -> Result<Vec<Shape>> {
    let sql = "SELECT tables.name, any(tables.comment) AS comment, \
               arrayMap(column -> (column.2, column.3), \
               arraySort(groupArray((columns.position, columns.name, \
               trimRight(concat(columns.type, ' ', columns.default_kind, ' ', columns.default_expression)))))) AS columns \
               FROM system.tables AS tables INNER JOIN system.columns AS columns \
               ON tables.database = columns.database AND tables.name = columns.table \
               WHERE tables.database = currentDatabase() AND columns.database = currentDatabase() \
               GROUP BY tables.name ORDER BY tables.name";
    client.query(sql).fetch_all().await
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_table_that_a_rebuild_fills_has_the_key_of_the_live_one() {
        assert_eq!(sharding_key("runs"), Some("cityHash64(suite, config_id)"));
        assert_eq!(sharding_key("runs__next"), sharding_key("runs"));
        assert_eq!([sharding_key("runs__previous"), sharding_key("other")], [None, None]);
    }

    #[test]
    fn keys_are_in_order_and_said_once() {
        assert!(KEYS.windows(2).all(|pair| pair[0].0 < pair[1].0), "{KEYS:?}");
    }
}
