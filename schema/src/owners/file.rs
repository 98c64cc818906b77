//! A CODEOWNERS or TESTOWNERS file, read as GitHub and GitLab do: of the rules that match, the last one counts.

use super::pattern::PathPattern;

/// Lines of a file that are read.
pub const MAX_RULES: usize = 20_000;

/// One file: sections, each with rules of which the last that matches counts.
#[derive(Debug, Clone, Default)]
pub struct OwnersFile {
    sections: Vec<Vec<Rule>>,
}

#[derive(Debug, Clone)]
struct Rule {
    patterns: Vec<PathPattern>,
    owners: Vec<String>,
}

impl OwnersFile {
    /// Reads the text of a file. Whatever it is, it has rules or none; those beyond [`MAX_RULES`] lines are left out.
    pub fn parse(text: &str) -> Self {
        // Some editors begin a file with a mark of its encoding.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut sections = vec![Vec::new()];
        let mut default: Vec<String> = Vec::new();
        for line in text.lines().take(MAX_RULES) {
            let words = words(line);
            if let Some(owners) = section(line) {
                default = owners;
                sections.push(Vec::new());
                continue;
            }
            let Some((path, owners)) = words.split_first() else { continue };
            let owners = if owners.is_empty() { default.clone() } else { owners.to_vec() };
            if let Some(section) = sections.last_mut() {
                section.push(Rule { patterns: patterns(path), owners });
            }
        }
        Self { sections }
    }

    /// Whether no rule names an owner, so that it is no file of owners.
    pub fn names_nobody(&self) -> bool {
        self.sections.iter().flatten().all(|rule| rule.owners.is_empty())
    }

    /// Whether it has no rule.
    pub fn is_empty(&self) -> bool {
        self.sections.iter().all(Vec::is_empty)
    }

    /// The owners of the file at a path: those of the last rule that matches, of each section. None if no rule does; a rule
    /// may say that nobody owns what it matches.
    pub fn of(&self, path: &str) -> Option<Vec<String>> {
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        let matches = |rule: &&Rule| rule.patterns.iter().any(|pattern| pattern.matches(&parts));
        let mut owners: Option<Vec<String>> = None;
        for rule in self.sections.iter().filter_map(|section| section.iter().rev().find(matches)) {
            let owners = owners.get_or_insert_default();
            for owner in &rule.owners {
                if !owners.contains(owner) {
                    owners.push(owner.clone());
                }
            }
        }
        owners
    }
}

/// The default owners of a section of GitLab's, where a line begins one: `[Name]`, `^[Name][2] @owner`.
fn section(line: &str) -> Option<Vec<String>> {
    let rest = line.trim().trim_start_matches('^').strip_prefix('[')?;
    let (_, rest) = rest.split_once(']')?;
    let rest = rest.strip_prefix('[').and_then(|rest| rest.split_once(']')).map_or(rest, |(_, rest)| rest);
    Some(words(rest))
}

/// The words of a line up to a comment; a space behind a backslash belongs to its word.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut characters = line.chars().peekable();
    while let Some(character) = characters.next() {
        let last = words.len() - 1;
        match character {
            '\\' if matches!(characters.peek(), Some(' ' | '#')) => words[last].extend(characters.next()),
            '#' if words[last].is_empty() => break,
            character if character.is_whitespace() => {
                if !words[last].is_empty() {
                    words.push(String::new());
                }
            }
            character => words[last].push(character),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Patterns for the file of this name, and for what lies in the folder of this name.
fn patterns(path: &str) -> Vec<PathPattern> {
    let folder = path.ends_with('/');
    let anchored = path.trim_end_matches('/').contains('/');
    let inner = path.trim_matches('/');
    let base = if anchored || inner.starts_with("**") { inner.to_owned() } else { format!("**/{inner}") };
    let inside = format!("{base}/**");
    // What a star stands for is a file, as GitHub reads it: docs/* has no file of docs/a/.
    let star = inner.rsplit('/').next().is_some_and(|last| last.contains('*') && last != "**");
    let texts = match (folder, star && inner != "*") {
        (true, _) => vec![inside],
        (false, true) => vec![base],
        (false, false) => vec![base, inside],
    };
    texts.iter().map(|text| PathPattern::new(text)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(text: &str, path: &str) -> String {
        OwnersFile::parse(text).of(path).unwrap_or_default().join(" ")
    }

    #[test]
    fn a_mark_of_the_encoding_is_no_part_of_the_first_path() {
        assert_eq!(of("\u{feff}/css/ @css\n", "css/a.html"), "@css");
    }

    #[test]
    fn paths_match_as_on_github() {
        for (pattern, matching, others) in [
            ("*", &["a.js", "a/b/c.js"][..], &[][..]),
            ("*.js", &["a.js", "a/b.js"], &["a.jsx"]),
            ("/build/logs/", &["build/logs/a", "build/logs/b/c"], &["x/build/logs/a", "build/logs"]),
            ("docs/*", &["docs/a.md"], &["docs/b/a.md", "x/docs/a.md"]),
            ("apps/", &["apps/a", "x/apps/a/b"], &["apps"]),
            ("/apps/github", &["apps/github", "apps/github/a"], &["apps/githubs"]),
            ("**/logs", &["logs/a", "x/y/logs/a"], &["logsx"]),
            ("src/**/test_*.py", &["src/test_a.py", "src/x/y/test_b.py"], &["src/x/a.py"]),
            ("a\\ b.js", &["a b.js"], &["a"]),
        ] {
            let text = format!("{pattern} @owner\n");
            for path in matching {
                assert_eq!(of(&text, path), "@owner", "{pattern} {path}");
            }
            for path in others {
                assert_eq!(of(&text, path), "", "{pattern} {path}");
            }
        }
    }

    #[test]
    fn the_last_rule_counts_and_may_take_owners_away() {
        let text = "# all\n* @all # everybody\n\n/tests/ @qa @ada\n/tests/free/\n";
        assert_eq!(of(text, "a.py"), "@all");
        assert_eq!(of(text, "tests/a.py"), "@qa @ada");
        assert_eq!(of(text, "tests/free/a.py"), "");
    }

    #[test]
    fn sections_have_default_owners_and_each_has_a_say() {
        let text = "[Tests] @qa\ntests/\n^[Docs][2] @docs\n*.md\ntests/a.md @ada\n";
        assert_eq!(of(text, "tests/b.md"), "@qa @docs");
        assert_eq!(of(text, "tests/a.md"), "@qa @ada");
        assert_eq!(of(text, "a.rs"), "");
    }

    #[test]
    fn what_no_rule_matches_is_told_from_what_nobody_owns() {
        let file = OwnersFile::parse("tests/ @qa\ntests/free/\n");
        assert_eq!((file.of("a.py"), file.of("tests/free/a.py")), (None, Some(Vec::new())));
        assert!(OwnersFile::parse("# nothing\n\n").is_empty() && !file.is_empty());
        assert!(OwnersFile::parse("some-machine\n").names_nobody() && !file.names_nobody());
    }

    proptest! {
        #[test]
        fn anything_may_be_written(text in "[@a-z*?/\\[\\]#\\\\ \\n^]{0,80}", path in "[a-z/]{0,20}") {
            let file = OwnersFile::parse(&text);
            prop_assert!(file.of(&path).is_none() || !file.is_empty());
        }

        #[test]
        fn the_last_rule_for_everything_counts(text in "(/?[a-z*]{1,5}/? @[a-c]\n){0,6}", path in "[a-z]{1,3}(/[a-z]{1,3}){0,2}") {
            prop_assert_eq!(OwnersFile::parse(&format!("{text}* @last\n")).of(&path), Some(vec!["@last".to_owned()]));
        }
    }
}
