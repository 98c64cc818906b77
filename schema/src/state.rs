//! Test states: what a test did, as sets ordered from worst to best.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A set of outcomes of one test in one run, one bit per state, the worst in bit 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct States(u16);

/// The names of the states, worst first; the position is the bit.
pub const NAMES: [&str; 9] = ["CRASH", "TIMEOUT", "IMAGE", "AUDIO", "TEXT", "FAIL", "ERROR", "WARNING", "PASS"];
/// Position of `CRASH`.
pub const CRASH: u8 = 0;
/// Position of `TIMEOUT`.
pub const TIMEOUT: u8 = 1;
/// Position of `ERROR`, the mildest state that counts as a failure.
pub const ERROR: u8 = 6;
/// Position of `WARNING`.
pub const WARNING: u8 = 7;
/// Position of `PASS`.
pub const PASS: u8 = 8;

/// Bits of the states that count as failures: CRASH to ERROR.
pub const FAILURES: u16 = (1 << (ERROR + 1)) - 1;
/// Position of `FAIL`, which covers [`IMAGE_AUDIO_TEXT`] where it is expected.
pub const FAIL: u8 = 5;
/// Bits of the states that an expected FAIL covers.
pub const IMAGE_AUDIO_TEXT: u16 = 0b1_1100;
const FAIL_BIT: u16 = 1 << FAIL;
/// Bits of the states of an attempt that was well.
const WELL: u16 = 1 << PASS | 1 << WARNING;

/// One outcome, by its position in [`NAMES`]: the smaller, the worse. Stored as that number, answered by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct State(u8);

impl State {
    /// The process died.
    pub const CRASH: Self = Self(CRASH);
    /// The test took too long.
    pub const TIMEOUT: Self = Self(TIMEOUT);
    /// The mildest failure.
    pub const ERROR: Self = Self(ERROR);
    /// Something is odd, but no failure.
    pub const WARNING: Self = Self(WARNING);
    /// All is well.
    pub const PASS: Self = Self(PASS);

    /// The state at a position; what lies beyond the last is PASS.
    pub fn at(position: u8) -> Self {
        Self(position.min(PASS))
    }

    /// The failing state of a name, in whatever case.
    pub fn failure_of_name(name: &str) -> Option<Self> {
        let failing = &NAMES[..=usize::from(ERROR)];
        failing.iter().position(|known| known.eq_ignore_ascii_case(name)).map(|position| Self(position as u8))
    }

    /// Its position in [`NAMES`].
    pub fn position(self) -> u8 {
        self.0
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        NAMES.get(usize::from(self.0)).copied().unwrap_or("PASS")
    }

    /// Its position as a digit, as windows of timelines and small histories write it.
    pub fn digit(self) -> char {
        char::from(b'0' + self.0)
    }

    /// Whether it counts as a failure.
    pub fn is_failure(self) -> bool {
        self.0 <= ERROR
    }

    /// Every state that counts as a failure, the worst first.
    pub fn failures() -> impl Iterator<Item = Self> {
        (CRASH..=ERROR).map(Self)
    }
}

impl Serialize for State {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for State {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        u8::deserialize(deserializer).map(Self::at)
    }
}

impl States {
    /// Reads state names separated by spaces. Unknown words are dropped; nothing left means PASS.
    pub fn parse(text: &str) -> Self {
        let bits = text
            .split(' ')
            .filter_map(|word| NAMES.iter().position(|name| *name == word))
            .fold(0, |bits, position| bits | 1 << position);
        Self::from_bits(bits)
    }

    /// From stored bits; none set means PASS.
    pub fn from_bits(bits: u16) -> Self {
        let known = bits & 0x1ff;
        Self(if known == 0 { 1 << PASS } else { known })
    }

    /// The bits to store.
    pub fn bits(self) -> u16 {
        self.0
    }

    /// Position of the worst state in [`NAMES`].
    pub fn worst(self) -> u8 {
        self.0.trailing_zeros() as u8
    }

    /// The worst state.
    pub fn worst_state(self) -> State {
        State(self.worst())
    }

    /// Whether an attempt was well.
    pub fn has_passed(self) -> bool {
        self.0 & WELL != 0
    }

    /// Whether the test passed although it was expected to fail.
    pub fn is_surprising_pass(self, expected: Self) -> bool {
        self.0 & FAILURES == 0 && self.has_passed() && !expected.has_passed() && expected.0 & FAILURES != 0
    }

    /// The worst state outside what was expected, as a [`State`].
    pub fn unexpected_state(self, expected: Self) -> State {
        State(self.worst_unexpected(expected))
    }

    /// The worst state outside what was expected; PASS if everything was. An expected FAIL covers
    /// TEXT, AUDIO and IMAGE.
    pub fn worst_unexpected(self, expected: Self) -> u8 {
        let covered = if expected.0 & FAIL_BIT != 0 { expected.0 | IMAGE_AUDIO_TEXT } else { expected.0 };
        Self::from_bits(self.0 & !covered).worst()
    }
}

impl fmt::Display for States {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for (position, name) in NAMES.iter().enumerate() {
            if self.0 & 1 << position != 0 {
                write!(formatter, "{separator}{name}")?;
                separator = " ";
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn shows_worst_first_without_unknown_words() {
        assert_eq!(States::parse("PASS TEXT bogus TEXT").to_string(), "TEXT PASS");
        assert_eq!(States::parse("pass").to_string(), "PASS");
        assert_eq!(States::parse("").to_string(), "PASS");
    }

    #[test]
    fn expected_fail_covers_text_audio_and_image_only() {
        let fail = States::parse("FAIL");
        for covered in ["FAIL", "TEXT", "AUDIO", "IMAGE"] {
            assert_eq!(States::parse(covered).worst_unexpected(fail), PASS, "{covered}");
        }
        assert_eq!(States::parse("CRASH").worst_unexpected(fail), CRASH);
        assert_eq!(States::parse("TIMEOUT").worst_unexpected(fail), TIMEOUT);
    }

    #[test]
    fn a_pass_is_surprising_where_only_failures_were_expected() {
        let is_surprising = |actual, expected| States::parse(actual).is_surprising_pass(States::parse(expected));
        assert!(is_surprising("PASS", "TEXT") && is_surprising("PASS WARNING", "CRASH TIMEOUT"));
        assert!(
            !is_surprising("PASS", "PASS")
                && !is_surprising("PASS", "TEXT PASS")
                && !is_surprising("TEXT PASS", "TEXT")
        );
        assert!(!is_surprising("TEXT", "CRASH") && !is_surprising("PASS", "WARNING"));
    }

    proptest! {
        #[test]
        fn texts_and_bits_round_trip(bits in 0u16..512) {
            let states = States::from_bits(bits);
            prop_assert_eq!(States::parse(&states.to_string()), states);
        }
    }
}
