//! What suites mask in patterns of messages beyond the rule, as the configuration says.
//!
//! A mask is applied to patterns when they are read, and not when failures are stored: it holds for all weeks at once, and
//! what it hides comes back when it goes.

use std::borrow::Cow;

use regex::{Captures, Regex, RegexBuilder};
use schema::cause::Pattern;
use schema::retention::matches;
use serde::{Deserialize, Deserializer};

/// Bytes that a compiled expression may take.
const MAX_BYTES: usize = 1 << 20;

/// One `[[masks]]` entry of the configuration.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, expecting = "an entry with a suite and an expression")]
pub struct SuiteMask {
    /// Suites that it is for: a name in which each `*` stands for any text; all suites if absent.
    pub suite: Option<String>,
    /// What becomes a `*`: the first group of the regular expression where it has one, else all that it finds.
    #[serde(deserialize_with = "expression")]
    pub expression: Regex,
}

fn expression<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Regex, D::Error> {
    let text = String::deserialize(deserializer)?;
    RegexBuilder::new(&text).size_limit(MAX_BYTES).build().map_err(serde::de::Error::custom)
}

/// The masks of a suite, in their order.
pub fn of_suite<'m>(masks: &'m [SuiteMask], suite: &str) -> Vec<&'m Regex> {
    let is_meant = |mask: &&SuiteMask| mask.suite.as_deref().is_none_or(|pattern| matches(pattern, suite));
    masks.iter().filter(is_meant).map(|mask| &mask.expression).collect()
}

/// The pattern of what a failing test said, with the masks of its suite; none if that says nothing.
pub fn pattern_of(message: &str, masks: &[&Regex]) -> Option<Pattern> {
    let pattern = Pattern::of(message)?;
    Some(masked(&pattern.text, masks).unwrap_or(pattern))
}

/// A pattern with some masks; none where they change nothing.
pub(crate) fn masked(pattern: &str, masks: &[&Regex]) -> Option<Pattern> {
    let mut text = Cow::Borrowed(pattern);
    for mask in masks {
        let hidden = mask.replace_all(&text, |found: &Captures<'_>| {
            let (Some(whole), Some(hidden)) = (found.get(0), found.get(1).or_else(|| found.get(0))) else {
                return String::new();
            };
            let (from, to) = (hidden.start() - whole.start(), hidden.end() - whole.start());
            format!("{}*{}", &whole.as_str()[..from], &whole.as_str()[to..])
        });
        text = Cow::Owned(hidden.into_owned());
    }
    if text == pattern { None } else { Pattern::new(text.into_owned()) }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn mask(suite: Option<&str>, expression: &str) -> SuiteMask {
        let entry = serde_json::json!({ "suite": suite, "expression": expression });
        serde_json::from_value(entry).unwrap()
    }

    #[test]
    fn a_suite_masks_a_group_or_all_that_is_found() {
        let masks = [mask(Some("api-*"), "user (\\w+)"), mask(None, "née \\S+"), mask(Some("other"), "logged")];
        let of = |suite: &str, pattern: &str| masked(pattern, &of_suite(&masks, suite)).map(|pattern| pattern.text);
        assert_eq!(
            of("api-tests", "user ada née x logged in, user bob"),
            Some("user * * logged in, user *".to_owned())
        );
        assert_eq!(of("other", "user ada logged in"), Some("user ada * in".to_owned()));
        assert_eq!(of("layout-tests", "user ada"), None);
    }

    #[test]
    fn an_expression_that_is_none_is_an_error() {
        for wrong in ["(", "(\\w{1000}){1000}"] {
            assert!(
                serde_json::from_value::<SuiteMask>(serde_json::json!({ "expression": wrong })).is_err(),
                "{wrong}"
            );
        }
    }
}
