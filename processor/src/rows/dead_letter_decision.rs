//! The row of a decision about a dead letter: the letter itself with another state.

use schema::event::{DeadLetterDecision, Decision};
use schema::store::rows::{DeadLetterRow, DeadLetterState};
use serde_json::value::RawValue;

/// The row of a letter that somebody decided about; `payload` follows the event's header, `version` is the time half of
/// the event's id.
///
/// Of two decisions the later one counts. The letter itself has version 0, so that it does not take the decision back when
/// its event is delivered again.
pub(super) fn row(decision: DeadLetterDecision, payload: &RawValue, version: u64) -> DeadLetterRow {
    let DeadLetterDecision { partition, offset, found_at, cause, key, decision } = decision;
    let state = match decision {
        Decision::Replayed => DeadLetterState::Replayed,
        Decision::Discarded => DeadLetterState::Discarded,
    };
    // The intake writes no other payload; the decision counts even if this is not the bytes of an event.
    let event = DeadLetterDecision::event(payload).unwrap_or_default();
    DeadLetterRow { partition, offset, found_at, cause, key, event, state: state.name().to_owned(), version }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_row_is_the_letter_with_another_state() {
        for (decision, state) in [(Decision::Replayed, "replayed"), (Decision::Discarded, "discarded")] {
            let event = b"\x07garbage \xff";
            let payload = RawValue::from_string(DeadLetterDecision::payload(event)).unwrap();
            let given = DeadLetterDecision {
                partition: 3,
                offset: 7,
                found_at: 1_700_000_000,
                cause: "the event has format 7".to_owned(),
                key: vec![0, 255],
                decision,
            };
            let expected = DeadLetterRow {
                partition: 3,
                offset: 7,
                found_at: 1_700_000_000,
                cause: "the event has format 7".to_owned(),
                key: vec![0, 255],
                event: event.to_vec(),
                state: state.to_owned(),
                version: 99,
            };
            assert_eq!(row(given, &payload, 99), expected);
        }
    }
}
