//! What a configuration says beside its named members: any keys that a project tells its runs apart by, for example
//! `python=3.12`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::ConfigurationError;

/// The most labels of a configuration.
pub const MAX_LABELS: usize = 20;
/// The longest key, bytes.
pub const MAX_KEY_BYTES: usize = 40;
/// The longest value, bytes.
pub const MAX_VALUE_BYTES: usize = 200;
/// Keys that answers have beside the members of a configuration.
const RESERVED: [&str; 1] = ["suite"];

/// Values by key, in the order of the keys. JSON has them beside the named members of the configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Labels(BTreeMap<String, String>);

/// Whether a text may be the key of a label: a lower-case letter, then lower-case letters, digits, `_` and `-`.
pub fn is_key(text: &str) -> bool {
    let is_inner = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-');
    let bytes = text.as_bytes();
    bytes.first().is_some_and(u8::is_ascii_lowercase)
        && bytes.iter().all(is_inner)
        && bytes.len() <= MAX_KEY_BYTES
        && !RESERVED.contains(&text)
}

impl Labels {
    /// Adds what a document says of a key: a text, a number or a truth value. Null and an empty text say nothing.
    ///
    /// # Errors
    /// The key or the value is none, or there are too many.
    pub fn add(&mut self, key: &str, value: &Value) -> Result<(), ConfigurationError> {
        let text = match value {
            Value::Null => return Ok(()),
            Value::String(text) => text.clone(),
            Value::Number(_) | Value::Bool(_) => value.to_string(),
            Value::Array(_) | Value::Object(_) => return Err(ConfigurationError::BadValue(shown(key))),
        };
        if text.is_empty() {
            return Ok(());
        }
        if !is_key(key) {
            return Err(ConfigurationError::BadKey(shown(key)));
        }
        if text.len() > MAX_VALUE_BYTES || text.chars().any(char::is_control) {
            return Err(ConfigurationError::BadValue(key.to_owned()));
        }
        self.0.insert(key.to_owned(), text);
        if self.0.len() > MAX_LABELS { Err(ConfigurationError::TooManyLabels) } else { Ok(()) }
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    /// Keys and values, sorted by key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Those that both have with the same value.
    pub(super) fn common(&self, other: &Self) -> Self {
        let both = self.iter().filter(|(key, value)| other.get(key) == Some(value));
        Self(both.map(|(key, value)| (key.to_owned(), value.to_owned())).collect())
    }

    /// Those whose key is not among `others`.
    pub(super) fn without(&self, others: &Self) -> Self {
        let rest = self.iter().filter(|(key, _)| others.get(key).is_none());
        Self(rest.map(|(key, value)| (key.to_owned(), value.to_owned())).collect())
    }

    /// Whether every one of them is among `others`.
    pub fn are_among(&self, others: &Self) -> bool {
        self.iter().all(|(key, value)| others.get(key) == Some(value))
    }
}

/// What an error shows of a key.
fn shown(key: &str) -> String {
    key.chars().filter(|character| !character.is_control()).take(MAX_KEY_BYTES).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::configuration::Configuration;
    use proptest::prelude::*;
    use serde_json::json;

    fn error(configuration: Value) -> String {
        Configuration::from_json(&configuration).unwrap_err().to_string()
    }

    #[test]
    fn values_become_texts() {
        let given = json!({ "python": "3.12", "shards": 4, "asan": true, "none": null, "empty": "" });
        let labels = Configuration::from_json(&given).unwrap().labels;
        assert!(labels.iter().eq([("asan", "true"), ("python", "3.12"), ("shards", "4")]), "{labels:?}");
    }

    #[test]
    fn what_cannot_be_a_label_is_refused_by_name() {
        for (key, value) in [("Python", json!("3")), ("a b", json!("1")), ("1a", json!("1")), ("suite", json!("s"))] {
            assert!(error(json!({ key: value })).starts_with(&format!("'{key}' cannot be a member")), "{key}");
        }
        assert!(error(json!({ "a".repeat(41): "1" })).contains("cannot be a member"));
        for value in [json!([1]), json!({}), json!("a\nb"), json!("x".repeat(201))] {
            assert!(error(json!({ "os": value })).starts_with("'os' of a configuration is a text"), "{value}");
        }
        let many: serde_json::Map<String, Value> = (0..21).map(|index| (format!("k{index}"), json!("v"))).collect();
        assert!(error(Value::Object(many)).contains("at most 20"));
    }

    #[test]
    fn labels_stand_beside_the_other_members_and_belong_to_the_identity() {
        let plain = Configuration { platform: Some("linux".into()), ..Configuration::default() };
        let mut labelled = plain.clone();
        labelled.labels.add("python", &json!("3.12")).unwrap();
        assert_eq!(serde_json::to_string(&plain).unwrap(), r#"{"platform":"linux"}"#);
        assert_eq!(serde_json::to_string(&labelled).unwrap(), r#"{"platform":"linux","python":"3.12"}"#);
        assert_ne!(plain.id(), labelled.id());
        assert_eq!(labelled.name(), "linux python=3.12");
        assert_eq!(labelled.query(), "platform=linux&label.python=3.12");
    }

    /// Stored rows and addresses hold this number: it was computed before there were labels.
    #[test]
    fn identities_without_labels_stay() {
        let given = json!({ "platform": "Mac", "version": 14_000_000, "is_simulator": false, "architecture": "arm64" });
        assert_eq!(Configuration::from_json(&given).unwrap().id(), ID_BEFORE_LABELS);
    }

    const ID_BEFORE_LABELS: u64 = 4_286_567_937_385_196_220;

    proptest! {
        #[test]
        fn keys_are_as_their_rule_says(text in "[a-zA-Z0-9_ -]{0,42}") {
            let rule = regex_free(&text);
            prop_assert_eq!(is_key(&text), rule);
        }

        #[test]
        fn labels_read_back(labels in proptest::collection::btree_map("[a-z][a-z0-9_-]{0,8}x", "[^\\pC]{1,20}", 0..8)) {
            let given = serde_json::to_value(&labels).unwrap();
            let configuration = Configuration::from_json(&given).unwrap();
            let stored: Configuration = serde_json::from_str(&serde_json::to_string(&configuration).unwrap()).unwrap();
            prop_assert_eq!(&stored, &configuration);
            let found: BTreeMap<String, String> =
                stored.labels.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
            prop_assert_eq!(found, labels);
        }
    }

    fn regex_free(text: &str) -> bool {
        let mut characters = text.chars();
        characters.next().is_some_and(|first| first.is_ascii_lowercase())
            && characters.all(|one| "abcdefghijklmnopqrstuvwxyz0123456789_-".contains(one))
            && text.chars().count() <= 40
            && text != "suite"
    }
}
