//! The pattern of the names that Jest runs: every name but those in quarantine.
//!
//! Jest matches a pattern against the titles of a test and of the blocks around it, with blanks between, in every file and
//! whatever their case. Reports name a test by its file, if they know it, and these titles: [`taken_for`] finds the tests that
//! have the same titles.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// Between the parts of a name.
const SEPARATOR: &str = "::";
/// Ends of names of files.
const FILES: [&str; 8] = [".js", ".jsx", ".ts", ".tsx", ".mjs", ".cjs", ".mts", ".cts"];

/// The pattern that every name has but these.
pub(super) fn text<'a>(names: impl Iterator<Item = &'a String>) -> String {
    let titles: BTreeSet<String> = names.map(|name| pattern(titles(name))).collect();
    if titles.is_empty() {
        return "^\n".to_owned();
    }
    format!("^(?!(?:{})$)\n", titles.into_iter().collect::<Vec<_>>().join("|"))
}

/// By name, those of the known names that Jest does not tell from it; it may be among them.
pub(super) fn taken_for<'n, 'k>(
    names: impl Iterator<Item = &'n String>,
    known: &'k BTreeSet<String>,
) -> BTreeMap<String, Vec<&'k String>> {
    let key = |name: &str| titles(name).replace(SEPARATOR, " ").to_uppercase().to_lowercase();
    let mut alike: BTreeMap<String, Vec<&String>> = BTreeMap::new();
    for name in known {
        alike.entry(key(name)).or_default().push(name);
    }
    names.map(|name| (name.clone(), alike.get(&key(name)).cloned().unwrap_or_default())).collect()
}

/// A name without its file.
fn titles(name: &str) -> &str {
    match name.split_once(SEPARATOR) {
        Some((file, titles)) if FILES.iter().any(|end| file.ends_with(end)) => titles,
        _ => name,
    }
}

/// Titles as a pattern. What stands between them in a report stands in titles, too, so that it may be either.
fn pattern(titles: &str) -> String {
    let mut pattern = String::with_capacity(titles.len() + 16);
    for (index, part) in titles.split(SEPARATOR).enumerate() {
        if index > 0 {
            pattern.push_str("(?:::| )");
        }
        for letter in part.chars() {
            match letter {
                '\\' | '^' | '$' | '.' | '*' | '+' | '?' | '(' | ')' | '[' | ']' | '{' | '}' | '|' | '/' => {
                    pattern.extend(['\\', letter]);
                }
                // A shell or an editor may change what is no plain letter. Writing to a string cannot fail.
                _ if letter.is_ascii() => pattern.push(letter),
                _ => {
                    for unit in letter.encode_utf16(&mut [0; 2]) {
                        let _ = write!(pattern, "\\u{unit:04x}");
                    }
                }
            }
        }
    }
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_are_matched_as_they_are() {
        let names = ["t/a.test.js::math::a+b (c)", "math é"].map(str::to_owned);
        assert_eq!(text(names.iter()), "^(?!(?:math \\u00e9|math(?:::| )a\\+b \\(c\\))$)\n");
        assert_eq!(text([].iter()), "^\n");
    }

    #[test]
    fn tests_of_the_same_titles_are_not_told_apart() {
        let known: BTreeSet<String> =
            ["a.js::math::one", "b.ts::math::One", "math one", "math two", "c::math::one"].map(str::to_owned).into();
        let found = taken_for(["a.js::math::one".to_owned(), "math two".to_owned()].iter(), &known);
        assert_eq!(found["a.js::math::one"], ["a.js::math::one", "b.ts::math::One", "math one"]);
        assert_eq!(found["math two"], ["math two"]);
    }
}
