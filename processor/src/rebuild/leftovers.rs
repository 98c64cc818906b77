//! What rebuilds left in the store: those that were broken off, and the tables that one replaced.

use clickhouse::error::Result;
use schema::store::{StoreAddress, next_generation};

use super::database::{Database, previous};
use super::generation::is_held;
use super::views::VIEWS;

/// What rebuilds left in the store.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Leftovers {
    /// Whether new watermarks are held, so that new uploads are not shown.
    pub is_held: bool,
    /// Whether one was begun that has not ended.
    pub is_unfinished: bool,
    /// Views with a table that was to take their place.
    pub next: Vec<&'static str>,
    /// Views with a table that a rebuild replaced.
    pub previous: Vec<&'static str>,
    /// Bytes on disk of all these tables, on the server that is asked.
    pub bytes: u64,
}

/// Looks for what rebuilds left; changes nothing.
///
/// # Errors
/// The store refused, or could not be reached.
pub async fn leftovers(store: &StoreAddress) -> Result<Leftovers> {
    let database = Database::at(store);
    let sql = "SELECT name, toUInt64(ifNull(total_bytes, 0)) FROM system.tables WHERE database = currentDatabase()";
    let tables: Vec<(String, u64)> = database.tables.query(sql).fetch_all().await?;
    let size = |table: &str| tables.iter().find(|(name, _)| name == table).map(|(_, bytes)| *bytes);
    let mut found = Leftovers { is_held: is_held(&database).await?, ..Leftovers::default() };
    for view in VIEWS {
        if let Some(bytes) = size(&next_generation(view)) {
            found.next.push(view);
            found.bytes += bytes;
        }
        if let Some(bytes) = size(&previous(view)) {
            found.previous.push(view);
            found.bytes += bytes;
        }
    }
    let begun: u64 = database.rows.query("SELECT count() FROM rebuild_progress").fetch_one().await?;
    found.is_unfinished = begun > 0;
    Ok(found)
}
