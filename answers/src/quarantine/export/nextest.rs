//! The filter of cargo-nextest that runs every test but those in quarantine.
//!
//! Reports name a test by its binary's id and its path. Both may hold what stands between them, so that a name stands for
//! several pairs, of which at most one is that of a test: all of them are written.

use std::fmt::Write;

/// Between a binary and a test, and within either.
const SEPARATOR: &str = "::";

/// The filter for every test but these.
pub(super) fn text<'a>(names: impl Iterator<Item = &'a String>) -> String {
    let pairs: Vec<String> = names.flat_map(|name| pairs(name)).collect();
    if pairs.is_empty() { "all()\n".to_owned() } else { format!("not ({})\n", pairs.join(" | ")) }
}

/// Every binary and test that reports name so.
fn pairs(name: &str) -> Vec<String> {
    let between = name.match_indices(SEPARATOR).map(|(place, _)| (&name[..place], &name[place + SEPARATOR.len()..]));
    let pairs: Vec<String> = between
        .filter(|(binary, test)| !binary.is_empty() && !test.is_empty())
        .map(|(binary, test)| format!("(binary_id(={}) & test(={}))", escaped(binary), escaped(test)))
        .collect();
    if pairs.is_empty() { vec![format!("test(={})", escaped(name))] } else { pairs }
}

/// A text that the filter's language takes as it is.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-' | ':' | '.') {
            escaped.push(letter);
        } else {
            // Writing to a string cannot fail.
            let _ = write!(escaped, "\\u{{{:x}}}", u32::from(letter));
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stands_for_every_binary_and_test_that_are_reported_so() {
        let names = ["demo::it::a", "lone", "b::x)|all("].map(str::to_owned);
        assert_eq!(
            text(names.iter()),
            "not ((binary_id(=demo) & test(=it::a)) | (binary_id(=demo::it) & test(=a)) | test(=lone) | \
             (binary_id(=b) & test(=x\\u{29}\\u{7c}all\\u{28})))\n"
        );
        assert_eq!(text([].iter()), "all()\n");
    }
}
