//! Where a log keeps what it has.

use std::path::Path;

use fjall::{Database, Keyspace, KeyspaceCreateOptions};

/// Records that are kept in memory before they are written as a table; the journal has them meanwhile. Readers are close
/// behind the writer, so that more would be of no use.
const MEMTABLE_BYTES: u64 = 16 << 20;

/// The database of a log.
pub(super) struct Keyspaces {
    pub(super) database: Database,
    /// Topic → its description.
    pub(super) topics: Keyspace,
    /// Topic, partition and offset → the record.
    pub(super) records: Keyspace,
    /// Group, topic and partition → the next offset.
    pub(super) offsets: Keyspace,
}

impl Keyspaces {
    /// Opens the database in a folder, which is made where it is missing.
    pub(super) fn open(directory: &Path) -> fjall::Result<Self> {
        let database = Database::builder(directory).open()?;
        let options = || KeyspaceCreateOptions::default().max_memtable_size(MEMTABLE_BYTES);
        let (topics, records) = (database.keyspace("topics", options)?, database.keyspace("records", options)?);
        let offsets = database.keyspace("offsets", options)?;
        Ok(Self { database, topics, records, offsets })
    }
}
