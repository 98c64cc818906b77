//! Who owns a test: the CODEOWNERS or TESTOWNERS file of the checkout, read as GitHub and GitLab do.

use std::fs;
use std::path::{Path, PathBuf};

use glob::{MatchOptions, Pattern};

/// Where such a file may lie; the first that is there counts.
const FOLDERS: [&str; 4] = [".github", "", "docs", ".gitlab"];
/// Lines of a file that are read.
const MAX_RULES: usize = 20_000;

/// The owners of files.
#[derive(Debug, Default)]
pub(crate) struct Owners {
    /// Those of tests, which go before those of all files.
    files: Vec<OwnersFile>,
    top: PathBuf,
    /// The working folder below the checkout.
    working: PathBuf,
}

impl Owners {
    /// What the files of a checkout say; `working` is the folder that relative paths of reports may start from.
    pub(crate) fn of_checkout(top: &Path, working: &Path) -> Self {
        let read = |name: &str| {
            let texts = FOLDERS.iter().filter_map(|folder| fs::read_to_string(top.join(folder).join(name)).ok());
            texts.map(|text| OwnersFile::parse(&text)).next()
        };
        let working = working.strip_prefix(top).map(Path::to_path_buf).unwrap_or_default();
        Self {
            files: ["TESTOWNERS", "CODEOWNERS"].into_iter().filter_map(read).collect(),
            top: top.to_path_buf(),
            working,
        }
    }

    /// The owners of the file that a report names.
    pub(crate) fn of(&self, file: &str) -> Vec<String> {
        if self.files.is_empty() {
            return Vec::new();
        }
        let file = file.trim_start_matches("./").replace('\\', "/");
        let below =
            Path::new(&file).strip_prefix(&self.top).map(Path::to_path_buf).unwrap_or_else(|_| file.clone().into());
        let from_working = self.working.join(&below);
        let path = if self.top.join(&from_working).exists() { from_working } else { below };
        let path = path.to_string_lossy();
        self.files.iter().map(|owners| owners.of(&path)).find(|owners| !owners.is_empty()).unwrap_or_default()
    }
}

/// One file: sections, each with rules of which the last that matches counts.
#[derive(Debug, Default)]
struct OwnersFile {
    sections: Vec<Vec<Rule>>,
}

#[derive(Debug)]
struct Rule {
    patterns: Vec<Pattern>,
    owners: Vec<String>,
}

impl OwnersFile {
    fn parse(text: &str) -> Self {
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

    fn of(&self, path: &str) -> Vec<String> {
        let options =
            MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: false };
        let matches = |rule: &&Rule| rule.patterns.iter().any(|pattern| pattern.matches_with(path, options));
        let mut owners: Vec<String> = Vec::new();
        for section in &self.sections {
            for owner in section.iter().rev().find(matches).map(|rule| rule.owners.as_slice()).unwrap_or_default() {
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
fn patterns(path: &str) -> Vec<Pattern> {
    let folder = path.ends_with('/');
    let anchored = path.trim_end_matches('/').contains('/');
    let inner = path.trim_matches('/');
    let base = if anchored || inner.starts_with("**") { inner.to_owned() } else { format!("**/{inner}") };
    let inside = format!("{base}/**/*");
    // What a star stands for is a file, as GitHub reads it: docs/* has no file of docs/a/.
    let star = inner.rsplit('/').next().is_some_and(|last| last.contains('*') && last != "**");
    let texts = match (folder, star && inner != "*") {
        (true, _) => vec![inside],
        (false, true) => vec![base],
        (false, false) => vec![base, inside],
    };
    texts.iter().filter_map(|text| Pattern::new(text).ok()).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn of(text: &str, path: &str) -> String {
        OwnersFile::parse(text).of(path).join(" ")
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
    fn files_are_looked_for_below_the_working_folder_and_tests_have_their_own_owners() {
        let folder = tempfile::tempdir().unwrap();
        let top = folder.path();
        fs::create_dir_all(top.join("web/tests")).unwrap();
        fs::create_dir(top.join(".github")).unwrap();
        fs::write(top.join("web/tests/a.py"), "").unwrap();
        fs::write(top.join(".github/CODEOWNERS"), "/web/ @web\n/tests/ @core\n").unwrap();
        fs::write(top.join("TESTOWNERS"), "/web/tests/b.py @ada\n").unwrap();
        let owners = Owners::of_checkout(top, &top.join("web"));
        assert_eq!(owners.of("tests/a.py"), ["@web"]);
        assert_eq!(owners.of("tests/b.py"), ["@core"]);
        assert_eq!(owners.of("web/tests/b.py"), ["@ada"]);
        assert_eq!(owners.of(&top.join("web/tests/a.py").to_string_lossy()), ["@web"]);
        assert!(Owners::of_checkout(&top.join("web"), top).of("tests/a.py").is_empty());
    }
}
