//! Dead letters: events that could not be decoded, or that the store refuses for good.
//!
//! Each becomes a message of the dead-letter topic, durably, before its offset moves, and a row that pages show. A consumer
//! that fails at most of what it reads stops, because a bad deployment must not drain the log into dead letters.

use std::collections::VecDeque;

use bytes::Bytes;
use eventlog::{Consumer, EventLog, LogError, Record};
use schema::store::rows::{DeadLetterRow, DeadLetterState};
use schema::{DEAD_LETTER_TOPIC, EVENTS_TOPIC};

use crate::retry::Retry;

/// Number of events that are remembered.
const REMEMBERED_EVENTS: usize = 1000;
/// Up to this number, dead letters say nothing about a deployment.
const TOLERATED_LETTERS: usize = 20;

/// Which of the last events could not be processed: true for a dead letter, oldest first.
#[derive(Debug, Default)]
pub(crate) struct DeadLetterLimit(VecDeque<bool>);

impl DeadLetterLimit {
    /// Remembers a batch. Returns the number of dead letters and of all remembered events if more than half are dead.
    pub(crate) fn exceeded(&mut self, dead: usize, alive: usize) -> Option<(usize, usize)> {
        self.0.extend(std::iter::repeat_n(true, dead).chain(std::iter::repeat_n(false, alive)));
        let forgotten = self.0.len().saturating_sub(REMEMBERED_EVENTS);
        self.0.drain(..forgotten);
        let (dead, of) = (self.0.iter().filter(|dead| **dead).count(), self.0.len());
        (dead > TOLERATED_LETTERS && dead * 2 > of).then_some((dead, of))
    }
}

/// The row of an event that could not be processed.
pub(crate) fn row(record: &Record, cause: String) -> DeadLetterRow {
    DeadLetterRow {
        partition: record.position.partition,
        offset: record.position.offset,
        found_at: u32::try_from(record.timestamp_ms / 1000).unwrap_or_default(),
        cause,
        key: record.key.to_vec(),
        event: record.value.to_vec(),
        state: DeadLetterState::Waiting.name().to_owned(),
        version: 0,
    }
}

/// Appends a letter to the dead-letter topic; a log that is away is waited for. False if the task is to stop.
pub(crate) async fn append(
    log: &dyn EventLog,
    letter: &DeadLetterRow,
    retry: &mut Retry,
    consumer: &mut dyn Consumer,
) -> Result<bool, LogError> {
    metrics::counter!("resultsdb_dead_letters_total").increment(1);
    tracing::error!(cause = letter.cause, partition = letter.partition, offset = letter.offset, "dead letter");
    let message = message(letter);
    while let Err(error) = log.append(DEAD_LETTER_TOPIC, b"", message.clone()).await {
        if !retry.wait_for_log(error, consumer).await? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The message of a letter: a line of JSON that says where the event stood and what is wrong with it, then the bytes of
/// the event as they stood in the log.
fn message(letter: &DeadLetterRow) -> Bytes {
    let head = serde_json::json!({
        "topic": EVENTS_TOPIC, "partition": letter.partition, "offset": letter.offset, "cause": letter.cause,
    });
    let mut message = head.to_string().into_bytes();
    message.push(b'\n');
    message.extend_from_slice(&letter.event);
    message.into()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_few_bad_events_stop_nothing_and_a_majority_does() {
        let mut limit = DeadLetterLimit::default();
        assert_eq!(limit.exceeded(TOLERATED_LETTERS, 0), None);
        assert_eq!(limit.exceeded(1, 0), Some((21, 21)));
        let mut limit = DeadLetterLimit::default();
        assert_eq!(limit.exceeded(0, 100), None);
        assert_eq!(limit.exceeded(100, 0), None);
        assert_eq!(limit.exceeded(1, 0), Some((101, 201)));
        for _ in 0..100 {
            assert_eq!(DeadLetterLimit::default().exceeded(1, 10), None);
        }
        // Old events are forgotten.
        assert_eq!(limit.exceeded(0, REMEMBERED_EVENTS), None);
        assert_eq!(limit.exceeded(0, 0), None);
    }

    #[test]
    fn the_message_of_a_letter_is_a_line_of_json_and_the_bytes_of_the_event() {
        let record = Record {
            position: eventlog::Position { partition: 3, offset: 7 },
            timestamp_ms: 1_700_000_000_999,
            key: Bytes::from_static(b"key"),
            value: Bytes::from_static(b"\x07\n\xff"),
        };
        let letter = row(&record, "it is \"bad\"".to_owned());
        assert_eq!((letter.found_at, letter.state.as_str(), letter.version), (1_700_000_000, "waiting", 0));
        let message = message(&letter);
        let end = message.iter().position(|byte| *byte == b'\n').unwrap();
        let head: serde_json::Value = serde_json::from_slice(&message[..end]).unwrap();
        let cause = "it is \"bad\"";
        assert_eq!(head, serde_json::json!({"topic": EVENTS_TOPIC, "partition": 3, "offset": 7, "cause": cause}));
        assert_eq!(message[end + 1..], *b"\x07\n\xff");
    }
}
