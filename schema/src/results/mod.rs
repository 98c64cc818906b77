//! Walks the nested results of an upload, test by test, without building a tree of the document.
//!
//! Names and values are slices of the document, which is read once. Memory is the document itself plus one path and the
//! names of its siblings, whatever its size.

mod scan;
mod walk;

use std::borrow::Cow;
use std::collections::HashSet;

use scan::Scanner;
pub use walk::walk;

use crate::state::{self, States};

/// Objects nested deeper than this are refused: no test path is that long, and each level costs a scan.
pub const MAX_DEPTH: usize = 64;
/// The longest test name accepted, in bytes.
pub const MAX_NAME_BYTES: usize = 4096;

/// Why results cannot be walked.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ResultsError {
    /// A member without tests stands after one with tests.
    #[error("Incorrectly formatted nested results dictionary")]
    Mixed,
    /// `results` is missing or no object.
    #[error("'results' must be an object of tests")]
    NotAnObject,
    /// More than [`MAX_DEPTH`] levels.
    #[error("Results are nested more than {MAX_DEPTH} levels deep")]
    TooDeep,
    /// The same member twice in one object.
    #[error("'{0}' appears twice in one object of the results")]
    Duplicate(String),
    /// A test name with control characters, an empty one, or one over [`MAX_NAME_BYTES`].
    #[error("'{0}' cannot be a part of a test's name")]
    BadName(String),
    /// A member of a leaf has a type it cannot have.
    #[error("'{member}' of test '{test}' must be {wanted}")]
    BadLeaf {
        /// The test's name.
        test: String,
        /// The member.
        member: &'static str,
        /// What it must be.
        wanted: &'static str,
    },
    /// Not JSON after all.
    #[error("{0}")]
    Json(String),
}

/// One test of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestResult {
    /// What it did.
    pub actual: States,
    /// What it was expected to do.
    pub expected: States,
    /// What the uploader says the test took, milliseconds in WebKit's case; a time that is no whole number up to nine
    /// digits is among the other members.
    pub time: Option<u32>,
    /// JSON text of the leaf's other members as they were written, empty for none; `actual` and `expected` are among them
    /// only if they have a word that is no name of a state.
    pub extra: String,
    /// Whether a retry inside the run passed after a failure, by the uploader's count.
    pub flaky: bool,
    /// Whether an attempt passed, by the uploader's count.
    pub has_passed: bool,
    /// The first word among its states that is no name of one. `extra` then has the states as they were written.
    pub unknown: Option<UnknownWord>,
}

/// A word that is no name of a state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownWord {
    /// `actual` or `expected`.
    pub member: &'static str,
    /// The word, cut after [`MAX_WORD_CHARACTERS`].
    pub word: String,
}

/// An unknown word is kept up to this length, in characters; those beyond it tell nobody what was meant.
pub const MAX_WORD_CHARACTERS: usize = 40;

/// Whether a value of a document is an object.
pub fn is_object(value: &str) -> bool {
    value.starts_with('{')
}

/// A member's name, and its value as it is written.
pub type Member<'a> = (Cow<'a, str>, &'a str);

/// The value of the member of this name.
pub fn member<'a>(members: &[Member<'a>], name: &str) -> Option<&'a str> {
    members.iter().find(|(found, _)| found == name).map(|(_, value)| *value)
}

/// The members of an object of a valid document: names and, as they are written, values, in the document's order;
/// duplicates are errors.
pub fn members(object: &str) -> Result<Vec<Member<'_>>, ResultsError> {
    let mut json = Scanner::new(object);
    if !json.pass(b'{') {
        return Err(ResultsError::NotAnObject);
    }
    let mut found = Vec::new();
    while json.peek() == Some(b'"') {
        let name = scan::unquoted(json.value().unwrap_or_default())?;
        json.pass(b':');
        found.push((name, json.value().unwrap_or_default()));
        json.pass(b',');
    }
    unique(found.iter().map(|(name, _)| name))?;
    Ok(found)
}

/// Most objects are tests with a member or two, which need no table.
fn unique<'a>(mut names: impl Iterator<Item = &'a Cow<'a, str>> + Clone) -> Result<(), ResultsError> {
    let few = names.size_hint().1.is_some_and(|count| count <= 4);
    let twice = if few {
        let mut rest = names.clone();
        names.find(|name| {
            rest.next();
            rest.clone().any(|other| other == *name)
        })
    } else {
        let mut seen = HashSet::with_capacity(names.size_hint().0);
        names.find(|&name| !seen.insert(name.as_ref()))
    };
    twice.map_or(Ok(()), |name| Err(ResultsError::Duplicate(name.to_string())))
}

/// Counts over one run, as the API's `stats` have them: a crash also counts as timed out and failed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// All tests of the run, those that did not run included.
    pub run: u32,
    /// Tests that did not run: skipped, not run, or with an outcome that nobody knows.
    pub not_run: u32,
    /// Tests with an outcome that nobody knows.
    pub unknown: u32,
    /// Failed, timed out and crashed, whatever was expected.
    pub all: [u32; 3],
    /// The same, unexpected ones only.
    pub unexpected: [u32; 3],
    /// Tests that passed only on some tries.
    pub flaky: u32,
}

impl Counts {
    /// Adds one test.
    pub fn add(&mut self, result: &TestResult) {
        self.run += 1;
        self.not_run += u32::from(!result.actual.ran());
        self.unknown += u32::from(result.actual.has_unknown());
        self.flaky += u32::from(result.flaky);
        let unexpected = result.actual.worst_unexpected(result.expected);
        for (counts, worst) in [(&mut self.all, result.actual.worst()), (&mut self.unexpected, unexpected)] {
            for (count, limit) in counts.iter_mut().zip([state::ERROR, state::TIMEOUT, state::CRASH]) {
                *count += u32::from(worst <= limit);
            }
        }
    }

    /// Adds the counts that the reference has to the uploaded run statistics. It counts every test as one that ran.
    pub fn extend(&self, stats: &mut serde_json::Map<String, serde_json::Value>) {
        stats.insert("tests_run".into(), self.run.into());
        for (prefix, counts) in [("tests_", self.all), ("tests_unexpected_", self.unexpected)] {
            for (name, count) in ["failed", "timedout", "crashed"].iter().zip(counts) {
                stats.insert(format!("{prefix}{name}"), count.into());
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_crash_counts_in_all_three() {
        let mut counts = Counts::default();
        let results = r#"{"a":{"actual":"CRASH"},"b":{"actual":"FAIL","expected":"FAIL"},"c":{"actual":"WARNING"}}"#;
        walk(results, |_, result| counts.add(&result)).unwrap();
        assert_eq!((counts.run, counts.all, counts.unexpected), (3, [2, 1, 1], [1, 1, 1]));
    }

    #[test]
    fn what_did_not_run_is_counted_beside_what_the_reference_counts() {
        let mut counts = Counts::default();
        let results = r#"{"a":{"actual":"SKIP"},"b":{"actual":"FAILED"},"c":{"actual":"TEXT bogus"},"d":{},"e":{"actual":"NOTRUN"}}"#;
        walk(results, |_, result| counts.add(&result)).unwrap();
        assert_eq!((counts.run, counts.all, counts.not_run, counts.unknown), (5, [1, 0, 0], 3, 2));
        let mut stats = serde_json::Map::new();
        counts.extend(&mut stats);
        let of_reference = "tests_run tests_failed tests_timedout tests_crashed tests_unexpected_failed tests_unexpected_timedout tests_unexpected_crashed";
        assert!(stats.keys().map(String::as_str).eq(of_reference.split(' ')), "{stats:?}");
    }
}
