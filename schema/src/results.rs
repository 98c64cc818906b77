//! Walks the nested results of an upload, test by test, without building a tree of the document.
//!
//! Every object is read as pairs of a name and a borrowed slice of the document; slices that are
//! objects are walked in turn. Memory is the document itself plus one path, whatever its size.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use serde::de::{Deserializer as _, MapAccess, Visitor};
use serde_json::value::RawValue;

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
    /// JSON text of the leaf's other members as they were written, empty for none.
    pub extra: String,
    /// Whether a retry inside the run passed after a failure, by the uploader's count.
    pub flaky: bool,
}

/// Calls `visit` with the name and the result of each test, in the document's order.
pub fn walk(results: &RawValue, mut visit: impl FnMut(&str, TestResult)) -> Result<(), ResultsError> {
    if !is_object(results) {
        return Err(ResultsError::NotAnObject);
    }
    let mut path = String::new();
    walk_object(results, &mut path, 0, &mut visit)
}

/// Whether the slice is a JSON object.
pub fn is_object(value: &RawValue) -> bool {
    value.get().starts_with('{')
}

/// The members of an object as borrowed slices, in the document's order; duplicates are errors.
pub fn members(object: &RawValue) -> Result<Vec<(Cow<'_, str>, &RawValue)>, ResultsError> {
    struct Members;
    impl<'de> Visitor<'de> for Members {
        type Value = Vec<(Cow<'de, str>, &'de RawValue)>;
        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("an object")
        }
        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut found = Vec::new();
            while let Some((Name(name), value)) = map.next_entry::<Name<'de>, &'de RawValue>()? {
                found.push((name, value));
            }
            Ok(found)
        }
    }
    let found = serde_json::Deserializer::from_str(object.get())
        .deserialize_map(Members)
        .map_err(|error| ResultsError::Json(error.to_string()))?;
    let mut seen = HashSet::with_capacity(found.len());
    for (name, _) in &found {
        if !seen.insert(name.as_ref()) {
            return Err(ResultsError::Duplicate(name.to_string()));
        }
    }
    Ok(found)
}

/// A member's name, borrowed unless it holds escapes.
struct Name<'a>(Cow<'a, str>);

impl<'de> serde::Deserialize<'de> for Name<'de> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl<'de> Visitor<'de> for Text {
            type Value = Name<'de>;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a name")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Name(Cow::Borrowed(text)))
            }
            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Name(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(Text)
    }
}

fn walk_object(
    object: &RawValue,
    path: &mut String,
    depth: usize,
    visit: &mut impl FnMut(&str, TestResult),
) -> Result<(), ResultsError> {
    if depth > MAX_DEPTH {
        return Err(ResultsError::TooDeep);
    }
    let found = members(object)?;
    let first_object = found.iter().position(|(_, value)| is_object(value));
    if let Some(first) = first_object
        && found[first..].iter().any(|(_, value)| !is_object(value))
    {
        return Err(ResultsError::Mixed);
    }
    // The reference loses a leaf that has an object among its members; both are kept here.
    let own = first_object.unwrap_or(found.len());
    if depth > 0 && (own > 0 || found.is_empty()) {
        visit(path, leaf(path, &found[..own])?);
    } else if own > 0 {
        return Err(ResultsError::Mixed);
    }
    for (name, value) in &found[own..] {
        let length = path.len();
        if name.is_empty() || name.chars().any(char::is_control) || length + name.len() >= MAX_NAME_BYTES {
            return Err(ResultsError::BadName(name.chars().take(80).flat_map(char::escape_debug).collect()));
        }
        if length > 0 {
            path.push('/');
        }
        path.push_str(name);
        walk_object(value, path, depth + 1, visit)?;
        path.truncate(length);
    }
    Ok(())
}

fn leaf(test: &str, members: &[(Cow<'_, str>, &RawValue)]) -> Result<TestResult, ResultsError> {
    let mut result = TestResult {
        actual: States::from_bits(0),
        expected: States::from_bits(0),
        time: None,
        extra: String::new(),
        flaky: false,
    };
    let (mut tries, mut passes) = (None, None);
    let states = |member: &'static str, value: &RawValue| {
        serde_json::from_str::<Cow<'_, str>>(value.get())
            .map(|text| States::parse(&text))
            .map_err(|_| ResultsError::BadLeaf { test: test.to_owned(), member, wanted: "a text of state names" })
    };
    for (name, value) in members {
        match name.as_ref() {
            "actual" => result.actual = states("actual", value)?,
            "expected" => result.expected = states("expected", value)?,
            // Answers name the run by these; the reference loses them too.
            "uuid" | "start_time" => {}
            "time" if whole(value.get()).is_some() => result.time = whole(value.get()),
            other => {
                match other {
                    "flakiness_num_tries" => tries = value.get().parse::<f64>().ok(),
                    "flakiness_num_passes" => passes = value.get().parse::<f64>().ok(),
                    _ => {}
                }
                result.extra.push(if result.extra.is_empty() { '{' } else { ',' });
                result.extra.push_str(&serde_json::Value::from(other).to_string());
                result.extra.push(':');
                result.extra.push_str(value.get());
            }
        }
    }
    if !result.extra.is_empty() {
        result.extra.push('}');
    }
    result.flaky = matches!((passes, tries), (Some(passes), Some(tries)) if passes < tries);
    Ok(result)
}

/// A number that reads back as it was written.
fn whole(text: &str) -> Option<u32> {
    const DIGITS: usize = 9;
    let number = text.parse().ok()?;
    (text.len() <= DIGITS && (text == "0" || text.starts_with(|first| matches!(first, '1'..='9')))).then_some(number)
}

/// Counts over one run, as the API's `stats` have them: a crash also counts as timed out and failed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// All tests of the run.
    pub run: u32,
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
        self.flaky += u32::from(result.flaky);
        let unexpected = result.actual.worst_unexpected(result.expected);
        for (counts, worst) in [(&mut self.all, result.actual.worst()), (&mut self.unexpected, unexpected)] {
            for (count, limit) in counts.iter_mut().zip([state::ERROR, state::TIMEOUT, state::CRASH]) {
                *count += u32::from(worst <= limit);
            }
        }
    }

    /// Adds the counts to the uploaded run statistics.
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
    use proptest::prelude::*;

    fn walked(json: &str) -> Result<Vec<(String, TestResult)>, ResultsError> {
        let raw: Box<RawValue> = serde_json::from_str(json).unwrap();
        let mut found = Vec::new();
        walk(&raw, |name, result| found.push((name.to_owned(), result)))?;
        Ok(found)
    }

    #[test]
    fn joins_names_and_keeps_other_members_as_written() {
        let found = walked(r#"{"a":{"b.html":{"actual":"TEXT","expected":"PASS","time":1.50,"log":"x"},"c.html":{}}}"#)
            .unwrap();
        assert_eq!(found[0].0, "a/b.html");
        assert_eq!(found[0].1.extra, r#"{"time":1.50,"log":"x"}"#);
        assert_eq!((found[0].1.time, found[0].1.actual.to_string().as_str()), (None, "TEXT"));
        assert_eq!((found[1].0.as_str(), found[1].1.actual.to_string().as_str()), ("a/c.html", "PASS"));
    }

    #[test]
    fn whole_times_are_times_and_others_stay_as_written() {
        for (written, time, extra) in [
            ("0", Some(0), ""),
            ("120", Some(120), ""),
            ("999999999", Some(999_999_999), ""),
            ("1000000000", None, r#"{"time":1000000000}"#),
            ("-1", None, r#"{"time":-1}"#),
            ("1e2", None, r#"{"time":1e2}"#),
            ("null", None, r#"{"time":null}"#),
            ("\"7\"", None, r#"{"time":"7"}"#),
        ] {
            let found = walked(&format!(r#"{{"a":{{"time":{written}}}}}"#)).unwrap();
            assert_eq!((found[0].1.time, found[0].1.extra.as_str()), (time, extra), "{written}");
        }
    }

    #[test]
    fn refuses_what_is_no_tree_of_tests() {
        assert_eq!(walked(r#"{"a":{"b":{},"c":1}}"#).unwrap_err(), ResultsError::Mixed);
        assert_eq!(walked(r#"[1]"#).unwrap_err(), ResultsError::NotAnObject);
        assert_eq!(walked(r#"{"a":{},"a":{}}"#).unwrap_err(), ResultsError::Duplicate("a".into()));
        assert!(matches!(walked("{\"a\\u0000\":{}}").unwrap_err(), ResultsError::BadName(_)));
        assert!(matches!(walked(r#"{"a":{"actual":3}}"#).unwrap_err(), ResultsError::BadLeaf { .. }));
        let deep = format!("{}{}", r#"{"a":"#.repeat(100), "{}".to_owned() + &"}".repeat(100));
        assert_eq!(walked(&deep).unwrap_err(), ResultsError::TooDeep);
    }

    #[test]
    fn a_crash_counts_in_all_three() {
        let mut counts = Counts::default();
        for (_, result) in
            walked(r#"{"a":{"actual":"CRASH"},"b":{"actual":"FAIL","expected":"FAIL"},"c":{"actual":"WARNING"}}"#)
                .unwrap()
        {
            counts.add(&result);
        }
        assert_eq!((counts.run, counts.all, counts.unexpected), (3, [2, 1, 1], [1, 1, 1]));
    }

    proptest! {
        #[test]
        fn finds_every_test_once(names in proptest::collection::btree_set("[a-z]{1,4}/[a-z\\.]{1,6}", 1..40)) {
            let mut tree = serde_json::Map::new();
            for name in &names {
                let (folder, test) = name.split_once('/').unwrap();
                let folder = tree.entry(folder).or_insert_with(|| serde_json::json!({}));
                folder.as_object_mut().unwrap().insert(test.into(), serde_json::json!({"actual": "FAIL"}));
            }
            let mut found: Vec<String> = walked(&serde_json::to_string(&tree).unwrap()).unwrap().into_iter().map(|(name, _)| name).collect();
            found.sort();
            prop_assert_eq!(found, names.into_iter().collect::<Vec<_>>());
        }
    }
}
