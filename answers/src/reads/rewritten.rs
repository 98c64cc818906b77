//! Rows that the engine is given as text and writes in another format. No table is asked.

use bytes::Bytes;
use clickhouse::error::Result;

use crate::store::Store;

/// Most bytes of a statement without its rows and their structure.
const STATEMENT_BYTES: usize = 64 << 10;

/// Rows of this structure, a line of a JSON array each, in a format of the engine.
pub(crate) async fn rows(store: &Store, structure: &str, lines: &str, format: &str) -> Result<Bytes> {
    let query = if lines.is_empty() {
        // There is no text to read.
        store.client.query("SELECT * FROM null(?)").bind(structure)
    } else {
        store.client.query("SELECT * FROM format(JSONCompactEachRow, ?, ?)").bind(structure).bind(lines)
    };
    // Whatever is escaped takes two bytes.
    let most = 2 * (structure.len() + lines.len()) + STATEMENT_BYTES;
    query.with_setting("max_query_size", most.to_string()).fetch_bytes(format)?.collect().await
}
