//! What somebody decides about an event that could not be processed.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// By what a dead letter is named: `<partition>-<offset>` of its event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeadLetterId {
    /// Partition of the event.
    pub partition: u32,
    /// Offset of the event.
    pub offset: u64,
}

/// A text that names no dead letter.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("'{0}' is no <partition>-<offset>")]
pub struct NotADeadLetterId(String);

impl fmt::Display for DeadLetterId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}-{}", self.partition, self.offset)
    }
}

impl FromStr for DeadLetterId {
    type Err = NotADeadLetterId;

    fn from_str(text: &str) -> Result<Self, NotADeadLetterId> {
        let parts = || {
            let (partition, offset) = text.split_once('-')?;
            Some(Self { partition: partition.parse().ok()?, offset: offset.parse().ok()? })
        };
        parts().ok_or_else(|| NotADeadLetterId(text.to_owned()))
    }
}

/// A decision about one dead letter. It repeats what is known of the letter, so that the letter's row is made from this
/// event alone; when it was made is the header's `received_at`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetterDecision {
    /// Partition of the event that could not be processed.
    pub partition: u32,
    /// Offset of that event.
    pub offset: u64,
    /// When that event was appended, seconds since the Unix epoch.
    pub found_at: u32,
    /// Why it could not be processed.
    pub cause: String,
    /// The key that it was appended with; hexadecimal digits in JSON.
    #[serde(with = "hexadecimal")]
    pub key: Vec<u8>,
    /// What is done about it.
    pub decision: Decision,
}

/// What is done about a dead letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// The event was appended once more.
    Replayed,
    /// The event is given up.
    Discarded,
}

impl DeadLetterDecision {
    /// What follows the header of a decision: the bytes of the event that could not be processed, as a JSON text of
    /// hexadecimal digits. They may be as large as an event can be, so they take the way of an upload's results.
    pub fn payload(event: &[u8]) -> String {
        format!("\"{}\"", hexadecimal::encode(event))
    }

    /// Reads what [`Self::payload`] wrote; none if it is anything else.
    pub fn event(payload: &RawValue) -> Option<Vec<u8>> {
        hexadecimal::decode(payload.get().strip_prefix('"')?.strip_suffix('"')?)
    }
}

/// Bytes as hexadecimal digits: the event's compression takes the doubling back.
mod hexadecimal {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    const DIGITS: &[u8; 16] = b"0123456789abcdef";

    pub(super) fn encode(bytes: &[u8]) -> String {
        let digit = |half: u8| char::from(DIGITS[usize::from(half & 15)]);
        bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(*byte)]).collect()
    }

    pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
        let digit = |digit: &u8| char::from(*digit).to_digit(16);
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        let bytes = pairs.iter().map(|[high, low]| Some((digit(high)? << 4 | digit(low)?) as u8));
        rest.is_empty().then(|| bytes.collect())?
    }

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(deserializer)?;
        decode(&text).ok_or_else(|| D::Error::custom("bytes must be pairs of hexadecimal digits"))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_bytes_come_back(event in proptest::collection::vec(any::<u8>(), 0..200)) {
            let payload = RawValue::from_string(DeadLetterDecision::payload(&event)).unwrap();
            prop_assert_eq!(DeadLetterDecision::event(&payload), Some(event));
        }

        #[test]
        fn anything_else_is_no_event(text in any::<String>()) {
            let payload = RawValue::from_string(serde_json::to_string(&text).unwrap()).unwrap();
            let is_hexadecimal = text.len() % 2 == 0 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
            prop_assert_eq!(DeadLetterDecision::event(&payload).is_some(), is_hexadecimal);
        }
    }

    #[test]
    fn odd_and_foreign_digits_are_refused() {
        for text in ["null", "\"a\"", "\"0g\"", "\"é\"", "7", "[]"] {
            let payload = RawValue::from_string(text.to_owned()).unwrap();
            assert_eq!(DeadLetterDecision::event(&payload), None, "{text}");
        }
    }

    #[test]
    fn a_key_that_is_no_text_comes_back() {
        let decision = DeadLetterDecision {
            partition: 3,
            offset: 7,
            found_at: 1_700_000_000,
            cause: "the event is damaged".to_owned(),
            key: vec![0, 255, 10],
            decision: Decision::Replayed,
        };
        let json = serde_json::to_string(&decision).unwrap();
        assert!(json.contains(r#""key":"00ff0a","decision":"replayed""#), "{json}");
        assert_eq!(serde_json::from_str::<DeadLetterDecision>(&json).unwrap(), decision);
        assert!(serde_json::from_str::<DeadLetterDecision>(&json.replace("00ff0a", "00f")).is_err());
    }
}
