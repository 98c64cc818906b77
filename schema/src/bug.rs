//! Bugs that explain failures: what somebody says of a test, for everybody who meets its failures.

use serde::{Deserialize, Serialize};

use crate::cause::Pattern;
use crate::cause::primary::primary;
use crate::configuration::Configuration;
use crate::retention::matches;
use crate::state::State;

/// That a bug explains how a test fails.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BugLink {
    /// The suite.
    pub suite: String,
    /// The test, or those whose names a pattern with `*` describes.
    pub test: String,
    /// The bug's page.
    pub url: String,
    /// What a reader should know of it, in a line; may be empty.
    #[serde(default)]
    pub note: String,
    /// It explains failures only where the configuration has the members that this one has.
    #[serde(default)]
    pub configuration: Configuration,
    /// The one failing state that it explains, by its name; every failure if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// The message that it explains, as a pattern in which `*` stands for any text: of failures of many tests, those that say so;
    /// whatever they say if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// False takes an earlier link back.
    pub is_open: bool,
}

impl BugLink {
    /// Whether it explains failures on this configuration.
    pub fn covers(&self, configuration: &Configuration) -> bool {
        self.configuration.describes(configuration)
    }

    /// Whether it explains failures of a state.
    pub fn explains(&self, state: State) -> bool {
        self.failure.as_deref().is_none_or(|failure| failure == state.name())
    }

    /// Whether it explains failures that say this; what is not known to say so does not.
    pub fn explains_message(&self, message: Option<&str>) -> bool {
        let Some(asked) = &self.message else { return true };
        let Some(line) = message.and_then(primary) else { return false };
        matches(asked, &line) || Pattern::of(&line).is_some_and(|pattern| pattern.text == *asked)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn members_that_are_not_given_are_free() {
        let mac = Configuration { platform: Some("Mac".into()), is_simulator: Some(false), ..Configuration::default() };
        let mut link = BugLink {
            suite: "s".into(),
            test: "a".into(),
            url: "https://bugs.example.org/1".into(),
            note: String::new(),
            configuration: Configuration::default(),
            failure: None,
            message: None,
            is_open: true,
        };
        assert!(link.covers(&mac));
        link.configuration.platform = Some("Mac".into());
        assert!(link.covers(&mac));
        let mut labelled = mac.clone();
        labelled.labels.add("python", &"3.12".into()).unwrap();
        assert!(link.covers(&labelled));
        link.configuration.labels = labelled.labels.clone();
        assert!(link.covers(&labelled) && !link.covers(&mac));
        assert!(link.explains_message(None) && link.explains_message(Some("took 31 ms")));
        link.message = Some("took * ms".into());
        assert!(link.explains_message(Some("took 31 ms\nat a.js:3")) && !link.explains_message(Some("took 31 s")));
        assert!(!link.explains_message(None) && !link.explains_message(Some("")));
        link.configuration.style = Some("Debug".into());
        assert!(!link.covers(&mac) && !link.covers(&labelled));
    }
}
