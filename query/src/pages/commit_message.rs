//! Addresses and bug numbers in a commit's message, as links; the rest stays text.

use schema::links::on_the_web;
use serde::Serialize;

/// What may stand before a bug's number, in lower case.
const BUG: &str = "bug ";
/// Digits of a bug's number; longer ones are something else.
const MAX_DIGITS: usize = 9;

/// A part of a text, and where it leads.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Part<'a> {
    text: &'a str,
    link: Option<String>,
}

/// Splits a message; `bugs` is the address of a Bugzilla, if there is one.
pub(super) fn parts<'a>(text: &'a str, bugs: Option<&str>) -> Vec<Part<'a>> {
    let mut parts = Vec::new();
    let (mut plain, mut position) = (0, 0);
    while position < text.len() {
        let rest = &text[position..];
        let starts_word = !text[..position].ends_with(|before: char| before.is_alphanumeric());
        match starts_word.then(|| address(rest).or_else(|| bug(rest, bugs?))).flatten() {
            Some((length, link)) => {
                if plain < position {
                    parts.push(Part { text: &text[plain..position], link: None });
                }
                parts.push(Part { text: &rest[..length], link: Some(link) });
                position += length;
                plain = position;
            }
            None => position += rest.chars().next().map_or(1, char::len_utf8),
        }
    }
    if plain < text.len() {
        parts.push(Part { text: &text[plain..], link: None });
    }
    parts
}

/// An address of the web at the beginning of a text: no other scheme becomes a link.
fn address(text: &str) -> Option<(usize, String)> {
    let scheme = text.len() - on_the_web(text)?.len();
    let ends = |character: char| character.is_whitespace() || character.is_control() || "<>\"'`\\".contains(character);
    let end = text.find(ends).unwrap_or(text.len());
    let found = text[..end].trim_end_matches(|last: char| ".,;:!?)]}*".contains(last));
    (found.len() > scheme).then(|| (found.len(), found.to_owned()))
}

/// `bug 123456` at the beginning of a text.
fn bug(text: &str, bugs: &str) -> Option<(usize, String)> {
    let digits = text.get(..BUG.len()).filter(|start| start.eq_ignore_ascii_case(BUG)).and(text.get(BUG.len()..))?;
    let count = digits.bytes().take_while(u8::is_ascii_digit).count();
    let number = digits.get(..count).filter(|_| (1..=MAX_DIGITS).contains(&count))?;
    Some((BUG.len() + count, format!("{}/show_bug.cgi?id={number}", bugs.trim_end_matches('/'))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn links(text: &str) -> Vec<(&str, String)> {
        let found = parts(text, Some("https://bugs.example.org/"));
        assert_eq!(found.iter().map(|part| part.text).collect::<String>(), text, "nothing is lost");
        found.into_iter().filter_map(|part| Some((part.text, part.link?))).collect()
    }

    #[test]
    fn addresses_end_where_a_sentence_goes_on() {
        let found = links("See https://example.org/a?b=(1), then (http://example.org).");
        assert_eq!(
            found.iter().map(|(text, _)| *text).collect::<Vec<_>>(),
            ["https://example.org/a?b=(1", "http://example.org"]
        );
    }

    #[test]
    fn bug_numbers_lead_to_the_tracker() {
        assert_eq!(
            links("Fix Bug 123 and bug 45.").last(),
            Some(&("bug 45", "https://bugs.example.org/show_bug.cgi?id=45".to_owned()))
        );
        assert_eq!(links("debug 12, bug x, bug 12345678901"), []);
        assert_eq!(parts("bug 1", None).len(), 1);
    }

    #[test]
    fn other_schemes_and_markup_stay_text() {
        assert_eq!(links("javascript:alert(1) data:text/html,x xhttps://a.example https:// 🧪bug"), []);
        assert_eq!(
            links("https://example.org/\"onmouseover=x"),
            [("https://example.org/", "https://example.org/".into())]
        );
    }
}
