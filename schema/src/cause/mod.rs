//! What failures have in common: the message of each, made a pattern in which whatever differs from one time to the next is
//! a `*`. Failures with one pattern have one cause.
//!
//! Data flow: the log of a failing test → the one message that says why ([`primary::primary`]) → its pattern
//! ([`Pattern::of`]). Both are pure and follow from the log alone. Together they are the rule, whose version ([`RULE`]) is
//! stored with what it made: another rule groups anew beside the old one, and never mixes with it. What a suite masks
//! beyond that is applied to patterns when they are read.

mod mask;
pub mod primary;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The version of the rule. Whoever changes what [`primary::primary`] or [`Pattern::of`] answer for any log makes it one more.
pub const RULE: u16 = 1;

/// Name of a cause: the first 16 bytes of the BLAKE3 digest of its pattern; 32 hexadecimal digits for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CauseId(pub u128);

impl CauseId {
    /// The name of the cause with a pattern.
    pub fn of(pattern: &str) -> Self {
        let digest = blake3::hash(pattern.as_bytes());
        let (first, _) = digest.as_bytes().as_chunks::<16>();
        Self(first.first().map_or(0, |first| u128::from_be_bytes(*first)))
    }
}

impl fmt::Display for CauseId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:032x}", self.0)
    }
}

/// A text that names no cause.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' names no cause: a cause has 32 hexadecimal digits")]
pub struct NoCause(String);

impl FromStr for CauseId {
    type Err = NoCause;

    fn from_str(text: &str) -> Result<Self, NoCause> {
        let is_name = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let id = is_name.then(|| u128::from_str_radix(text, 16).ok()).flatten();
        id.map(Self).ok_or_else(|| NoCause(text.chars().take(40).collect()))
    }
}

/// What the messages of one cause have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    /// Its name.
    pub id: CauseId,
    /// A message in which each `*` stands for what differs. Never empty, and never longer than the message.
    pub text: String,
}

impl Pattern {
    /// The pattern of a message; none if the message says nothing. The time is linear in the message's length.
    pub fn of(message: &str) -> Option<Self> {
        Self::new(mask::masked(message))
    }

    /// The pattern with this text, which was changed otherwise; none if it is empty.
    pub fn new(text: String) -> Option<Self> {
        (!text.is_empty()).then(|| Self { id: CauseId::of(&text), text })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_has_a_name_of_its_own() {
        let one = Pattern::of("took 31 ms").unwrap();
        assert_eq!((one.text.as_str(), one.id), ("took * ms", Pattern::of("took 4 ms").unwrap().id));
        assert_ne!(one.id, Pattern::of("took 4 s").unwrap().id);
        assert_eq!(one.id.to_string().parse(), Ok(one.id));
        for wrong in ["", "7", "+0000000000000000000000000000000", "00000000000000000000000000000000 "] {
            assert!(wrong.parse::<CauseId>().is_err(), "{wrong}");
        }
    }
}
