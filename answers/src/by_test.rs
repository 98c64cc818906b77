//! What was said of tests, found by test: each is about one of them, or about all whose names a pattern describes.

use std::collections::HashMap;

use wildmatch::WildMatchPattern;

/// In names of tests a question mark is what it is.
pub(crate) type Pattern = WildMatchPattern<'*', '\0'>;

/// Whether a text describes names of tests, rather than being one.
pub(crate) fn is_pattern(test: &str) -> bool {
    test.contains('*')
}

/// What was said of the tests of a suite.
#[derive(Debug)]
pub(crate) struct ByTest<T> {
    all: Vec<T>,
    /// Positions by the test's name.
    by_name: HashMap<String, Vec<usize>>,
    patterns: Vec<(Pattern, usize)>,
}

impl<T> Default for ByTest<T> {
    fn default() -> Self {
        Self { all: Vec::new(), by_name: HashMap::new(), patterns: Vec::new() }
    }
}

impl<T> ByTest<T> {
    /// Each with the name that its test has now; `written` is the name or the pattern that was said.
    pub(crate) fn new(said: impl IntoIterator<Item = (String, T)>, written: impl Fn(&T) -> &str) -> Self {
        let mut found = Self::default();
        for (position, (test, one)) in said.into_iter().enumerate() {
            if is_pattern(written(&one)) {
                found.patterns.push((Pattern::new(written(&one)), position));
            } else {
                found.by_name.entry(test).or_default().push(position);
            }
            found.all.push(one);
        }
        found
    }

    /// Whatever was said.
    pub(crate) fn all(&self) -> &[T] {
        &self.all
    }

    /// What is about a test, in the order in which it was given.
    pub(crate) fn about(&self, test: &str) -> Vec<&T> {
        let described = self.patterns.iter().filter(|(pattern, _)| pattern.matches(test)).map(|(_, position)| position);
        let mut positions: Vec<usize> =
            self.by_name.get(test).into_iter().flatten().chain(described).copied().collect();
        positions.sort_unstable();
        positions.into_iter().filter_map(|position| self.all.get(position)).collect()
    }
}
