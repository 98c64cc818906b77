//! Several servers with the same tables: what statements and settings become there.
//!
//! The database is of the engine `Replicated`, which repeats every creation, change, renaming, exchange and removal of
//! a table on each server, so that statements stay as they are but for the tables' engine. Servers are one shard, each of
//! which has all rows, or several ([`super::distributed`]), each with a part of them.

use clickhouse::Client;

use super::distributed;

/// Well below the time after which the processor takes a store that says nothing for gone.
const QUORUM_MILLISECONDS: u64 = 60_000;
const ENGINE: &str = "ENGINE = ReplacingMergeTree";
const WINDOW: &str = "replicated_deduplication_window";

/// Servers that hold the same tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cluster {
    name: String,
    replicas: u32,
    is_sharded: bool,
}

/// Why a cluster is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClusterError {
    /// Its name could not stand in a statement.
    #[error("'{0}' is no name of a cluster; letters, digits, '_', '-' and '.' are")]
    Name(String),
    /// No server would hold the rows.
    #[error("a cluster has at least one replica")]
    NoReplicas,
    /// A statement that this does not know how to spread.
    #[error("a statement does not suit a cluster: {0}")]
    Statement(String),
}

impl Cluster {
    /// The name that the servers have it under in `remote_servers`, and how many of them must hold what is written.
    pub fn new(name: &str, replicas: u32) -> Result<Self, ClusterError> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
        if name.is_empty() || !name.bytes().all(allowed) {
            return Err(ClusterError::Name(name.to_owned()));
        }
        if replicas == 0 {
            return Err(ClusterError::NoReplicas);
        }
        Ok(Self { name: name.to_owned(), replicas, is_sharded: false })
    }

    /// The same cluster with rows divided among its shards. A cluster of one shard may be, so that others can join it.
    pub fn sharded(self) -> Self {
        Self { is_sharded: true, ..self }
    }

    /// Whether rows are divided among shards.
    pub fn is_sharded(&self) -> bool {
        self.is_sharded
    }

    /// The name that the servers have it under.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A client whose inserts end once every replica has their rows, on each shard that they go to. Watermarks are written after rows, so whoever
    /// sees one, on whichever server, sees those. (`select_sequential_consistency` would need inserts to wait for each
    /// other.) Changes of tables wait for every replica too.
    pub(super) fn of(&self, client: Client) -> Client {
        let client = if self.is_sharded { distributed::asking_all(client) } else { client };
        client
            .with_setting("insert_quorum", self.replicas.to_string())
            .with_setting("insert_quorum_timeout", QUORUM_MILLISECONDS.to_string())
            .with_setting("alter_sync", "2")
            // A table made like another gets a path of its own in the keeper.
            .with_setting("database_replicated_allow_replicated_engine_arguments", "2")
    }

    /// Makes a database on every server. A shard alone has the same name on all, whatever their macros say.
    pub(super) fn create_database(&self, database: &str) -> String {
        let shard = if self.is_sharded { "{shard}" } else { "all" };
        format!(
            "CREATE DATABASE IF NOT EXISTS `{database}` ON CLUSTER `{}` \
             ENGINE = Replicated('/clickhouse/databases/{database}', '{shard}', '{{replica}}')",
            self.name
        )
    }

    /// What a statement of a migration is in a replicated database.
    pub(super) fn rewrite(&self, statement: &str) -> Result<String, ClusterError> {
        let mut words = statement.split_whitespace();
        let unknown = || ClusterError::Statement(statement.lines().next().unwrap_or_default().to_owned());
        match (words.next().unwrap_or_default(), words.next().unwrap_or_default()) {
            ("CREATE", "TABLE") => replicated(statement).ok_or_else(unknown),
            ("ALTER", "TABLE") => Ok(statement.replace(&format!("non_{WINDOW}"), WINDOW)),
            // The database repeats these on every server; rows that one server writes are fetched by the others.
            ("RENAME" | "DROP" | "TRUNCATE", "TABLE") | ("EXCHANGE", "TABLES") | ("INSERT", "INTO") => {
                Ok(statement.to_owned())
            }
            _ => Err(unknown()),
        }
    }
}

/// Creates the table with replicas. Repeated inserts are taken, as without: replicated tables would otherwise drop an
/// insert whose block they remember, although its part may have been lost with the replica that had it.
fn replicated(statement: &str) -> Option<String> {
    let (before, after) = statement.split_once(ENGINE)?;
    if after.contains("ENGINE") || after.starts_with(|next: char| next.is_ascii_alphanumeric()) {
        return None;
    }
    let created = format!("{before}ENGINE = ReplicatedReplacingMergeTree{after}");
    let setting = format!("{WINDOW} = 0");
    Some(if created.contains(&format!("non_{WINDOW}")) {
        created.replace(&format!("non_{WINDOW}"), WINDOW)
    } else if created.contains("\nSETTINGS ") {
        format!("{created}, {setting}")
    } else {
        format!("{created}\nSETTINGS {setting}")
    })
}

/// Where running statements of every server of the store are found.
pub fn processes(cluster: Option<&Cluster>) -> String {
    match cluster {
        None => "system.processes".to_owned(),
        Some(Cluster { name, .. }) => format!("clusterAllReplicas(`{name}`, system.processes)"),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::migrations::every_statement;
    use super::*;

    fn cluster() -> Cluster {
        Cluster::new("tests", 2).unwrap()
    }

    #[test]
    fn names_that_could_break_out_are_refused() {
        assert!(Cluster::new("a-b.c_1", 1).is_ok());
        for name in ["", "a b", "a`b", "ä"] {
            assert_eq!(Cluster::new(name, 1), Err(ClusterError::Name(name.to_owned())));
        }
        assert_eq!(Cluster::new("a", 0), Err(ClusterError::NoReplicas));
    }

    #[test]
    fn every_statement_of_every_migration_is_spread() {
        let kinds = every_statement().map(|statement| {
            let rewritten = cluster().rewrite(&statement).unwrap();
            let kind = statement.split_whitespace().next().unwrap().to_owned();
            assert!(!rewritten.contains("non_replicated"), "{rewritten}");
            match kind.as_str() {
                "CREATE" => {
                    assert_eq!(rewritten.matches("ENGINE = ReplicatedReplacingMergeTree").count(), 1, "{rewritten}");
                    assert_eq!(rewritten.matches("replicated_deduplication_window = ").count(), 1, "{rewritten}");
                    let columns = |text: &str| text.split_once("ENGINE").unwrap().0.to_owned();
                    assert_eq!(columns(&rewritten), columns(&statement));
                }
                "ALTER" => assert_eq!(rewritten, statement.replace("non_replicated", "replicated")),
                _ => assert_eq!(rewritten, statement),
            }
            kind
        });
        let mut kinds: Vec<String> = kinds.collect();
        kinds.sort();
        kinds.dedup();
        assert_eq!(kinds, ["ALTER", "CREATE", "DROP", "EXCHANGE", "INSERT", "RENAME"]);
    }

    /// At the end no table drops an insert because it saw its like.
    #[test]
    fn no_table_is_left_with_deduplication() {
        let mut windows = std::collections::BTreeMap::new();
        for statement in every_statement() {
            let rewritten = cluster().rewrite(&statement).unwrap();
            let words: Vec<&str> =
                rewritten.split_whitespace().filter(|word| !["IF", "NOT", "EXISTS"].contains(word)).collect();
            let window = rewritten.split_once("replicated_deduplication_window = ");
            let window = window.map(|(_, after)| after.split([',', '\n']).next().unwrap().to_owned());
            match words.as_slice() {
                ["CREATE" | "ALTER", "TABLE", table, ..] => {
                    windows.extend(window.map(|window| ((*table).to_owned(), window)));
                }
                ["RENAME", "TABLE", from, "TO", to] => {
                    let moved = windows.remove(*from).unwrap();
                    windows.insert((*to).to_owned(), moved);
                }
                ["EXCHANGE", "TABLES", one, "AND", other] => {
                    let (first, second) = (windows.remove(*one).unwrap(), windows.remove(*other).unwrap());
                    windows.extend([((*one).to_owned(), second), ((*other).to_owned(), first)]);
                }
                ["DROP", "TABLE", table] => assert!(windows.remove(*table).is_some()),
                _ => {}
            }
        }
        assert!(windows.len() > 15 && windows.values().all(|window| window == "0"), "{windows:?}");
    }

    #[test]
    fn what_is_not_known_to_be_spread_is_refused() {
        for statement in [
            "CREATE TABLE a (b UInt8) ENGINE = MergeTree ORDER BY b",
            "CREATE TABLE a (b UInt8) ENGINE = ReplacingMergeTreeOfAnotherKind ORDER BY b",
            "CREATE MATERIALIZED VIEW a TO b AS SELECT 1",
            "OPTIMIZE TABLE a",
        ] {
            assert!(matches!(cluster().rewrite(statement), Err(ClusterError::Statement(_))), "{statement}");
        }
        for statement in [
            "EXCHANGE TABLES a AND a__next",
            "TRUNCATE TABLE a",
            "DROP TABLE IF EXISTS a SYNC",
            "ALTER TABLE runs MODIFY TTL toDateTime(intDiv(uuid, 100), 'UTC') + INTERVAL 28 DAY",
            "ALTER TABLE runs MODIFY SETTING materialize_ttl_recalculate_only = 1",
            "ALTER TABLE runs MATERIALIZE TTL",
        ] {
            assert_eq!(cluster().rewrite(statement).unwrap(), statement);
        }
    }

    #[test]
    fn the_database_is_one_shard_unless_rows_are_divided() {
        let sql = cluster().create_database("results");
        assert_eq!(
            sql,
            "CREATE DATABASE IF NOT EXISTS `results` ON CLUSTER `tests` \
             ENGINE = Replicated('/clickhouse/databases/results', 'all', '{replica}')"
        );
        let sql = cluster().sharded().create_database("results");
        assert!(sql.ends_with("ENGINE = Replicated('/clickhouse/databases/results', '{shard}', '{replica}')"), "{sql}");
    }
}
