//! Patterns of the engine's `LIKE` and `ILIKE`.

/// A text as a pattern: each character that stands for others, as `wildcard` says, becomes that of the engine, and everything else
/// means itself.
pub fn pattern(text: &str, wildcard: impl Fn(char) -> Option<char>) -> String {
    let mut pattern = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        match (wildcard(character), character) {
            (Some(wildcard), _) => pattern.push(wildcard),
            (None, '%' | '_' | '\\') => pattern.extend(['\\', character]),
            (None, _) => pattern.push(character),
        }
    }
    pattern
}

/// A star stands for any characters.
pub fn star(character: char) -> Option<char> {
    (character == '*').then_some('%')
}

/// The pattern of texts that hold this one.
pub fn holding(text: &str) -> String {
    format!("%{}%", pattern(text, |_| None))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_wildcards_stand_for_others() {
        assert_eq!(pattern("a*b_%\\?", star), "a%b\\_\\%\\\\?");
        assert_eq!(holding("50 %*"), "%50 \\%*%");
    }
}
