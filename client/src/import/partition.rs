//! Partitions: what the API keeps uploads by.

use std::fmt;

use form_urlencoded::Serializer;
use schema::configuration::{Configuration, version_text};

/// The uploads of a suite on a configuration, of the default branch where none is named.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Partition {
    pub(super) suite: String,
    pub(super) configuration: Configuration,
    pub(super) branch: Option<String>,
}

impl Partition {
    /// The parameters that name exactly this partition, in an order that is always the same.
    pub(super) fn query(&self) -> String {
        let mut query = Serializer::new(String::new());
        query.append_pair("suite", &self.suite).append_pair("recent", "false");
        let members = self.configuration.query();
        // resultsdbpy takes a number for a major version.
        let version = self.configuration.version.map(version_text);
        for (name, value) in form_urlencoded::parse(members.as_bytes()) {
            let text = version.as_deref().filter(|_| name == "version");
            query.append_pair(&name, text.unwrap_or(&value));
        }
        if let Some(branch) = &self.branch {
            query.append_pair("branch", branch);
        }
        query.finish()
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} on {}", self.suite, self.configuration.name())?;
        self.branch.iter().try_for_each(|branch| write!(formatter, " of {branch}"))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn versions_are_asked_for_as_text_and_labels_as_labels() {
        let listed =
            json!({"platform": "Mac", "version": 14_002_001, "is_simulator": false, "model": "A&B", "python": "3.12"});
        let partition = Partition {
            suite: "s p".into(),
            configuration: serde_json::from_value(listed).unwrap(),
            branch: Some("eng/x".into()),
        };
        let query = "suite=s+p&recent=false&platform=Mac&model=A%26B&version=14.2.1&is_simulator=false&label.python=3.12\
                     &branch=eng%2Fx";
        assert_eq!(partition.query(), query);
    }
}
