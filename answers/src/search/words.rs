//! A question's words: what is separated by spaces outside of quotes.

/// A term before it is understood.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Word {
    /// It began with `-`.
    pub(super) is_negated: bool,
    /// What stood before a colon, if that can be the name of a field.
    pub(super) key: Option<String>,
    pub(super) value: String,
    /// Its value stood in quotes and stands for itself.
    pub(super) is_literal: bool,
}

/// All words of a text.
pub(super) fn split(text: &str) -> Vec<Word> {
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (word, after) = word(rest);
        words.push(word);
        rest = after.trim_start();
    }
    words
}

fn word(text: &str) -> (Word, &str) {
    let negated = text.strip_prefix('-').filter(|rest| !rest.starts_with(char::is_whitespace) && !rest.is_empty());
    let (is_negated, text) = (negated.is_some(), negated.unwrap_or(text));
    let letters = text.find(|character: char| !character.is_ascii_alphabetic()).unwrap_or(text.len());
    let (key, text) = match text[letters..].strip_prefix(':') {
        Some(value) if letters > 0 => (Some(text[..letters].to_owned()), value),
        _ => (None, text),
    };
    // A quote that nothing ends stands for itself: names hold them, and a question may be half typed.
    let quoted = text.strip_prefix('"').and_then(|quoted| quoted.split_once('"'));
    if let Some((value, after)) = quoted.filter(|(_, after)| after.is_empty() || after.starts_with(char::is_whitespace))
    {
        return (Word { is_negated, key, value: value.to_owned(), is_literal: true }, after);
    }
    let end = text.find(char::is_whitespace).unwrap_or(text.len());
    (Word { is_negated, key, value: text[..end].to_owned(), is_literal: false }, &text[end..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn word(is_negated: bool, key: Option<&str>, value: &str, is_literal: bool) -> Word {
        Word { is_negated, key: key.map(str::to_owned), value: value.to_owned(), is_literal }
    }

    #[test]
    fn quotes_keep_what_they_hold() {
        let found = split(r#" css/a.html  -on:"iOS Simulator" "a* -b" std::x - "open"#);
        let expected = [
            word(false, None, "css/a.html", false),
            word(true, Some("on"), "iOS Simulator", true),
            word(false, None, "a* -b", true),
            word(false, Some("std"), ":x", false),
            word(false, None, "-", false),
            word(false, None, "\"open", false),
        ];
        assert_eq!(found, expected);
    }

    proptest! {
        /// Nothing is lost, whatever is typed.
        #[test]
        fn words_are_what_stands_between_spaces(text in "[^\"]{0,60}") {
            let words = split(&text);
            let again = |word: &Word| {
                let key = word.key.as_ref().map_or_else(String::new, |key| format!("{key}:"));
                format!("{}{key}{}", if word.is_negated { "-" } else { "" }, word.value)
            };
            let found: Vec<String> = words.iter().map(again).collect();
            prop_assert_eq!(found, text.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
        }

        #[test]
        fn quoted_texts_stand_for_themselves(text in "[^\"]{0,40}") {
            prop_assert_eq!(split(&format!("\"{text}\"")), [word(false, None, &text, true)]);
        }
    }
}
