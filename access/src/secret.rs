//! The text of a key: `rdb_`, a letter for its kind, `_`, 43 characters that hold 256 random bits, and 6 that are the CRC-32 of
//! everything before them, both in base 62.
//!
//! The prefix and the check let scanners of secrets know a key that stands where it should not, without asking anybody
//! (the same as the tokens of GitHub, github.blog, 5 April 2021).

use sha2::{Digest as _, Sha256};

/// Digits of base 62.
const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const PREFIX: &str = "rdb_";
/// Digits of 256 bits, and of 32.
const RANDOM_DIGITS: usize = 43;
const CHECK_DIGITS: usize = 6;
/// Bytes of a whole key.
const LENGTH: usize = PREFIX.len() + 2 + RANDOM_DIGITS + CHECK_DIGITS;
/// Hexadecimal digits of a digest by which people name the key.
const ID_DIGITS: usize = 12;

/// What a key is mostly for, by the letter in its text. What it allows its scopes say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It changes keys and dead letters.
    Admin,
    /// It uploads, or links bugs.
    Upload,
    /// It only reads.
    Read,
}

impl Kind {
    fn letter(self) -> char {
        match self {
            Self::Admin => 'a',
            Self::Upload => 'u',
            Self::Read => 'r',
        }
    }
}

/// Why a text is no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// It has another form.
    #[error("it does not have the form of a key: rdb_, a letter, _ and 49 letters and digits")]
    Form,
    /// Its check is wrong.
    #[error("its last six characters do not fit the others: it was cut or mistyped")]
    Check,
    /// The system gives no random bytes.
    #[error("the system gives no random bytes: {0}")]
    NoRandomness(getrandom::Error),
}

/// The text of a key. It is shown once, to whoever makes it, and is nowhere stored.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// A key that nobody has.
    ///
    /// # Errors
    /// The system gives no random bytes.
    pub fn generate(kind: Kind) -> Result<Self, SecretError> {
        let mut random = [0; 32];
        getrandom::fill(&mut random).map_err(SecretError::NoRandomness)?;
        Ok(Self::of(kind, random))
    }

    fn of(kind: Kind, random: [u8; 32]) -> Self {
        let mut text = format!("{PREFIX}{}_{}", kind.letter(), base_62(random));
        text.push_str(&check(&text));
        Self(text)
    }

    /// Reads the text of a key.
    ///
    /// # Errors
    /// It does not have the form of one, or a wrong check.
    pub fn parse(text: &str) -> Result<Self, SecretError> {
        let rest = text.strip_prefix(PREFIX).ok_or(SecretError::Form)?.as_bytes();
        let (digits, before) = rest.get(2..).zip(rest.get(..2)).ok_or(SecretError::Form)?;
        let has_form = text.len() == LENGTH && before[0].is_ascii_lowercase() && before[1] == b'_';
        if !has_form || !digits.iter().all(u8::is_ascii_alphanumeric) {
            return Err(SecretError::Form);
        }
        let (start, given) = text.split_at(LENGTH - CHECK_DIGITS);
        if check(start) != given { Err(SecretError::Check) } else { Ok(Self(text.to_owned())) }
    }

    /// Whether a text begins as every key does.
    pub fn is_prefixed(text: &str) -> bool {
        text.starts_with(PREFIX)
    }

    /// The text itself, for the one who made the key.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What is stored of the key.
    pub fn digest(&self) -> Digest {
        Digest(Sha256::digest(self.0.as_bytes()).into())
    }
}

/// A key is never written to a log by mistake.
impl std::fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Secret(…)")
    }
}

/// A SHA-256, written in hexadecimal digits: of a key, of which it is all that is stored. Keys hold 256 random bits, so that no
/// slow hash is needed: there is no list to try.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest(pub(crate) [u8; 32]);

impl Digest {
    /// Reads 64 hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        if text.len() != 64 || !text.is_ascii() {
            return None;
        }
        for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
        }
        Some(Self(bytes))
    }

    /// The beginning, by which people name the key.
    pub fn id(&self) -> String {
        let mut id = self.to_string();
        id.truncate(ID_DIGITS);
        id
    }
}

impl std::fmt::Display for Digest {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

/// The check of a text: its CRC-32 (the one of gzip) in six digits.
fn check(text: &str) -> String {
    let mut rest = crc32fast::hash(text.as_bytes());
    let mut digits = [0; CHECK_DIGITS];
    for digit in digits.iter_mut().rev() {
        *digit = DIGITS[(rest % 62) as usize];
        rest /= 62;
    }
    digits.iter().map(|digit| char::from(*digit)).collect()
}

/// A number of 256 bits in base 62, the most significant digit first.
fn base_62(mut number: [u8; 32]) -> String {
    let mut digits = [0; RANDOM_DIGITS];
    for digit in digits.iter_mut().rev() {
        let mut rest = 0;
        for byte in &mut number {
            let value = rest << 8 | u32::from(*byte);
            (*byte, rest) = ((value / 62) as u8, value % 62);
        }
        *digit = DIGITS[rest as usize];
    }
    digits.iter().map(|digit| char::from(*digit)).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_key_has_the_form_that_scanners_look_for() {
        let secret = Secret::generate(Kind::Upload).unwrap();
        let text = secret.expose();
        assert!(text.starts_with("rdb_u_") && text.len() == 55, "{text}");
        assert_ne!(secret, Secret::generate(Kind::Upload).unwrap());
        assert_eq!(format!("{secret:?}"), "Secret(…)");
        // 0 and 2^256 - 1; the latter by Python's `divmod`, the checks by its zlib.
        assert_eq!(base_62([0; 32]), "0".repeat(43));
        assert_eq!(base_62([255; 32]), "yhjskwdA6OZ1AL1YmHWZWm8LLG7HjnuCA2j5rOw8Xp1");
        assert_eq!(check("rdb_u_"), check_by_definition("rdb_u_"));
    }

    fn check_by_definition(text: &str) -> String {
        let mut crc = u32::MAX;
        for byte in text.bytes() {
            crc ^= u32::from(byte);
            for _ in 0..8 {
                crc = if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 };
            }
        }
        let (mut rest, mut digits) = (!crc, Vec::new());
        for _ in 0..6 {
            digits.push(char::from(DIGITS[(rest % 62) as usize]));
            rest /= 62;
        }
        digits.iter().rev().collect()
    }

    proptest! {
        #[test]
        fn every_key_reads_back_and_no_other_text_is_one(random in any::<[u8; 32]>(), place in 0..55usize, other in 0..62usize) {
            let secret = Secret::of(Kind::Read, random);
            prop_assert_eq!(Secret::parse(secret.expose()).unwrap().digest(), secret.digest());
            prop_assert_eq!(Digest::parse(&secret.digest().to_string()), Some(secret.digest()));
            let mut changed = secret.expose().as_bytes().to_vec();
            changed[place] = DIGITS[other];
            let changed = String::from_utf8(changed).unwrap();
            prop_assert_eq!(Secret::parse(&changed).is_ok(), changed == secret.expose());
            prop_assert_eq!(Secret::parse(&secret.expose()[..place]), Err(SecretError::Form));
        }

        #[test]
        fn nothing_panics(text in "\\PC{0,80}") {
            let _ = (Secret::parse(&text), Secret::parse(&format!("rdb_{text}")), Digest::parse(&text));
        }
    }
}
