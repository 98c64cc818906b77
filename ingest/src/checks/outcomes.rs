//! Outcomes that nobody knows: words in the states of tests that are no names of states, such as `FAILED`.

use schema::results::{TestResult, UnknownWord};
use schema::state::known_names;

/// The tests of an upload whose states have a word that is no name of one.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct UnknownOutcomes {
    /// How many tests.
    pub(crate) tests: u64,
    /// The first of them, and its word.
    first: Option<(String, UnknownWord)>,
}

impl UnknownOutcomes {
    /// Looks at one test.
    pub(crate) fn add(&mut self, test: &str, result: &TestResult) {
        if let Some(unknown) = &result.unknown {
            self.tests += 1;
            self.first.get_or_insert_with(|| (test.to_owned(), unknown.clone()));
        }
    }

    /// Says what is wrong with the first test, and how many others there are; none if every word is known.
    pub(crate) fn describe(&self) -> Option<String> {
        let (test, UnknownWord { member, word }) = self.first.as_ref()?;
        let others = match self.tests - 1 {
            0 => String::new(),
            1 => " (and one more test has such a word)".to_owned(),
            others => format!(" (and {others} more tests have such words)"),
        };
        let advice = match nearest(word) {
            Some(name) => format!("write '{name}'"),
            None => format!("the states are {}", known_names().collect::<Vec<_>>().join(", ")),
        };
        Some(format!("'{member}' of test '{test}' has '{word}', which is no state: {advice}{others}"))
    }
}

/// A word this much like a name is a misspelling or another form of it.
const LIKE: f64 = 0.8;
/// Words that runners use for states, and are spelt otherwise.
const SYNONYMS: [(&str, &str); 4] = [("OK", "PASS"), ("SUCCESS", "PASS"), ("DISABLED", "SKIP"), ("IGNORED", "SKIP")];

/// The known name that a word stands for; none if that is anybody's guess.
fn nearest(word: &str) -> Option<&'static str> {
    let word = word.to_uppercase();
    if let Some((_, name)) = SYNONYMS.iter().find(|(synonym, _)| *synonym == word) {
        return Some(name);
    }
    let likeness = |name: &&'static str| strsim::jaro_winkler(&word, name);
    let name = known_names().max_by(|one, other| likeness(one).total_cmp(&likeness(other)))?;
    (likeness(&name) >= LIKE).then_some(name)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use schema::results::walk;

    fn of(results: &str) -> UnknownOutcomes {
        let mut outcomes = UnknownOutcomes::default();
        walk(results, |test, result| outcomes.add(test, &result)).unwrap();
        outcomes
    }

    #[test]
    fn usual_misspellings_lead_to_their_names() {
        for (word, name) in [
            ("FAILED", "FAIL"),
            ("fail", "FAIL"),
            ("Failure", "FAIL"),
            ("passed", "PASS"),
            ("SKIPPED", "SKIP"),
            ("TIMEDOUT", "TIMEOUT"),
            ("time-out", "TIMEOUT"),
            ("errored", "ERROR"),
            ("CRASHED", "CRASH"),
            ("NOT_RUN", "NOTRUN"),
            ("warn", "WARNING"),
            ("ok", "PASS"),
            ("disabled", "SKIP"),
        ] {
            assert_eq!(nearest(word), Some(name), "{word}");
        }
        // A guess would turn failures into passes.
        for word in ["LEAK", "ASSERT", "MISSING", "SLOW", "FLAKY", "x"] {
            assert_eq!(nearest(word), None, "{word}");
        }
        let said = of(r#"{"t":{"actual":"LEAK"}}"#).describe().unwrap();
        assert!(said.contains("no state: the states are CRASH, TIMEOUT,"), "{said}");
    }

    #[test]
    fn the_first_test_is_named_and_the_others_are_counted() {
        assert_eq!(
            of(r#"{"a":{"actual":"SKIP"},"b":{"actual":"NOTRUN","expected":"PASS FAIL"},"c":{}}"#).describe(),
            None
        );
        assert_eq!(
            of(r#"{"a":{},"x":{"t":{"actual":"FAILED"}}}"#).describe().unwrap(),
            "'actual' of test 'x/t' has 'FAILED', which is no state: write 'FAIL'"
        );
        let two = of(r#"{"a":{"expected":"pass"},"b":{"actual":"fail"}}"#);
        assert_eq!(
            two.describe().unwrap(),
            "'expected' of test 'a' has 'pass', which is no state: write 'PASS' (and one more test has such a word)"
        );
        assert_eq!(two.tests, 2);
    }
}
