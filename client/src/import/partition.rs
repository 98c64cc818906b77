//! Partitions: what the API keeps uploads by.

use std::collections::BTreeMap;
use std::fmt;

use form_urlencoded::Serializer;
use serde_json::{Map, Value};

/// Branches that make one partition, whichever of these names a repository gives its own.
const DEFAULT_BRANCHES: [&str; 3] = ["main", "master", "trunk"];
/// The factors of a version as a number: 14.2.1 is 14002001.
const VERSION: [u64; 2] = [1_000_000, 1_000];

/// The uploads of a suite on a configuration, of the default branch where none is named.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Partition {
    pub(super) suite: String,
    /// As the source lists it.
    pub(super) configuration: Map<String, Value>,
    pub(super) branch: Option<String>,
}

/// The branch that partitions of a commit's branch are asked by.
pub(super) fn branch_key(branch: &str) -> Option<&str> {
    (!DEFAULT_BRANCHES.contains(&branch)).then_some(branch)
}

impl Partition {
    /// The parameters that name exactly this partition, in the order of their names.
    pub(super) fn query(&self) -> String {
        let mut query = Serializer::new(String::new());
        query.append_pair("suite", &self.suite);
        // Servers list members in any order, and the next import must find the same partition.
        let members: BTreeMap<&String, &Value> = self.configuration.iter().collect();
        for (name, value) in members {
            query.append_pair(name, &parameter(name, value));
        }
        if let Some(branch) = &self.branch {
            query.append_pair("branch", branch);
        }
        query.finish()
    }
}

/// A member of a configuration as parameters spell it.
fn parameter(name: &str, value: &Value) -> String {
    match (name, value) {
        // A number would be read as a major version.
        ("version", Value::Number(number)) if number.is_u64() => {
            let number = number.as_u64().unwrap_or_default();
            let [major, minor] = VERSION;
            format!("{}.{}.{}", number / major, number % major / minor, number % minor)
        }
        (_, Value::Bool(value)) => if *value { "True" } else { "False" }.to_owned(),
        (_, Value::String(text)) => text.clone(),
        (_, other) => other.to_string(),
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let members = self.configuration.iter().map(|(name, value)| format!("{name} {}", parameter(name, value)));
        write!(formatter, "{} on {}", self.suite, members.collect::<Vec<_>>().join(", "))?;
        self.branch.iter().try_for_each(|branch| write!(formatter, " of {branch}"))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn versions_are_asked_for_as_text_and_booleans_as_the_reference_spells_them() {
        let configuration = json!({"platform": "Mac", "version": 14_002_001, "is_simulator": false, "model": "A&B"});
        let partition = Partition {
            suite: "s p".into(),
            configuration: configuration.as_object().unwrap().clone(),
            branch: branch_key("eng/x").map(str::to_owned),
        };
        let query = "suite=s+p&is_simulator=False&model=A%26B&platform=Mac&version=14.2.1&branch=eng%2Fx";
        assert_eq!(partition.query(), query);
        assert_eq!(branch_key("master"), None);
    }
}
