//! Values that claims of a token, or what a proxy says of somebody, have to have.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};
use wildmatch::WildMatchPattern;

/// A text in which `*` alone has a meaning. No claim has the character that would stand for a single one.
type Pattern = WildMatchPattern<'*', '\0'>;

/// The values that a claim may have.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum ClaimValues {
    /// This one.
    One(ClaimValue),
    /// Any of these.
    Any(Vec<ClaimValue>),
}

/// A value: a text, in which `*` stands for any characters, also none and `/`; or a whole number, or a truth value.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum ClaimValue {
    /// A text or pattern.
    Text(String),
    /// A number, the same as its digits.
    Number(i64),
    /// The same as the text `true` or `false`.
    Truth(bool),
}

impl ClaimValues {
    /// Each value as a text.
    pub fn texts(&self) -> Vec<String> {
        let values = match self {
            Self::One(value) => std::slice::from_ref(value),
            Self::Any(values) => values,
        };
        let text = |value: &ClaimValue| match value {
            ClaimValue::Text(text) => text.clone(),
            ClaimValue::Number(number) => number.to_string(),
            ClaimValue::Truth(is_true) => is_true.to_string(),
        };
        values.iter().map(text).collect()
    }
}

/// A claim may have no value at all, or an empty one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no value, or an empty one, for the claim '{0}'")]
pub struct NoClaimValue(pub String);

/// Values by claim; who is meant has one of each.
#[derive(Debug, Clone)]
pub struct ClaimPatterns(Vec<(String, Vec<Pattern>)>);

impl ClaimPatterns {
    /// Reads a part of a configuration.
    ///
    /// # Errors
    /// A claim could have no value.
    pub fn new(claims: &BTreeMap<String, ClaimValues>) -> Result<Self, NoClaimValue> {
        let patterns = |(claim, values): (&String, &ClaimValues)| {
            let texts = values.texts();
            if texts.is_empty() || texts.iter().any(|text| text.is_empty() || text.contains('\0')) {
                return Err(NoClaimValue(claim.clone()));
            }
            Ok((claim.clone(), texts.iter().map(|text| Pattern::new(text)).collect()))
        };
        claims.iter().map(patterns).collect::<Result<_, _>>().map(Self)
    }

    /// The claims that have other values than this asks for; none if all are right. A list or an object has no value here: of a
    /// token of a run, every claim is one thing.
    pub fn mismatches(&self, claims: &Map<String, Value>) -> Vec<&str> {
        let wrong = |(name, patterns): &&(String, Vec<Pattern>)| {
            let value = claims.get(name).and_then(text);
            !value.is_some_and(|value| patterns.iter().any(|pattern| pattern.matches(&value)))
        };
        self.0.iter().filter(wrong).map(|(name, _)| name.as_str()).collect()
    }

    /// Whether each claim has one of its values; a list has those of its members, as groups of people come.
    pub fn match_any(&self, claims: &Map<String, Value>) -> bool {
        let is_met = |patterns: &[Pattern], value: &Value| {
            text(value).is_some_and(|value| patterns.iter().any(|pattern| pattern.matches(&value)))
        };
        self.0.iter().all(|(name, patterns)| match claims.get(name) {
            Some(Value::Array(members)) => members.iter().any(|member| is_met(patterns, member)),
            Some(value) => is_met(patterns, value),
            None => false,
        })
    }
}

/// The text of a claim that is a text, a number or a truth value; none of lists and objects.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(is_true) => Some(is_true.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_member_of_a_list_is_enough_where_lists_count() {
        let groups = ClaimValues::Any(vec![ClaimValue::Text("ci-*".into()), ClaimValue::Number(7)]);
        let patterns = ClaimPatterns::new(&[("groups".to_owned(), groups)].into()).unwrap();
        for (groups, expected) in [
            (json!(["x", "ci-admins"]), true),
            (json!([7]), true),
            (json!("ci-x"), true),
            (json!(["x", "aci-x"]), false),
            (json!([["ci-x"]]), false),
            (json!({"ci-x": "ci-x"}), false),
            (json!([]), false),
            (json!(null), false),
        ] {
            let claims = json!({ "groups": groups });
            assert_eq!(patterns.match_any(claims.as_object().unwrap()), expected, "{groups}");
        }
        assert!(!patterns.match_any(&Map::new()));
        let list = json!({ "groups": ["ci-x"] });
        assert_eq!(patterns.mismatches(list.as_object().unwrap()), ["groups"]);
    }
}
