//! The configuration file.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context;
use serde::Deserialize;

/// Everything that can be configured; absent members have defaults that suit `serve`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    /// Title of the pages.
    pub(crate) title: String,
    /// Repositories by id.
    pub(crate) repositories: BTreeMap<String, Repository>,
}

/// A repository whose commits runs name.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Repository {
    /// What main, master and trunk are stored as.
    #[serde(default = "main_branch")]
    pub(crate) default_branch: String,
    /// How its commits are named, the preferred way first.
    #[serde(default)]
    pub(crate) representations: Vec<String>,
    /// Link template; `<commit>` is replaced by the commit's name.
    #[serde(default)]
    pub(crate) commit_url: Option<String>,
}

fn main_branch() -> String {
    "main".to_owned()
}

impl Default for Config {
    fn default() -> Self {
        Self { title: "Results Database".to_owned(), repositories: BTreeMap::new() }
    }
}

impl Config {
    /// Reads the file; none means defaults.
    pub(crate) fn load(path: Option<&Path>) -> anyhow::Result<Self> {
        let Some(path) = path else { return Ok(Self::default()) };
        let text =
            std::fs::read_to_string(path).with_context(|| format!("reading the configuration {}", path.display()))?;
        toml::from_str(&text).with_context(|| format!("in the configuration {}", path.display()))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn unknown_members_are_refused_by_name() {
        let error = toml::from_str::<Config>("titel = 'x'").unwrap_err().to_string();
        assert!(error.contains("titel") && error.contains("title"), "{error}");
    }

    #[test]
    fn the_examples_load() {
        let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
        for name in ["minimal.toml", "webkit.toml"] {
            Config::load(Some(&examples.join(name))).unwrap();
        }
    }
}
