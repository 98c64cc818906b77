//! One pass over the tree of tests: each byte is looked at once, however deep the tests lie.

use std::borrow::Cow;

use super::scan::{Scanner, unquoted};
use super::{
    MAX_DEPTH, MAX_NAME_BYTES, MAX_WORD_CHARACTERS, Member, ResultsError, TestResult, UnknownWord, is_object, unique,
};
use crate::state::{self, States};

/// Calls `visit` with the name and the result of each test, in the document's order; `results` is a value of a document
/// that was found to be JSON.
pub fn walk(results: &str, visit: impl FnMut(&str, TestResult)) -> Result<(), ResultsError> {
    if !is_object(results) {
        return Err(ResultsError::NotAnObject);
    }
    Walk { json: Scanner::new(results), path: String::new(), visit }.object(0)
}

struct Walk<'a, V> {
    json: Scanner<'a>,
    /// Where it is: names joined by slashes.
    path: String,
    visit: V,
}

impl<'a, V: FnMut(&str, TestResult)> Walk<'a, V> {
    /// Walks the object that comes next.
    fn object(&mut self, depth: usize) -> Result<(), ResultsError> {
        if depth > MAX_DEPTH {
            return Err(ResultsError::TooDeep);
        }
        // What a test says of itself, and the names of what lies below it.
        let mut own: Vec<Member<'a>> = Vec::new();
        let mut below: Vec<Cow<'a, str>> = Vec::new();
        self.json.pass(b'{');
        while self.json.peek() == Some(b'"') {
            let name = unquoted(self.json.value().unwrap_or_default())?;
            self.json.pass(b':');
            if self.json.peek() == Some(b'{') {
                // The reference loses a test that has an object among its members; both are kept here.
                if below.is_empty() && !own.is_empty() {
                    self.test(depth, &own)?;
                }
                let length = self.path.len();
                self.enter(&name)?;
                below.push(name);
                self.object(depth + 1)?;
                self.path.truncate(length);
            } else if below.is_empty() {
                own.push((name, self.json.value().unwrap_or_default()));
            } else {
                return Err(ResultsError::Mixed);
            }
            self.json.pass(b',');
        }
        self.json.pass(b'}');
        if own.len() + below.len() > 1 {
            unique(own.iter().map(|(name, _)| name).chain(&below))?;
        }
        if below.is_empty() && (depth > 0 || !own.is_empty()) { self.test(depth, &own) } else { Ok(()) }
    }

    fn test(&mut self, depth: usize, members: &[Member<'a>]) -> Result<(), ResultsError> {
        if depth == 0 {
            return Err(ResultsError::Mixed);
        }
        (self.visit)(&self.path, leaf(&self.path, members)?);
        Ok(())
    }

    fn enter(&mut self, name: &str) -> Result<(), ResultsError> {
        let length = self.path.len();
        if name.is_empty() || has_control(name) || length + name.len() >= MAX_NAME_BYTES {
            return Err(ResultsError::BadName(name.chars().take(80).flat_map(char::escape_debug).collect()));
        }
        if length > 0 {
            self.path.push('/');
        }
        self.path.push_str(name);
        Ok(())
    }
}

/// Whether a text holds a control character. Nearly none does, and bytes tell it faster than characters.
fn has_control(text: &str) -> bool {
    // The first byte of U+0080 to U+009F, and of what is no control, too.
    const SECOND_BLOCK: u8 = 0xc2;
    text.bytes().any(|byte| byte.is_ascii_control() || byte == SECOND_BLOCK) && text.chars().any(char::is_control)
}

fn leaf(test: &str, members: &[Member<'_>]) -> Result<TestResult, ResultsError> {
    let mut result = TestResult {
        actual: States::from_bits(0),
        expected: States::from_bits(0),
        time: None,
        extra: String::new(),
        flaky: false,
        has_passed: false,
        unknown: None,
    };
    let (mut tries, mut passes) = (None, None);
    for (name, value) in members {
        match name.as_ref() {
            "actual" => result.actual = states(test, "actual", value, &mut result.unknown, &mut result.extra)?,
            "expected" => result.expected = states(test, "expected", value, &mut result.unknown, &mut result.extra)?,
            // Answers name the run by these; the reference loses them too.
            "uuid" | "start_time" => {}
            other => {
                result.time = if other == "time" { whole(value) } else { result.time };
                match other {
                    "time" if result.time.is_some() => continue,
                    "flakiness_num_tries" => tries = value.parse::<f64>().ok(),
                    "flakiness_num_passes" => passes = value.parse::<f64>().ok(),
                    _ => {}
                }
                keep(&mut result.extra, other, value);
            }
        }
    }
    if !result.extra.is_empty() {
        result.extra.push('}');
    }
    result.flaky = matches!((passes, tries), (Some(passes), Some(tries)) if passes < tries);
    result.has_passed = passes.is_some_and(|passes| passes >= 1.0);
    Ok(result)
}

/// Reads one of the members that name states. Where a word is no name of one, `extra` keeps the member as it was written.
fn states(
    test: &str,
    member: &'static str,
    value: &str,
    unknown: &mut Option<UnknownWord>,
    extra: &mut String,
) -> Result<States, ResultsError> {
    let text = value.starts_with('"').then(|| unquoted(value).ok()).flatten().ok_or_else(|| ResultsError::BadLeaf {
        test: test.to_owned(),
        member,
        wanted: "a text of state names",
    })?;
    let states = States::parse(&text);
    if states.has_unknown()
        && let Some(word) = state::first_unknown(&text)
    {
        keep(extra, member, value);
        let word = word.chars().take(MAX_WORD_CHARACTERS).collect();
        // What a test did matters more than what it was to do.
        if unknown.is_none() || member == "actual" {
            *unknown = Some(UnknownWord { member, word });
        }
    }
    Ok(states)
}

/// Adds a member to the beginning of an object's JSON text, which is empty for none.
fn keep(extra: &mut String, name: &str, value: &str) {
    extra.push(if extra.is_empty() { '{' } else { ',' });
    extra.push_str(&serde_json::Value::from(name).to_string());
    extra.push(':');
    extra.push_str(value);
}

/// A number that reads back as it was written.
fn whole(text: &str) -> Option<u32> {
    const DIGITS: usize = 9;
    let number = text.parse().ok()?;
    (text.len() <= DIGITS && (text == "0" || text.starts_with(|first| matches!(first, '1'..='9')))).then_some(number)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::results::members;
    use proptest::prelude::*;
    use serde_json::value::RawValue;

    fn walked(json: &str) -> Result<Vec<(String, TestResult)>, ResultsError> {
        let raw: Box<RawValue> = serde_json::from_str(json).unwrap();
        let mut found = Vec::new();
        walk(raw.get(), |name, result| found.push((name.to_owned(), result)))?;
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
    fn states_that_nobody_knows_are_kept_as_they_were_written() {
        let found = walked(
            r#"{"a":{"actual":"FAILED","time":3},"b":{"expected":"Pass","log":"x","actual":"TEXT  bad"},"c":{"actual":"SKIP"}}"#,
        )
        .unwrap();
        let results: Vec<&TestResult> = found.iter().map(|(_, result)| result).collect();
        assert_eq!((results[0].extra.as_str(), results[0].time), (r#"{"actual":"FAILED"}"#, Some(3)));
        assert_eq!(results[1].extra, r#"{"expected":"Pass","log":"x","actual":"TEXT  bad"}"#);
        assert_eq!((results[2].extra.as_str(), results[2].unknown.as_ref()), ("", None));
        let words =
            |index: usize| results[index].unknown.as_ref().map(|unknown| (unknown.member, unknown.word.as_str()));
        assert_eq!((words(0), words(1)), (Some(("actual", "FAILED")), Some(("actual", "bad"))));
        let long = walked(&format!(r#"{{"a":{{"actual":"{}"}}}}"#, "é".repeat(500))).unwrap();
        assert_eq!(long[0].1.unknown.as_ref().unwrap().word, "é".repeat(MAX_WORD_CHARACTERS));
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

    proptest! {
        #[test]
        fn control_characters_are_those_of_unicode(text in "[a-c\\u{0}-\\u{20}\\u{7e}-\\u{a2}é]{0,4}") {
            prop_assert_eq!(has_control(&text), text.chars().any(char::is_control));
        }

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

        #[test]
        fn agrees_with_one_look_at_each_level(json in tree()) {
            let raw: Box<RawValue> = serde_json::from_str(&json).unwrap();
            let (mut expected, mut found) = (Vec::new(), Vec::new());
            let said = plain(raw.get(), "", 0, &mut expected);
            let walked = walk(raw.get(), |name, result| found.push((name.to_owned(), result)));
            prop_assert_eq!(walked.is_ok(), said.is_ok(), "{:?} {:?}", walked, said);
            if said.is_ok() {
                prop_assert_eq!(found, expected);
            }
        }
    }

    /// Reads each object's members, then each of theirs.
    fn plain(
        object: &str,
        path: &str,
        depth: usize,
        found: &mut Vec<(String, TestResult)>,
    ) -> Result<(), ResultsError> {
        let members = members(object)?;
        let own = members.iter().position(|(_, value)| is_object(value)).unwrap_or(members.len());
        if depth > MAX_DEPTH || members[own..].iter().any(|(_, value)| !is_object(value)) || depth == 0 && own > 0 {
            return Err(ResultsError::Mixed);
        }
        if depth > 0 && (own > 0 || members.is_empty()) {
            found.push((path.to_owned(), leaf(path, &members[..own])?));
        }
        for (name, value) in &members[own..] {
            if name.is_empty() || name.chars().any(char::is_control) {
                return Err(ResultsError::BadName(name.to_string()));
            }
            let path = if path.is_empty() { name.to_string() } else { format!("{path}/{name}") };
            plain(value, &path, depth + 1, found)?;
        }
        Ok(())
    }

    /// Valid JSON as it may be written: spaces, escapes, halves of surrogate pairs, numbers of every form.
    fn tree() -> impl Strategy<Value = String> {
        let name = prop_oneof![
            Just("actual"),
            Just("expected"),
            Just("time"),
            Just("log"),
            Just("a"),
            Just("b.html"),
            Just("\u{1f600}"),
            Just(r"\u0041\n"),
            Just(r#"q\"q"#),
            Just(r"\\"),
            Just("")
        ];
        let scalar = prop_oneof![
            Just("1"),
            Just("-0.50"),
            Just("1e999"),
            Just("123456789012345678901234567890"),
            Just("true"),
            Just("null"),
            Just(r#""FAIL""#),
            Just(r#""PASS TEXT""#),
            Just(r#""\ud800""#),
            Just(r#""\ud83d\ude00""#),
            Just(r#""a\u0000""#),
            Just(r#"[1, {"a" : [ ]}, "x"]"#),
            Just("[ ]"),
            Just("\"\u{7f}\""),
        ];
        let value = scalar.prop_map(str::to_owned).boxed();
        let space = prop_oneof![4 => Just(""), 1 => Just(" "), 1 => Just("\n\t")];
        let object = move |value: BoxedStrategy<String>| {
            let member = (name.clone(), space.clone(), value);
            proptest::collection::vec(member, 0..6).prop_map(|members| {
                let member = |(name, space, value): &(&str, &str, String)| {
                    format!("{space}\"{name}\"{space}:{space}{value}{space}")
                };
                format!("{{{}}}", members.iter().map(member).collect::<Vec<_>>().join(","))
            })
        };
        let tree = object.clone();
        object(value).prop_recursive(5, 60, 6, move |inner| tree(inner.boxed()))
    }
}
