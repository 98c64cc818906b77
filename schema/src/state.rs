//! Test states: what a test did, as sets ordered from worst to best.
//!
//! The nine states of [`NAMES`] say what a test that ran did. The [`NOT_RAN`] behind them say that it did not run, or that
//! nobody knows what it did: they are no failures, never unexpected, and no passes either ([`States::ran`]). The
//! reference's endpoints do not know them ([`States::of_reference`]).

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A set of outcomes of one test in one run, one bit per state, the worst in bit 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct States(u16);

/// The names of the states of a test that ran, worst first; the position is the bit.
pub const NAMES: [&str; 9] = ["CRASH", "TIMEOUT", "IMAGE", "AUDIO", "TEXT", "FAIL", "ERROR", "WARNING", "PASS"];
/// The names of the states of a test that did not run, by the positions after those of [`NAMES`]; the last one stands
/// for every word that is no name.
pub const NOT_RAN: [&str; 3] = ["SKIP", "NOTRUN", "UNKNOWN"];
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

/// Position of `SKIP`, the mildest state: nobody wanted the test to run.
pub const SKIP: u8 = 9;
/// Position of `NOTRUN`: the test was to run and did not.
pub const NOT_RUN: u8 = 10;
/// Position of an outcome that nobody knows.
pub const UNKNOWN: u8 = 11;

/// Bits of the states of a test that ran.
pub const RAN: u16 = (1 << (PASS + 1)) - 1;
const ALL: u16 = (1 << (UNKNOWN + 1)) - 1;
/// Bits of the states that count as failures: CRASH to ERROR.
pub const FAILURES: u16 = (1 << (ERROR + 1)) - 1;
/// Position of `FAIL`, which covers [`IMAGE_AUDIO_TEXT`] where it is expected.
pub const FAIL: u8 = 5;
/// Bits of the states that an expected FAIL covers.
pub const IMAGE_AUDIO_TEXT: u16 = 0b1_1100;
const FAIL_BIT: u16 = 1 << FAIL;
/// Bits of the states of an attempt that was well.
const WELL: u16 = 1 << PASS | 1 << WARNING;

/// One outcome, by its position in [`NAMES`] or, after those, in [`NOT_RAN`]: the smaller, the worse. Stored as that number,
/// answered by its name.
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
    /// Nobody wanted the test to run.
    pub const SKIP: Self = Self(SKIP);
    /// The test was to run and did not.
    pub const NOT_RUN: Self = Self(NOT_RUN);
    /// Nobody knows what the test did.
    pub const UNKNOWN: Self = Self(UNKNOWN);

    /// The state at a position; nobody knows what lies beyond the last.
    pub fn at(position: u8) -> Self {
        Self(position.min(UNKNOWN))
    }

    /// The failing state of a name, in whatever case.
    pub fn failure_of_name(name: &str) -> Option<Self> {
        let failing = &NAMES[..=usize::from(ERROR)];
        failing.iter().position(|known| known.eq_ignore_ascii_case(name)).map(|position| Self(position as u8))
    }

    /// Its position.
    pub fn position(self) -> u8 {
        self.0
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        NAMES.iter().chain(&NOT_RAN).nth(usize::from(self.0)).copied().unwrap_or("UNKNOWN")
    }

    /// Its position as a digit, as windows of timelines and small histories write it; those of a test that did not run are
    /// `s`, `n` and `u`, which sort behind the digits.
    pub fn digit(self) -> char {
        match self {
            Self::SKIP => 's',
            Self::NOT_RUN => 'n',
            Self::UNKNOWN => 'u',
            Self(position) => char::from(b'0' + position),
        }
    }

    /// Whether the test ran.
    pub fn ran(self) -> bool {
        self.0 <= PASS
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
    /// Reads state names separated by spaces. A word that is no name stands for an outcome that nobody knows; no word at all
    /// means PASS.
    pub fn parse(text: &str) -> Self {
        let bits = words(text).fold(0, |bits, word| bits | 1 << position(word).unwrap_or(UNKNOWN));
        Self::from_bits(bits)
    }

    /// From stored bits; none set means PASS.
    pub fn from_bits(bits: u16) -> Self {
        let known = bits & ALL;
        Self(if known == 0 { 1 << PASS } else { known })
    }

    /// Whether the test ran: whether anything is known of what it did.
    pub fn ran(self) -> bool {
        self.0 & RAN != 0
    }

    /// Whether a word was no name of a state.
    pub fn has_unknown(self) -> bool {
        self.0 & 1 << UNKNOWN != 0
    }

    /// What the reference makes of the same words: it drops those that it does not know, and PASS is what is left of none.
    pub fn of_reference(self) -> Self {
        Self::from_bits(self.0 & RAN)
    }

    /// The bits to store.
    pub fn bits(self) -> u16 {
        self.0
    }

    /// Position of the worst state.
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

    /// The worst state outside what was expected; PASS if everything was, and what it is of a test that did not run. An
    /// expected FAIL covers TEXT, AUDIO and IMAGE.
    pub fn worst_unexpected(self, expected: Self) -> u8 {
        if !self.ran() {
            return self.worst();
        }
        let covered = if expected.0 & FAIL_BIT != 0 { expected.0 | IMAGE_AUDIO_TEXT } else { expected.0 };
        Self::from_bits(self.0 & RAN & !covered).worst()
    }
}

/// The words of a text of states.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(' ').filter(|word| !word.is_empty())
}

/// The position of a name; names are in upper case.
fn position(word: &str) -> Option<u8> {
    let known = NAMES.iter().chain(&NOT_RAN[..2]);
    (0..).zip(known).find(|(_, name)| **name == word).map(|(position, _)| position)
}

/// The names that an upload may use.
pub fn known_names() -> impl Iterator<Item = &'static str> {
    NAMES.into_iter().chain([NOT_RAN[0], NOT_RAN[1]])
}

/// The first word of a text of states that is no name.
pub fn first_unknown(text: &str) -> Option<&str> {
    words(text).find(|word| position(word).is_none())
}

impl fmt::Display for States {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for (position, name) in NAMES.iter().chain(&NOT_RAN).enumerate() {
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
    fn the_reference_shows_worst_first_without_unknown_words() {
        let shown = |text| States::parse(text).of_reference().to_string();
        assert_eq!(shown("PASS TEXT bogus TEXT"), "TEXT PASS");
        assert_eq!(shown("pass"), "PASS");
        assert_eq!(shown(""), "PASS");
        assert_eq!(shown("SKIP"), "PASS");
    }

    #[test]
    fn what_did_not_run_is_neither_a_pass_nor_a_failure() {
        let pass = States::parse("PASS");
        for (text, state, digit) in [
            ("SKIP", State::SKIP, 's'),
            ("NOTRUN", State::NOT_RUN, 'n'),
            ("FAILED", State::UNKNOWN, 'u'),
            ("fail bogus", State::UNKNOWN, 'u'),
            ("SKIP bogus", State::SKIP, 's'),
            ("UNKNOWN", State::UNKNOWN, 'u'),
        ] {
            let states = States::parse(text);
            assert!(!states.ran() && states != pass && !state.is_failure() && state > State::PASS, "{text}");
            assert_eq!((states.worst_state(), states.unexpected_state(pass), state.digit()), (state, state, digit));
            assert_eq!(State::at(state.position()), state);
        }
        assert_eq!(States::parse("bogus SKIP").to_string(), "SKIP UNKNOWN");
        for text in ["PASS SKIP", "PASS bogus", "", " ", "WARNING"] {
            assert!(States::parse(text).ran(), "{text}");
        }
    }

    #[test]
    fn unknown_words_do_not_change_what_is_unexpected() {
        let pass = States::parse("PASS");
        for (text, state) in [("TEXT bogus", State::at(4)), ("PASS bogus", State::PASS), ("PASS SKIP", State::PASS)] {
            assert_eq!(States::parse(text).unexpected_state(pass), state, "{text}");
        }
        assert_eq!(States::parse("TEXT").unexpected_state(States::parse("TEXT bogus")), State::PASS);
        assert_eq!(States::parse("TEXT").unexpected_state(States::parse("bogus")), State::at(4));
    }

    #[test]
    fn the_first_word_that_is_no_name_is_found() {
        assert_eq!(first_unknown("PASS  FAILED fail"), Some("FAILED"));
        assert_eq!(first_unknown("PASS SKIP NOTRUN CRASH"), None);
        assert_eq!(first_unknown("UNKNOWN"), Some("UNKNOWN"));
        assert!(known_names().all(|name| first_unknown(name).is_none()));
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
        fn texts_and_bits_round_trip(bits in 0u16..4096) {
            let states = States::from_bits(bits);
            prop_assert_eq!(States::parse(&states.to_string()), states);
            prop_assert_eq!(states.of_reference().bits() & !RAN, 0);
            prop_assert_eq!(states.ran(), states.worst_state().ran());
        }
    }
}
