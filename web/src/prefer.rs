//! The `Prefer` header (RFC 7240): what a sender would like, and may not get.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue};

/// The request header that states preferences.
pub const PREFER: HeaderName = HeaderName::from_static("prefer");
/// The response header that says which preferences were honoured.
pub const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// How to treat a request that is wrong in a part that could be passed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handling {
    /// Refuse the whole request.
    Strict,
    /// Take what can be taken.
    Lenient,
}

/// The preferences of one request that the services know; unknown ones are passed over, as the RFC asks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Preferences {
    /// `wait=N`: how long the sender would wait for the answer, whole seconds.
    pub wait: Option<Duration>,
    /// `return=representation`: the answer should hold all that is known of the result.
    pub return_representation: bool,
    /// `handling=strict` or `handling=lenient`.
    pub handling: Option<Handling>,
}

impl Preferences {
    /// Reads the preferences of a request.
    ///
    /// The first statement of a preference counts, even if its value means nothing. Names and values are compared
    /// without regard to case. A semicolon separates preferences like a comma: none of those known has parameters.
    pub fn of(headers: &HeaderMap) -> Self {
        let (mut wait, mut returned, mut handling) = (None, None, None);
        let lines = headers.get_all(PREFER).iter().filter_map(|value| value.to_str().ok());
        for preference in lines.flat_map(|line| line.split([',', ';'])) {
            let (name, value) = preference.split_once('=').unwrap_or((preference, ""));
            let (name, value) = (name.trim(), unquoted(value.trim()));
            let slot = match name.to_ascii_lowercase().as_str() {
                "wait" => &mut wait,
                "return" => &mut returned,
                "handling" => &mut handling,
                _ => continue,
            };
            slot.get_or_insert(value);
        }
        Self {
            wait: wait.and_then(|value| value.parse().ok()).map(Duration::from_secs),
            return_representation: returned.is_some_and(|value| value.eq_ignore_ascii_case("representation")),
            handling: handling.and_then(|value| match value {
                _ if value.eq_ignore_ascii_case("strict") => Some(Handling::Strict),
                _ if value.eq_ignore_ascii_case("lenient") => Some(Handling::Lenient),
                _ => None,
            }),
        }
    }

    /// Whether the whole request is to be refused rather than taken in part.
    pub fn is_strict(&self) -> bool {
        self.handling == Some(Handling::Strict)
    }
}

/// A value may be a quoted text; those that mean something hold nothing that needs an escape.
fn unquoted(value: &str) -> &str {
    value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value)
}

/// The value of `Preference-Applied` that names these preferences, such as `wait=30`; none if there are none.
pub fn applied(preferences: &[String]) -> Option<HeaderValue> {
    let text = preferences.join(", ");
    HeaderValue::from_str(&text).ok().filter(|_| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &[&'static str]) -> Preferences {
        Preferences::of(&lines.iter().map(|line| (PREFER, HeaderValue::from_static(line))).collect())
    }

    #[test]
    fn all_preferences_are_read_from_one_line_or_several() {
        let all = Preferences {
            wait: Some(Duration::from_secs(30)),
            return_representation: true,
            handling: Some(Handling::Strict),
        };
        assert_eq!(read(&["wait=30, return=representation, handling=strict"]), all);
        assert_eq!(read(&["Wait = \"30\"; RETURN=Representation", "respond-async , handling=STRICT"]), all);
        assert_eq!(read(&[]), Preferences::default());
    }

    #[test]
    fn the_first_statement_of_a_preference_counts() {
        assert_eq!(read(&["wait=5, wait=7", "wait=9"]).wait, Some(Duration::from_secs(5)));
        assert_eq!(read(&["handling=lenient, handling=strict"]).handling, Some(Handling::Lenient));
        assert!(!read(&["handling=lenient"]).is_strict());
        assert!(!read(&["return=minimal, return=representation"]).return_representation);
    }

    #[test]
    fn what_means_nothing_is_passed_over() {
        for line in
            ["wait", "wait=", "wait=soon", "wait=-1", "wait=99999999999999999999", "awaits=5", ",;=,\"", "handling"]
        {
            assert_eq!(read(&[line]), Preferences::default(), "{line}");
        }
    }

    #[test]
    fn applied_preferences_are_listed() {
        assert_eq!(applied(&[]), None);
        let both = applied(&["wait=30".to_owned(), "handling=strict".to_owned()]);
        assert_eq!(both, Some(HeaderValue::from_static("wait=30, handling=strict")));
    }
}
