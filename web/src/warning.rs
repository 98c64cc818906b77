//! What an answer cannot say itself, as a header that the commands print: one sentence in ASCII.

use axum::http::{HeaderName, HeaderValue};

/// The header.
pub const WARNING: HeaderName = HeaderName::from_static("resultsdb-warning");
/// The longest warning in a header, characters.
const MAX_CHARACTERS: usize = 1000;

/// The header with a text, in which what is not ASCII is escaped.
pub fn header(text: &str) -> Option<(HeaderName, HeaderValue)> {
    let mut value = String::new();
    for character in text.chars().take(MAX_CHARACTERS) {
        match character {
            ' '..='~' => value.push(character),
            _ => value.extend(character.escape_unicode()),
        }
    }
    Some((WARNING, HeaderValue::from_str(&value).ok()?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_warning_is_a_line_of_plain_letters() {
        let said = header("left out: 'a\n\u{e9}'").and_then(|(_, value)| value.to_str().map(str::to_owned).ok());
        assert_eq!(said.as_deref(), Some(r"left out: 'a\u{a}\u{e9}'"));
        assert_eq!(header(&"a".repeat(2 * MAX_CHARACTERS)).map(|(_, value)| value.len()), Some(MAX_CHARACTERS));
    }

    proptest! {
        #[test]
        fn any_text_can_be_a_header(text in "(\\PC|[\r\n\t\x00]){0,40}") {
            prop_assert!(header(&text).is_some());
        }
    }
}
