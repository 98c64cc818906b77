//! Finds tests by their names: by prefix, by a part, by a pattern, or by a list that was pasted.

use std::collections::HashSet;

use schema::ids::TestId;
use schema::like;
use schemars::JsonSchema;
use serde::Serialize;

use crate::error::AnswerError;
use crate::reads::test_names as reads;
pub use crate::reads::test_names::TestName;
use crate::store::Store;
use crate::test_name_cache::TestNames;

/// Names of a pasted list that are looked up.
const LISTED: usize = 200;

/// From so many unknown identities on, all names of a suite are read: a statement that names each is no faster.
const MANY: usize = 1000;

/// How a text was understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SearchKind {
    /// Names that hold it.
    Text,
    /// Names that it describes as a pattern, or that hold it as it is.
    Pattern,
    /// Names that it lists.
    List,
}

/// The tests that a text found.
#[derive(Debug, Serialize, JsonSchema)]
pub struct TestSearch {
    /// How the text was understood.
    pub kind: SearchKind,
    /// The tests.
    pub tests: Vec<TestName>,
}

/// Names of a suite's tests that begin with one of the prefixes, sorted, at most `limit` over all prefixes.
pub async fn with_prefixes(
    store: &Store,
    suite: &str,
    prefixes: &[String],
    limit: u64,
) -> Result<Vec<String>, AnswerError> {
    reads::with_prefixes(store, suite, prefixes, limit).await
}

/// The names of some tests of a suite by identity, and perhaps of others.
pub(crate) async fn by_id(
    store: &Store,
    suite: &str,
    tests: impl Iterator<Item = TestId>,
) -> Result<TestNames, AnswerError> {
    let known = store.test_names.get(suite);
    let missing: HashSet<TestId> = tests.filter(|test| known.get(*test).is_none()).collect();
    if missing.is_empty() {
        return Ok(known);
    }
    let few: Vec<TestId> = if missing.len() < MANY { missing.into_iter().collect() } else { Vec::new() };
    let read = reads::by_id(store, suite, &few).await?;
    let names = known.with(read.into_iter().map(|row| (row.test_id, row.test)));
    store.test_names.insert(suite, names.clone());
    Ok(names)
}

/// Whether a suite has a test of exactly this name.
pub async fn is_known(store: &Store, suite: &str, test: &str) -> Result<bool, AnswerError> {
    // Of the names that begin with it, it is the first.
    Ok(reads::with_prefixes(store, suite, &[test.to_owned()], 1).await?.iter().any(|name| name == test))
}

/// At most `limit` tests of some suites (of all if none is named): those that were uploaded lately first, then those whose
/// name begins with the text, then the shortest. A text that no name holds may be a list of names, in whose order they
/// come.
pub async fn find(store: &Store, suites: &[&str], text: &str, limit: u64) -> Result<TestSearch, AnswerError> {
    let text = text.trim();
    // Names hold `*` and `?` too, so that what looks like a pattern may be a part of one.
    let pattern = text.contains(['*', '?']).then(|| like_pattern(text));
    let kind = if pattern.is_some() { SearchKind::Pattern } else { SearchKind::Text };
    let found = reads::search(store, suites, text, pattern.as_deref(), limit).await?;
    let names = listed(text);
    if found.is_empty() && names.len() > 1 {
        let mut tests = reads::listed(store, suites, &names, limit).await?;
        tests.sort_by_key(|found| names.iter().position(|name| *name == found.test));
        return Ok(TestSearch { kind: SearchKind::List, tests });
    }
    Ok(TestSearch { kind, tests: found })
}

/// A pattern of ILIKE: `*` stands for any characters, `?` for one, everything else for itself.
fn like_pattern(text: &str) -> String {
    like::pattern(text, |character| if character == '?' { Some('_') } else { like::star(character) })
}

/// The names in a text, each once; groups in brackets, as files of expectations have them, are none.
fn listed(text: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let mut depth = 0_usize;
    for word in text.split_whitespace() {
        if word.starts_with('[') {
            depth += 1;
        }
        if depth == 0 && !names.contains(&word) && names.len() < LISTED {
            names.push(word);
        }
        if word.ends_with(']') {
            depth = depth.saturating_sub(1);
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_expectations_are_lists_of_names() {
        let lines = "webkit.org/b/1 [ Debug arm64 ] fast/a.html [ Failure Pass ]\nfast/b.html [ Crash ]\nfast/a.html";
        assert_eq!(listed(lines), ["webkit.org/b/1", "fast/a.html", "fast/b.html"]);
        assert_eq!(listed("] a ["), ["]", "a"]);
    }

    #[test]
    fn only_stars_and_question_marks_stand_for_others() {
        assert_eq!(like_pattern("fast/*-10%_?.html"), r"fast/%-10\%\__.html");
        assert_eq!(like_pattern(r"\"), r"\\");
    }
}
