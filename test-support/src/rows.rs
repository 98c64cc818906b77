//! Rows written without a log, as the processor writes them.

use clickhouse::Client;
pub use processor::rows::EventRows;
use schema::event::Event;

/// The rows of events at offsets from 1 on.
pub fn of(events: impl IntoIterator<Item = Event>) -> EventRows {
    let mut rows = EventRows::default();
    for (event, offset) in events.into_iter().zip(1..) {
        rows.add(event, offset);
    }
    rows
}

/// Inserts rows into every view that has some.
pub async fn write(client: &Client, rows: &EventRows) {
    processor::write(client, rows).await.unwrap();
}
