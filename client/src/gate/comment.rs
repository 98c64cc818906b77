//! The one comment of a change: a section for each suite and configuration, of which each call replaces its own.

/// Begins every comment of the gate, by which it is found again.
pub(super) const MARKER: &str = "<!-- resultsdb gate -->";
/// The longest comment, bytes: forges refuse longer ones.
const MAX_BYTES: usize = 60_000;

/// The comment with a section in the place of the one of the same key, or behind the others.
pub(super) fn with_section(comment: &str, key: &str, section: &str) -> String {
    let key = plain(key);
    let (begin, end) = (format!("<!-- resultsdb section {key} -->"), format!("<!-- resultsdb end {key} -->"));
    let section = &section[..section.floor_char_boundary(MAX_BYTES / 4)];
    let section = format!("{begin}\n{}\n{end}", section.trim_end());
    let place = comment.find(&begin).and_then(|start| {
        let length = comment[start..].find(&end)? + end.len();
        Some((start, start + length))
    });
    let joined = match place {
        Some((start, stop)) => format!("{}{section}{}", &comment[..start], &comment[stop..]),
        None if comment.starts_with(MARKER) => format!("{}\n\n{section}\n", comment.trim_end()),
        None => format!("{MARKER}\n{section}\n"),
    };
    if joined.len() <= MAX_BYTES { joined } else { format!("{MARKER}\n{section}\n") }
}

/// A key that ends no comment of HTML.
fn plain(key: &str) -> String {
    let plain =
        |character: char| if character.is_alphanumeric() || " ._/=".contains(character) { character } else { '_' };
    key.chars().map(plain).take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_replace_their_own() {
        let one = with_section("", "unit on linux", "first");
        assert_eq!(
            one,
            "<!-- resultsdb gate -->\n<!-- resultsdb section unit on linux -->\nfirst\n<!-- resultsdb end unit on linux -->\n"
        );
        let two = with_section(&one, "unit on mac", "second");
        let three = with_section(&two, "unit on linux", "third");
        assert!(three.starts_with(MARKER) && three.contains("third") && three.contains("second"), "{three}");
        assert!(!three.contains("first") && three.find("third") < three.find("second"), "{three}");
        assert_eq!(with_section(&three, "unit on linux", "third"), three);
    }

    #[test]
    fn keys_end_no_comment_and_comments_stay_short() {
        let text = with_section("", "a --> <b>", "x");
        assert!(text.contains("section a ___ _b_ -->"), "{text}");
        let mut comment = String::new();
        for number in 0..10 {
            comment = with_section(&comment, &number.to_string(), &"x".repeat(50_000));
            assert!(comment.len() <= MAX_BYTES && comment.contains(&format!("end {number} -->")), "{number}");
        }
    }
}
