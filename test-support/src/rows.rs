//! Rows written without a log, as the processor writes them.

use clickhouse::Client;
pub use processor::rows::EventRows;
use schema::event::Event;
use schema::outcomes::roster::RosterId;
use schema::store::rows::{DeadLetterRow, DeadLetterState};

use crate::Task;

/// The rows of events at offsets from 1 on.
pub fn of(events: impl IntoIterator<Item = Event>) -> EventRows {
    let mut rows = EventRows::default();
    for (event, offset) in events.into_iter().zip(1..) {
        rows.add(event, offset);
    }
    rows
}

/// What an earlier version, which did not know the outcomes of whole runs, would have stored: results are read test by test.
pub fn without_outcomes(mut rows: EventRows) -> EventRows {
    rows.rosters.clear();
    for run in &mut rows.runs {
        run.roster = RosterId::NONE;
        run.surprises.clear();
        run.messages.clear();
    }
    rows
}

/// A dead letter of an event that cannot be read, found at a time, seconds since 1970.
pub fn damaged_letter(offset: u64, found_at: i64) -> DeadLetterRow {
    DeadLetterRow {
        partition: 0,
        offset,
        found_at: found_at as u32,
        cause: "the event is damaged: <cause>".into(),
        key: b"key".to_vec(),
        event: b"\x01no frame".to_vec(),
        state: DeadLetterState::Waiting.name().into(),
        version: 0,
    }
}

/// Inserts rows into every view that has some.
pub fn write<'a>(client: &'a Client, rows: &'a EventRows) -> Task<'a, ()> {
    Box::pin(async { processor::write(client, rows).await.unwrap() })
}
