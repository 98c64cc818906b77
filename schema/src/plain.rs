//! Names that people compare by eye.

/// Whether a name shows as what it is: no control characters, and none of those of Unicode that turn the direction of what
/// follows or begin another line (UAX #9, section 2; UAX #14, class BK), with which one name looks like another.
pub fn is_plain(name: &str) -> bool {
    let turns = |character| matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let breaks = |character| matches!(character, '\u{2028}' | '\u{2029}');
    !name.chars().any(|character| character.is_control() || turns(character) || breaks(character))
}

#[cfg(test)]
mod tests {
    use super::is_plain;

    #[test]
    fn names_that_show_as_something_else_are_not_plain() {
        for name in ["main", "rückbau/ä", "試験", "eng/عمل", "👩‍🔧"] {
            assert!(is_plain(name), "{name}");
        }
        for name in ["a\nb", "a\u{7f}", "a\u{202e}b", "\u{2066}a", "a\u{2028}b", "\u{85}"] {
            assert!(!is_plain(name), "{name:?}");
        }
    }
}
