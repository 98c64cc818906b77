//! Patterns of paths, as files of owners have them. They come from whoever may write such a file, so that no pattern takes
//! more time than its length times that of a path.

/// What a path has to look like, part by part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PathPattern(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    /// Any number of parts.
    Any,
    /// One part, in which `*` stands for any text and `?` for one character.
    Named(String),
}

impl PathPattern {
    /// A pattern whose parts are separated by slashes; `**` stands for any number of parts, and at the end for one at least.
    pub(super) fn new(text: &str) -> Self {
        let mut parts: Vec<Part> = Vec::new();
        for part in text.split('/').filter(|part| !part.is_empty()) {
            match part {
                "**" if parts.last() == Some(&Part::Any) => {}
                "**" => parts.push(Part::Any),
                named => parts.push(Part::Named(named.to_owned())),
            }
        }
        if parts.last() == Some(&Part::Any) {
            parts.push(Part::Named("*".to_owned()));
        }
        Self(parts)
    }

    /// Whether a path looks like this, whose parts are given.
    pub(super) fn matches(&self, path: &[&str]) -> bool {
        let is_any = |part: &Part| *part == Part::Any;
        let fits = |part: &Part, own: &&str| matches!(part, Part::Named(pattern) if is_like(pattern, own));
        matches_all(&self.0, path, is_any, fits)
    }
}

/// Whether a name looks like a pattern in which `*` stands for any text and `?` for one character.
fn is_like(pattern: &str, name: &str) -> bool {
    if !pattern.contains(['*', '?']) {
        return pattern == name;
    }
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    matches_all(&pattern, &name, |one| *one == '*', |one, own| *one == '?' || one == own)
}

/// Whether things fit the things of a pattern one by one, of which some stand for any number. Of two of these, the place
/// where what lies between them fits first is as good as any later one: there is no need to go back behind the last.
fn matches_all<P, T>(pattern: &[P], things: &[T], is_any: impl Fn(&P) -> bool, fits: impl Fn(&P, &T) -> bool) -> bool {
    let (mut at, mut place) = (0, 0);
    // Behind the last one that stands for any number, and how far it reaches.
    let mut last: Option<(usize, usize)> = None;
    while place < things.len() {
        match pattern.get(at) {
            Some(part) if is_any(part) => {
                at += 1;
                last = Some((at, place));
            }
            Some(part) if fits(part, &things[place]) => {
                at += 1;
                place += 1;
            }
            _ => {
                let Some((behind, reaches)) = last else { return false };
                last = Some((behind, reaches + 1));
                (at, place) = (behind, reaches + 1);
            }
        }
    }
    pattern[at..].iter().all(is_any)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn matches(pattern: &str, path: &str) -> bool {
        PathPattern::new(pattern).matches(&path.split('/').collect::<Vec<_>>())
    }

    #[test]
    fn stars_stay_within_a_part_and_two_of_them_do_not() {
        for (pattern, matching, others) in [
            ("a/*.js", &["a/b.js", "a/.js"][..], &["a/b/c.js", "a/b.jsx", "b.js"][..]),
            ("**/a", &["a", "x/a", "x/y/a"], &["a/x", "xa"]),
            ("a/**/b", &["a/b", "a/x/b", "a/x/y/b"], &["a/x", "ab"]),
            ("a/**", &["a/x", "a/x/y"], &["a", "b/a"]),
            ("a?c", &["abc", "aéc"], &["ac", "a/c"]),
            ("a[1]", &["a[1]"], &["a1"]),
        ] {
            assert!(matching.iter().all(|path| matches(pattern, path)), "{pattern}");
            assert!(!others.iter().any(|path| matches(pattern, path)), "{pattern}");
        }
    }

    #[test]
    fn hostile_patterns_end() {
        let (pattern, name) = ("*a".repeat(500) + "b", "a".repeat(4000));
        assert!(!matches(&pattern, &format!("{name}/{name}")));
        assert!(!matches(&"**/a/".repeat(500), &"b/".repeat(2000)));
    }

    proptest! {
        /// Trying every length for each star says the same.
        #[test]
        fn agrees_with_trying_everything(pattern in "[ab*?]{0,8}", name in "[ab]{0,8}") {
            fn tried(pattern: &[u8], name: &[u8]) -> bool {
                match (pattern.split_first(), name.split_first()) {
                    (None, _) => name.is_empty(),
                    (Some((b'*', rest)), _) => (0..=name.len()).any(|length| tried(rest, &name[length..])),
                    (Some((one, rest)), Some((own, after))) => (*one == b'?' || one == own) && tried(rest, after),
                    (Some(_), None) => false,
                }
            }
            prop_assert_eq!(is_like(&pattern, &name), tried(pattern.as_bytes(), name.as_bytes()));
        }
    }
}
